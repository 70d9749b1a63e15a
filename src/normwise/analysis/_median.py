"""The median epoch to the target, where some replicas never arrive."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from normwise.analysis._epochs import checked_confidence, checked_epochs, checked_horizon
from normwise.domain import CONFIDENCE, Estimate

__all__ = ["median_epochs"]

_SHORTFALL = 0.0125  # Five replicas' full range covers 93.75%: near enough to 95%.


def median_epochs(epochs: ArrayLike, *, horizon: float, confidence: float = CONFIDENCE) -> Estimate:
    """The Kaplan–Meier median of epochs to the target, with its interval.

    All replicas are followed to the same horizon, so the Kaplan–Meier curve is
    the empirical one up to there: the median is the middle order statistic (of
    an even number the mean of the two in the middle, or the lower one when the
    upper never arrived), and an interval between two order statistics holds the
    median with a binomial probability, whatever the distribution. Neighbouring
    intervals are interpolated to the confidence asked for.

    Args:
        epochs: Epochs to the target, shape (n,), in (0, horizon]; ``inf`` for a
            replica that never reached it.
        horizon: Epochs every replica was given.
        confidence: In (0, 1).

    Returns:
        ``value`` is ``inf`` if fewer than half of the replicas arrived, ``high``
        where the observed times set no bound; ``low`` is at most the horizon.
        Where even the full range is too narrow to hold the median with this
        confidence (fewer than five replicas at 95%), the interval is (0, inf).
        Five replicas give their full range, which covers 93.75%.

    Raises:
        SpecError: A value is NaN, not positive, or finite above the horizon.

    References:
        Hettmansperger & Sheather (1986), Confidence intervals based on
        interpolated order statistics, Statistics & Probability Letters 4:75–79.

    >>> estimate = median_epochs([14, 15, 16, 17, 19, 30, float("inf")], horizon=30)
    >>> estimate.value, estimate.censored
    (17.0, 1)
    >>> print(f"{estimate.low:.1f} to {estimate.high:.1f}")
    14.7 to inf
    """
    limit = checked_horizon(horizon)
    level = checked_confidence(confidence)
    ordered = np.sort(checked_epochs("epochs", epochs, limit))
    n = ordered.size
    low, high = _interval(ordered, limit, level)
    return Estimate(
        value=_middle(ordered),
        low=low,
        high=high,
        n=n,
        censored=int(np.isinf(ordered).sum()),
        method=f"Kaplan-Meier median with order-statistic interval over {n} replicas",
    )


def _middle(ordered: NDArray[np.float64]) -> float:
    n = ordered.size
    lower, upper = float(ordered[(n - 1) // 2]), float(ordered[n // 2])
    return lower if math.isinf(upper) else (lower + upper) / 2


def _coverage(n: int, rank: int) -> float:
    """Probability that the ``rank``-th smallest and largest of n enclose the median."""
    return 1 - 2 * float(bdtr(rank - 1, n, 0.5))


def _interval(
    ordered: NDArray[np.float64], horizon: float, confidence: float
) -> tuple[float, float]:
    n = ordered.size
    if _coverage(n, 1) < confidence - _SHORTFALL:
        return 0.0, math.inf
    rank, weight = _position(n, confidence)
    at_least = np.minimum(ordered, horizon)  # All that a censored time says from below.
    low = _between(at_least[rank - 1], at_least[rank], weight)
    outer, inner = float(ordered[n - rank]), float(ordered[n - rank - 1])
    return low, math.inf if math.isinf(outer) else _between(outer, inner, weight)


def _between(start: float, end: float, share: float) -> float:
    """That share of the way from start to end; rounding never leads beyond either."""
    return float(np.clip(start + share * (end - start), min(start, end), max(start, end)))


def _position(n: int, confidence: float) -> tuple[int, float]:
    """The rank to start from, and how far to go towards the next one: 0 to 1."""
    ranks = range(1, n // 2 + 1)
    rank = max((r for r in ranks if _coverage(n, r) >= confidence), default=0)
    if rank == 0 or 2 * rank >= n - 1:
        return max(rank, 1), 0.0
    wide, narrow = _coverage(n, rank), _coverage(n, rank + 1)
    part = (wide - confidence) / (wide - narrow)
    return rank, (n - rank) * part / (rank + (n - 2 * rank) * part)
