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


def is_quantity(values: Array, rows: Array) -> bool:
    """Whether different whole numbers are more than the numbers of classes.

    Classes are numbered from 0 or 1, nearly without a gap. Quantities have a usual value, and
    others the more seldom the farther they are from it; how often a class comes says nothing of
    the next one.

    Args:
        values: The numbers, ascending.
        rows: How many examples have each.

    >>> is_quantity(np.arange(7), np.array([92, 131, 90, 44, 16, 5, 2]))  # goals in a match
    True
    >>> is_quantity(np.arange(8), np.array([143, 77, 2, 2, 35, 20, 5, 52]))  # places in a cell
    False
    """
    if len(rows) <= FEW or ALIKE * rows.min() >= rows.mean():
        return False
    are_numbers_of_classes = values[0] in (0, 1) and values[-1] - values[0] < 2 * len(values)
    if not are_numbers_of_classes or _has_one_peak(rows):
        return True
    return len(rows) > MANY and _is_smooth(rows)


def _has_one_peak(rows: Array) -> bool:
    """Whether numbers rise to their largest and fall behind it, but for chance."""
    steps, chance = np.diff(rows), 2 * np.sqrt(rows[1:] + rows[:-1])
    peak = int(np.argmax(rows))
    return bool((steps[:peak] >= -chance[:peak]).all() and (steps[peak:] <= chance[peak:]).all())


def _is_smooth(rows: Array) -> bool:
    """Whether neighbours are more alike than others: von Neumann's ratio, 2 for any order."""
    logarithms = np.log(rows)
    return bool(np.mean(np.diff(logarithms) ** 2) < np.var(logarithms))
