"""Numbers and days that stand for no value, such as -999: named, for they may be values as well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_DAY", "sentinels_of"]

Array = NDArray[Any]
# Of nines alone. Small ones are values among values, unless they are below 0.
NINES = 10.0 ** np.arange(1, 10) - 1
LEAST = 99
# Among so few different numbers -1 is one of them, as in a scale from -1 to 1.
FEW = 10
# 1900-01-01, where a spreadsheet begins to count, in days since 1970.
FIRST_DAY = -25567.0


def sentinels_of(values: Array) -> list[float]:
    """Numbers of nines, or the first day, farther from all others than these from each other; -1.

    A -1 is one where nothing else is below 0, and it comes more often than 0 and 1 do.

    >>> sentinels_of(np.array([31.5, -999, 36.5, 999]))
    [-999.0, 999.0]
    >>> sentinels_of(np.array([31.5, 99, 76.5]))
    []
    """
    numbers = values[np.isfinite(values)]
    if not len(numbers):
        return []
    ends = [float(end) for end in (numbers.min(), numbers.max()) if _may_be_one(end)]
    others = numbers[~np.isin(numbers, ends)]
    found = [end for end in ends if len(others) and np.abs(others - end).min() > np.ptp(others) > 0]
    kept = numbers[~np.isin(numbers, found)]
    return [*found, -1.0] if _has_minus_one(kept) else found


def _may_be_one(number: float) -> bool:
    is_nines = abs(number) in NINES and (number < 0 or number >= LEAST)
    return bool(is_nines or number == FIRST_DAY)


def _has_minus_one(numbers: Array) -> bool:
    below = numbers[numbers < 0]
    if len(below) < 2 or (below != -1).any() or len(np.unique(numbers)) <= FEW:
        return False
    return bool(len(below) > max((numbers == 0).sum(), (numbers == 1).sum()))
