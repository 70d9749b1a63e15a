"""A point of a study's grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

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
        said = self._in_words().items()
        return ", ".join(words for axis, words in said if getattr(self, axis) is not None)

    def told_from(self, others: Iterable[Condition]) -> str:
        """What it has on each axis on which all these points are not alike; empty if they are.

        Args:
            others: Points of the same grid.

        >>> Condition(0.1, batch_size=32).told_from([Condition(0.1, batch_size=100)])
        'batch size 32'
        """
        points = [self, *others]
        apart = {
            axis.name
            for axis in fields(self)
            if len({getattr(one, axis.name) for one in points}) > 1
        }
        return ", ".join(words for axis, words in self._in_words().items() if axis in apart)

    def _in_words(self) -> dict[str, str]:
        """Each axis to its value in words."""
        rate = "its own" if self.learning_rate is None else f"{self.learning_rate:g}"
        return {
            "learning_rate": f"learning rate {rate}",
            "initializer": self.initializer or "the layers' own initialisers",
            "batch_size": f"batch size {self.batch_size}",
            "depth": f"depth {self.depth}",
        }
