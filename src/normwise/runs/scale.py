"""Epochs, counted from 1, of what a log counts: epochs from 0, steps in hundreds, halves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale", "scale_of"]

# Where fewer of a grid's places than this are taken, the steps have no common measure.
_FILLED = 0.1
_SLACK = 1e-6  # of an epoch, for places that float arithmetic puts just behind one


@dataclass(frozen=True, slots=True)
class Scale:
    """What an epoch is in a log.

    Attributes:
        unit: How much the log's counter grows in it, > 0.
        origin: What the counter is before the first.
    """

    unit: float
    origin: float

    def epochs(self, places: NDArray[np.float64]) -> NDArray[np.int64]:
        """The epoch at whose end each place is known, from 1; what is earlier belongs to the first.

        >>> Scale(unit=100.0, origin=0.0).epochs(np.array([100.0, 150.0, 200.0])).tolist()
        [1, 2, 2]
        """
        found = np.ceil((places - self.origin) / self.unit - _SLACK)
        return np.maximum(found, 1).astype(np.int64)


def scale_of(places: NDArray[np.float64]) -> Scale:
    """The scale of the places at which a metric was seen.

    Args:
        places: At least one, in any order.

    >>> scale_of(np.array([0.0, 1.0, 2.0])), scale_of(np.array([1.0, 2.0, 4.0]))
    (Scale(unit=1.0, origin=-1.0), Scale(unit=1.0, origin=0.0))
    >>> scale_of(np.array([99.0, 199.0, 399.0]))
    Scale(unit=100.0, origin=-1.0)
    """
    distinct = np.unique(places)
    first, unit = float(distinct[0]), _unit(distinct)
    before = first % unit
    if before and not math.isclose(before, unit - 1):
        return Scale(unit, first - unit)  # nothing says what came before
    return Scale(unit, (-1.0 if before else 0.0) if first > 0 else first - unit)


def _unit(distinct: NDArray[np.float64]) -> float:
    gaps = np.diff(distinct)
    if not gaps.size:
        return 1.0
    usual = float(np.median(gaps))
    if not np.array_equal(distinct, np.round(distinct)):
        return usual
    common = float(np.gcd.reduce(gaps.astype(np.int64)))
    filled = distinct.size / ((distinct[-1] - distinct[0]) / common + 1)
    return common if filled >= _FILLED else usual
