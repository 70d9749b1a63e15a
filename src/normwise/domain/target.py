"""A metric and the value to reach."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Literal

from normwise.errors import SpecError

__all__ = ["Target"]

# Metrics are computed in single precision, in which 7 of 10 are 0.699999988: what is as near as
# rounding leaves it is the same value.
_ROUNDING = 2.0**-24
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A metric and the value to reach, ``val_accuracy>=0.8`` or ``val_loss<=0.4``.

    >>> Target.parse("val_accuracy >= 0.8")
    Target(metric='val_accuracy', relation='>=', value=0.8)
    >>> Target.parse("val_loss<=0.4").is_reached(0.39)
    True
    >>> print(Target("val_accuracy", ">=", 2 / 3))
    val_accuracy>=0.6666
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
        """Whether ``value`` meets the target, up to rounding; NaN never does."""
        return self.surplus(value) >= 0

    def surplus(self, value: float) -> float:
        """How far ``value`` lies beyond the target, below 0 if short of it; 0 up to rounding.

        >>> Target.parse("val_loss<=0.5").surplus(0.75)
        -0.25
        """
        if self._is_at(value):
            return 0.0
        return value - self.value if self.relation == ">=" else self.value - value

    @property
    def number(self) -> str:
        """The value as people write it, in four digits at most.

        A longer one is rounded to where whatever reached it still does, for who types it again.

        >>> Target("val_loss", "<=", 0.123456).number, Target("loss", "<=", 0.5).number
        ('0.1235', '0.5')
        """
        shorter = (float(f"{self.value:.{digits}g}") for digits in range(1, _DIGITS + 1))
        same = next((one for one in shorter if self._is_at(one)), None)
        if same is None:
            easier = ROUND_FLOOR if self.relation == ">=" else ROUND_CEILING
            same = float(Context(_DIGITS, easier).create_decimal(repr(self.value)))
        return f"{same:.15g}" if math.isfinite(same) else repr(self.value)

    def _is_at(self, value: float) -> bool:
        return math.isclose(value, self.value, rel_tol=_ROUNDING)

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.number}"
