"""The median epoch to the target, where some replicas never arrive."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from normwise.analysis._epochs import checked_confidence, checked_epochs, checked_horizon
from normwise.analysis._order import SHORTFALL, middle
from normwise.domain import CONFIDENCE, Estimate

__all__ = ["median_difference", "median_epochs"]


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
    # A censored time says from below that it is not before the horizon, and nothing from above.
    low, high = _interval(np.minimum(ordered, limit), ordered, level)
    return Estimate(
        value=middle(ordered.tolist()),
        low=max(low, 0.0),
        high=high,
        n=n,
        censored=int(np.isinf(ordered).sum()),
        method=f"Kaplan-Meier median with order-statistic interval over {n} replicas",
    )


def median_difference(
    late: ArrayLike, soon: ArrayLike, *, horizon: float, confidence: float = CONFIDENCE
) -> Estimate:
    """The median over pairs of how much later one of the two arrives, with its interval.

    A pair of which one member never arrived says how much it is at least, or at most; one of which
    neither did says nothing and is left out. The interval lies between order statistics, as that of
    `median_epochs`: its lower end of what the differences are at least, its upper end of what
    they are at most.

    Args:
        late: Epochs to the target, shape (n,), in (0, horizon]; ``inf`` for never.
        soon: Those of the other member, shape (n,).
        horizon: Epochs every replica was given.
        confidence: In (0, 1).

    Returns:
        NaN between infinite ends where no pair says anything.

    >>> found = median_difference([16, 17, 15, 18, 16], [3, 3, 2, 4, 3], horizon=30)
    >>> found.value, found.low, found.high
    (13.0, 13.0, 14.0)
    >>> found = median_difference([16, 30, 15, float("inf")] * 2, [3, 3, 2, 4] * 2, horizon=30)
    >>> found.value, found.low, found.high, found.censored
    (20.0, 13.0, inf, 2)
    """
    limit, level = checked_horizon(horizon), checked_confidence(confidence)
    pairs = np.array([checked_epochs("late", late, limit), checked_epochs("soon", soon, limit)])
    later, sooner = pairs[:, np.isfinite(pairs).any(axis=0)]
    censored = int((np.isinf(later) | np.isinf(sooner)).sum())
    if not later.size:
        return Estimate(math.nan, -math.inf, math.inf)
    least = np.where(np.isinf(sooner), -np.inf, np.minimum(later, limit) - sooner)
    most = np.where(np.isinf(later), np.inf, later - np.minimum(sooner, limit))
    seen = np.sort(later - sooner)
    low, high = _interval(np.sort(least), np.sort(most), level)
    return Estimate(
        value=middle(seen.tolist()),
        low=low,
        high=high,
        n=seen.size,
        censored=censored,
        method=f"median with order-statistic interval over {seen.size} pairs",
    )


def _coverage(n: int, rank: int) -> float:
    """Probability that the ``rank``-th smallest and largest of n enclose the median."""
    return 1 - 2 * float(bdtr(rank - 1, n, 0.5))


def _interval(
    at_least: NDArray[np.float64], at_most: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    """Between order statistics of what each value is at least and of what it is at most."""
    n = at_least.size
    if _coverage(n, 1) < confidence - SHORTFALL:
        return -math.inf, math.inf
    rank, weight = _position(n, confidence)
    low = _between(at_least[rank - 1], at_least[rank], weight)
    high = _between(at_most[n - rank], at_most[n - rank - 1], weight)
    return low, high


def _between(start: float, end: float, share: float) -> float:
    """That share of the way from start to end; rounding never leads beyond either."""
    if math.isinf(start):
        return float(start)
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
