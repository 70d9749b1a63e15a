"""What an epoch takes a model that trains alone, and what it takes against the baseline's.

Both are means over the logarithms of the rounds in which the machine was free, with Student's
interval: a round is a few milliseconds of each variant, so that what slows down the machine for
longer slows both, and drops out of their ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from normwise.analysis._mean import mean_estimate
from normwise.domain import EpochTimes, Estimate

__all__ = ["epoch_seconds", "epoch_seconds_ratio"]

# With fewer rounds in which the machine was free nothing is concluded from them.
LEAST_ROUNDS = 4


def epoch_seconds(times: EpochTimes | None, confidence: float) -> Estimate | None:
    """Seconds of an epoch; ``None`` where that was not timed in rounds.

    The interval is NaN where the machine was too busy to tell.

    Args:
        times: Of its rounds.
        confidence: In (0, 1).

    >>> found = epoch_seconds(EpochTimes((0.9, 1.0, 1.1, 1.0), (1.0,) * 4, (True,) * 4), 0.95)
    >>> print(f"{found.value:.3f}: {found.low:.3f} to {found.high:.3f}")
    0.997: 0.876 to 1.136
    """
    if times is None or not times.calm:
        return None
    found = _geometric_mean([wall for wall, calm in _rounds(times) if calm], confidence)
    if math.isnan(found.value):
        return Estimate(times.seconds, math.nan, math.nan, found.n, method=found.method)
    return found


def epoch_seconds_ratio(
    variant: EpochTimes | None, baseline: EpochTimes | None, confidence: float
) -> Estimate | None:
    """An epoch of the baseline over one of the variant, in seconds, round by round.

    Args:
        variant: Its rounds.
        baseline: Its own, the same ones.
        confidence: In (0, 1).

    Returns:
        ``None`` where one of them was not timed in rounds; NaN where the machine was too busy to
        tell.
    """
    if variant is None or baseline is None or not (variant.calm and baseline.calm):
        return None
    ratios = [
        theirs / ours
        for (ours, calm), (theirs, too) in zip(_rounds(variant), _rounds(baseline), strict=False)
        if calm and too
    ]
    return _geometric_mean(ratios, confidence)


def _rounds(times: EpochTimes) -> list[tuple[float, bool]]:
    return list(zip(times.wall, times.calm, strict=True))


def _geometric_mean(values: Sequence[float], confidence: float) -> Estimate:
    n = len(values)
    if n < LEAST_ROUNDS:
        return Estimate(math.nan, math.nan, math.nan, n, method="too few rounds on a free machine")
    found = mean_estimate([math.log(value) for value in values], confidence)
    value, low, high = map(math.exp, (found.value, found.low, found.high))
    method = f"geometric mean with Student's t interval over {n} rounds"
    return Estimate(value, low, high, n, method=method)
