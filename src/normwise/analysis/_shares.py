"""Which share of replicas never arrives, and by how much that differs from the baseline's."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import betaincinv, ndtri

from normwise.domain import CONFIDENCE, Estimate

__all__ = ["never_arrives", "never_difference"]

_TINY = 1e-12


def never_arrives(epochs: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The share that never arrives, with Clopper and Pearson's interval.

    Args:
        epochs: Epochs to the target, ``inf`` for never; shape (n,).
        confidence: In (0, 1). The interval is exact: it holds the share at least as often.

    >>> found = never_arrives([20, 25, math.inf])
    >>> print(f"{found.value:.2f}: {found.low:.3f} to {found.high:.3f}")
    0.33: 0.008 to 0.906
    """
    n, lost = len(epochs), sum(map(math.isinf, epochs))
    tail = (1 - confidence) / 2
    low = float(betaincinv(lost, n - lost + 1, tail)) if lost else 0.0
    high = float(betaincinv(lost + 1, n - lost, 1 - tail)) if lost < n else 1.0
    method = f"share with Clopper and Pearson's interval over {n} replicas"
    return Estimate(lost / n, low, high, n, lost, method)


def never_difference(
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    paired: bool,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """By how much a larger share of the variant than of the baseline never arrives.

    Args:
        ours: Epochs to the target of the variant, ``inf`` for never.
        theirs: The same of the baseline, the same seed at the same position if ``paired``.
        paired: Whether equal positions share a seed.
        confidence: In (0, 1).

    Returns:
        With Tango's score interval of pairs, Newcombe's of two samples; between −1 and 1.

    References:
        Tango (1998), Equivalence test and confidence interval for the difference in proportions
        for the paired-sample design, Statistics in Medicine 17:891–908. Newcombe (1998), Interval
        estimation for the difference between independent proportions, the same 17:873–890.

    >>> ours, theirs = [math.inf] * 5 + [9.0] * 15, [math.inf] + [9.0] * 19
    >>> found = never_difference(ours, theirs, paired=True)
    >>> print(f"{found.value:.2f}: {found.low:.3f} to {found.high:.3f}")
    0.20: 0.007 to 0.416
    """
    lost = [[math.isinf(one) for one in side] for side in (ours, theirs)]
    value = sum(lost[0]) / len(ours) - sum(lost[1]) / len(theirs)
    if paired:
        pairs = list(zip(*lost, strict=True))
        only_ours, only_theirs = pairs.count((True, False)), pairs.count((False, True))
        low, high = _tango(only_ours, only_theirs, len(pairs), confidence)
        n, name = len(pairs), f"Tango's score interval over {len(pairs)} pairs"
    else:
        low, high = _newcombe(lost[0], lost[1], confidence)
        n = len(ours) + len(theirs)
        name = f"Newcombe's interval over {n} replicas"
    censored = sum(map(any, pairs)) if paired else sum(map(sum, lost))
    return Estimate(value, low, high, n, censored, f"difference of shares with {name}")


def _tango(more: int, less: int, n: int, confidence: float) -> tuple[float, float]:
    """All differences whose score, from the pairs that lost just one member, is within ± z."""
    limit = float(ndtri(0.5 + confidence / 2))

    def score(difference: float) -> float:
        b = (2 * n - more + less) * difference - more - less
        c = -less * difference * (1 - difference)
        share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        distance = more - less - n * difference
        return distance / math.sqrt(variance) if variance > 0.0 else math.copysign(1e9, distance)

    # Here, since few studies come to need it and it takes a tenth of a second to import.
    from scipy.optimize import brentq

    value = (more - less) / n
    low = -1.0 if less == n else brentq(lambda x: score(x) - limit, -1.0, value - _TINY)
    high = 1.0 if more == n else brentq(lambda x: score(x) + limit, value + _TINY, 1.0)
    return float(low), float(high)


def _newcombe(ours: list[bool], theirs: list[bool], confidence: float) -> tuple[float, float]:
    """From both shares' own score intervals: each end as far off as its two distances make it."""
    our, their = sum(ours) / len(ours), sum(theirs) / len(theirs)
    (our_low, our_high), (their_low, their_high) = (
        _wilson(sum(side), len(side), confidence) for side in (ours, theirs)
    )
    return (
        our - their - math.hypot(our - our_low, their_high - their),
        our - their + math.hypot(our_high - our, their - their_low),
    )


def _wilson(lost: int, n: int, confidence: float) -> tuple[float, float]:
    """All shares whose score is within ± z: the roots of a quadratic."""
    z = float(ndtri(0.5 + confidence / 2))
    middle = lost + z * z / 2
    half = z * math.sqrt(lost * (n - lost) / n + z * z / 4)
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)
