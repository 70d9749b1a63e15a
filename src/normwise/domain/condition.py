"""A point of a study's grid."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Condition"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A point of a study's grid: how a replica trains, beside its variant and seed.

    Attributes:
        learning_rate: The optimiser's learning rate, > 0; ``None`` where the model or a default
            says.
        initializer: Keras initialiser of all kernels; ``None`` for each layer's own.
        batch_size: Examples in a batch; 0 in journals that do not say.
        depth: What the model's function gets as its ``depth``; ``None`` where it is not asked for.

    >>> print(Condition(0.1, "he_normal", 32, depth=10))
    learning rate 0.1, he_normal, batch size 32, depth 10
    """

    learning_rate: float | None = None
    initializer: str | None = None
    batch_size: int = 32
    depth: int | None = None

    def __str__(self) -> str:
        rate = "" if self.learning_rate is None else f"learning rate {self.learning_rate:g}"
        depth = "" if self.depth is None else f"depth {self.depth}"
        parts = [rate, self.initializer, f"batch size {self.batch_size}", depth]
        return ", ".join(filter(None, parts))
