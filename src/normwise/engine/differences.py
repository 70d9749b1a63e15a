"""How far two trainings of a replica are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["largest_relative_difference"]


def largest_relative_difference(
    alone: Mapping[str, Sequence[float]], stacked: Mapping[str, Sequence[float]]
) -> float:
    """Largest |alone − stacked| / |alone| over all metrics and epochs.

    Compared are the metrics and epochs of ``stacked``. Epochs in which neither is
    finite agree; where only one is, the difference is infinite.

    >>> largest_relative_difference({"loss": [2.0, 4.0]}, {"loss": [2.0, 5.0]})
    0.25
    """
    largest = 0.0
    for metric, values in stacked.items():
        a, b = np.asarray(alone[metric][: len(values)], float), np.asarray(values, float)
        finite = np.isfinite(a), np.isfinite(b)
        if (finite[0] != finite[1]).any():
            return math.inf
        a, b = a[finite[0]], b[finite[0]]
        scale = np.where(a == 0, 1.0, np.abs(a))
        largest = max(largest, float(np.max(np.abs(a - b) / scale, initial=0.0)))
    return largest
