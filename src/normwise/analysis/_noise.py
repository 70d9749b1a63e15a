"""How far a curve jumps from epoch to epoch beside its trend."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["MOST_CURVES", "epoch_noise", "median_noise"]

# Runs are asked of in turn, again and again: a memory for fewer curves than there are would never
# find one.
MOST_CURVES = 2**16
# Fewer epochs do not tell noise from learning.
FEWEST_EPOCHS = 10

# Three values of independent normal noise differ, each from its neighbours' mean twice over, by
# sqrt(1 + 4 + 1) deviations; a quarter of normal values lies beyond 1.1503 of them.
_UPPER_QUARTILE = 1.1503 * math.sqrt(6)


def epoch_noise(curve: Sequence[float]) -> float:
    """The standard deviation of one epoch's value around the trend of its run.

    Of what each epoch's value differs from the line through its two neighbours, the upper
    quartile: a trend that bends in fewer than a quarter of the epochs, as most do at their
    beginning, leaves no trace in it.

    Args:
        curve: One value an epoch, in the metric's unit; what is not finite is left out.

    Returns:
        At least 0, in the metric's unit; NaN with fewer than ten finite values.

    >>> epoch_noise([0.6, 0.75, 0.8, *[0.9] * 20])
    0.0
    >>> epoch_noise([0.8, 0.9])
    nan
    """
    return _noise(tuple(curve))


# Of most curves it is asked twice, for their arrival and for what a study says of its noise.
@functools.lru_cache(MOST_CURVES)
def _noise(curve: tuple[float, ...]) -> float:
    seen = np.asarray(curve, dtype=np.float64)
    seen = seen[np.isfinite(seen)]
    if seen.size < FEWEST_EPOCHS:
        return math.nan
    return float(np.quantile(np.abs(np.diff(seen, n=2)), 0.75)) / _UPPER_QUARTILE


def median_noise(curves: Iterable[Sequence[float]]) -> float | None:
    """The median epoch noise of several runs; ``None`` where all are too short to tell."""
    known = [noise for curve in curves if not math.isnan(noise := epoch_noise(curve))]
    return statistics.median(known) if known else None
