"""Whole numbers that count or measure something, told from the numbers of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_quantity"]

Array = NDArray[Any]
# So few different numbers are classes however they are spread, and among so many more it shows
# whether neighbours come about as often.
FEW, MANY = 5, 10
# Classes that were sampled alike: none comes less often than a fifth of the average.
ALIKE = 5


def is_quantity(rows: Array) -> bool:
    """Whether different whole numbers, from how often each comes, are more than names of classes.

    Quantities have a usual value, and others the more seldom the farther they are from it; how
    often a class comes says nothing of the next one.

    Args:
        rows: How many examples have each value, the values ascending.

    >>> is_quantity(np.array([92, 131, 90, 44, 16, 5, 2]))  # goals in a match
    True
    >>> is_quantity(np.array([463, 5, 35, 44, 51, 163, 244, 429, 20, 30]))  # places in a cell
    False
    """
    if len(rows) <= FEW or ALIKE * rows.min() >= rows.mean():
        return False
    return _has_one_peak(rows) or (len(rows) > MANY and _is_smooth(rows))


def _has_one_peak(rows: Array) -> bool:
    """Whether numbers rise to their largest and fall behind it, but for chance."""
    steps, chance = np.diff(rows), 2 * np.sqrt(rows[1:] + rows[:-1])
    peak = int(np.argmax(rows))
    return bool((steps[:peak] >= -chance[:peak]).all() and (steps[peak:] <= chance[peak:]).all())


def _is_smooth(rows: Array) -> bool:
    """Whether neighbours are more alike than others: von Neumann's ratio, 2 for any order."""
    logarithms = np.log(rows)
    return bool(np.mean(np.diff(logarithms) ** 2) < np.var(logarithms))
