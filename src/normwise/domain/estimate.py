"""A number with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
        value: Point estimate; ``inf`` where it lies beyond what was observed.
        low: Lower end of the interval.
        high: Upper end of the interval; ``inf`` where the data set no bound.
        n: How many replicas (or pairs of replicas) are behind it.
        censored: How many of those never reached the target.
        method: How it was computed, in words for the report.
        seed: Seed of the resampling, or ``None`` if there was none.
    """

    value: float
    low: float
    high: float
    n: int = 0
    censored: int = 0
    method: str = ""
    seed: int | None = None

    def turned(self) -> Estimate:
        """The same with its sign changed.

        >>> print(Estimate(2.0, 1.0, 4.0).turned().low)
        -4.0
        """
        ends = (-self.value, -self.high, -self.low)
        return Estimate(*ends, self.n, self.censored, self.method, self.seed)

    def times(self, factor: float | Estimate) -> Estimate:
        """The same in another unit: ``factor``, > 0, of it to one of this.

        Where the factor is uncertain as well, the interval follows from both, on the scale of
        logarithms: the distances of its end from the values add up as the sides of a right angle
        (Zou & Donner 2008, Donner & Zou 2012). Where one of this has no bound or value, ends are
        multiplied, which is wider.

        Args:
            factor: A number, or an estimate of one, independent of this, whose ends are finite.

        >>> print(Estimate(2.0, 1.0, float("inf")).times(60.0).high)
        inf
        >>> found = Estimate(2.0, 1.0, 4.0).times(Estimate(3.0, 1.5, 6.0))
        >>> print(f"{found.value}: {found.low:.2f} to {found.high:.2f}")
        6.0: 2.25 to 15.99
        """
        by = factor if isinstance(factor, Estimate) else Estimate(factor, factor, factor)
        low, high = (
            _end(self.value, end, by.value, other)
            for end, other in ((self.low, by.low), (self.high, by.high))
        )
        return Estimate(
            self.value * by.value, low, high, self.n, self.censored, self.method, self.seed
        )


def _end(value: float, end: float, factor: float, other: float) -> float:
    """The end of a product's interval on the side of these ends."""
    if not (0 < value < math.inf and 0 < end < math.inf and factor > 0) or other == factor:
        return end * other
    distance = math.hypot(math.log(end / value), math.log(other / factor))
    return value * factor * math.exp(math.copysign(distance, other - factor))
