"""Numbers and days that stand for no value, such as -999: named, for they may be values as well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_DAY", "sentinel_of"]

Array = NDArray[Any]
# Of nines alone. Small ones are values among values, unless they are below 0.
NINES = 10.0 ** np.arange(1, 10) - 1
LEAST = 99
# 1900-01-01, where a spreadsheet begins to count, in days since 1970.
FIRST_DAY = -25567.0


def sentinel_of(values: Array) -> float | None:
    """A number of nines, or the first day, farther from all others than these from each other.

    >>> sentinel_of(np.array([31.5, -999, 36.5, -999]))
    -999.0
    >>> sentinel_of(np.array([31.5, 99, 76.5])) is None
    True
    """
    numbers = values[np.isfinite(values)]
    if not len(numbers):
        return None
    for extreme in (numbers.min(), numbers.max()):
        others = numbers[numbers != extreme]
        is_nines = abs(extreme) in NINES and (extreme < 0 or extreme >= LEAST)
        is_one = is_nines or extreme == FIRST_DAY
        if is_one and len(others) and np.abs(others - extreme).min() > np.ptp(others) > 0:
            return float(extreme)
    return None
