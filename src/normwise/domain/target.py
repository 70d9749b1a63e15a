"""A metric and the value to reach."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from normwise.errors import SpecError

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """A metric and the value to reach, ``val_accuracy>=0.8`` or ``val_loss<=0.4``.

    >>> Target.parse("val_accuracy >= 0.8")
    Target(metric='val_accuracy', relation='>=', value=0.8)
    >>> Target.parse("val_loss<=0.4").is_reached(0.39)
    True
    """

    metric: str
    relation: Literal[">=", "<="]
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``METRIC>=VALUE`` or ``METRIC<=VALUE``.

        Raises:
            SpecError: The text is not of that form.
        """
        match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(>=|<=)\s*([-+.\deE]+)\s*", text)
        try:
            metric, relation, number = match.groups()  # type: ignore[union-attr]
            value = float(number)
        except (AttributeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise SpecError(
                f"target {text!r} does not parse; expected METRIC>=VALUE or METRIC<=VALUE; "
                f"try 'val_accuracy>=0.8'"
            )
        return cls(metric, relation, value)  # type: ignore[arg-type]

    def is_reached(self, value: float) -> bool:
        """Whether ``value`` meets the target; NaN never does."""
        return value >= self.value if self.relation == ">=" else value <= self.value

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.value:g}"
