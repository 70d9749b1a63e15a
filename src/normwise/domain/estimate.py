"""A number with its uncertainty."""

from __future__ import annotations

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

    def times(self, factor: float) -> Estimate:
        """The same in another unit: ``factor``, > 0, of it to one of this.

        >>> print(Estimate(2.0, 1.0, float("inf")).times(60.0).high)
        inf
        """
        ends = (self.value * factor, self.low * factor, self.high * factor)
        return Estimate(*ends, self.n, self.censored, self.method, self.seed)
