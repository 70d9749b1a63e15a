"""Medians of values that may be infinitely bad, with intervals that hold for any distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import bdtr

from normwise.domain import CONFIDENCE, Estimate

__all__ = ["SHORTFALL", "middle", "outer_rank", "typical"]

# Five replicas' full range covers 93.75%: near enough to 95% to be shown.
SHORTFALL = 0.0125


def typical(
    values: Sequence[float], confidence: float = CONFIDENCE, shortfall: float = 0.0
) -> Estimate:
    """The median of values of which more is better, with its interval.

    Two order statistics enclose the median of the distribution with a binomial probability,
    whatever the distribution: the interval of the sign test.

    Args:
        values: One a replica, shape (n,); ``-inf`` for one that diverged, which is worse than
            any other (Lachin 1999).
        confidence: In (0, 1).
        shortfall: How much less is near enough where the full range falls short of it.

    Returns:
        ``value`` is the middle value, of an even number the mean of the two in the middle, or the
        worse where one of them is infinite; NaN without values. Where even the smallest and the
        largest enclose the median too rarely, the interval is (-inf, inf).

    References:
        Lachin (1999), Worst-rank score analysis with informatively missing observations in
        clinical trials, Controlled Clinical Trials 20:408–422.

    >>> found = typical([0.81, 0.80, 0.83, 0.84, 0.82, -math.inf, 0.85], 0.95)
    >>> found.value, found.low, found.high
    (0.82, -inf, 0.85)
    """
    ordered = sorted(values)
    n = len(ordered)
    rank = outer_rank(n, confidence) or outer_rank(n, confidence - shortfall)
    ends = (ordered[rank - 1], ordered[n - rank]) if rank else (-math.inf, math.inf)
    lost = sum(value == -math.inf for value in ordered)
    return Estimate(
        middle(ordered), *ends, n, lost, f"median with order-statistic interval over {n} replicas"
    )


def middle(ordered: Sequence[float]) -> float:
    """The middle of ascending values: of two the mean, or the lower one if either is infinite.

    >>> middle([1.0, 2.0, 4.0, math.inf]), middle([1.0, math.inf]), middle([])
    (3.0, 1.0, nan)
    """
    if not ordered:
        return math.nan
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return lower if math.isinf(lower) or math.isinf(upper) else (lower + upper) / 2


@lru_cache(maxsize=4096)  # Foreseeing how many seeds it takes asks for hundreds.
def outer_rank(n: int, confidence: float) -> int:
    """The largest rank whose smallest and largest enclose the median; 0 where even 1 does not.

    Args:
        n: How many values, ≥ 0.
        confidence: How often they must, in (0, 1).

    >>> [outer_rank(n, 0.95) for n in (5, 6, 9, 30)]
    [0, 1, 2, 10]
    """
    missed = 2 * bdtr(np.arange(n // 2), n, 0.5)
    # Up to rounding: of three at 75%, the two ends are as good as asked.
    return int(np.searchsorted(missed, (1 - confidence) * (1 + 1e-9), side="right"))
