"""What a finished model is looked at with: data as they are, not split, scaled or encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Given"]


@dataclass(frozen=True, eq=False)
class Given:
    """Inputs as a model takes them, and what is known besides.

    Attributes:
        x: Inputs, all rows of the training part: an array ``(n, …)``, or a structure of them.
        y: Labels likewise, or ``None``.
        weights: Of the examples in the loss, or ``None``.
        validation: ``(x, y)`` or ``(x, y, weights)`` that the model was not trained on, if there
            are any.
        held: So many rows at the end of ``x`` validate where a table was split as it was read.
        notes: What was done to them, in sentences.
    """

    x: Any
    y: Any = None
    weights: Any = None
    validation: tuple[Any, ...] | None = None
    held: int = 0
    notes: tuple[str, ...] = ()

    @property
    def training(self) -> tuple[Any, ...]:
        """``(x, y)``, or ``(x, y, weights)`` where there are weights."""
        return (self.x, self.y) if self.weights is None else (self.x, self.y, self.weights)

    @property
    def parts(self) -> list[tuple[Any, ...]]:
        """The training part, and the validation part if there is one."""
        return [self.training] if self.validation is None else [self.training, self.validation]
