"""How many seeds an undecided comparison would still need."""

from __future__ import annotations

import bisect
import math

from normwise.analysis._student import one_sided_t, two_sided_t

__all__ = ["FEWEST_TO_PLAN", "seeds_for_decision"]

FEWEST_TO_PLAN = 5  # Seeds below which a study's spread is too poorly known to plan with.
_MOST = 10_000
_POWER = 0.8


def seeds_for_decision(
    effect: float, half_width: float, n: int, margin: float, confidence: float
) -> int | None:
    """Seeds at which the interval would exclude 1 or fit inside the margin, 4 times in 5.

    The interval's half-width is taken to shrink like t/√n around the same effect,
    and its centre to move about with the standard error that this implies.

    Args:
        effect: Estimated log ratio, any sign; may be infinite.
        half_width: Half of the interval's width on the log scale, ≥ 0; may be infinite.
        n: Seeds a variant behind the estimate, ≥ 2.
        margin: Ratios within [1/margin, margin] make no difference; > 1.
        confidence: Confidence of the interval, in (0, 1).

    Returns:
        Total seeds a variant, above ``n`` and at least 5; ``None`` where nothing
        can be foreseen: the interval or the estimate is unbounded, or more than
        10,000 seeds would be needed.

    >>> seeds_for_decision(0.2, 0.25, 5, 1.25, 0.95)
    11
    """
    if not (math.isfinite(effect) and math.isfinite(half_width)):
        return None
    spread = half_width * math.sqrt(n) / two_sided_t(n - 1, confidence)
    room = max(abs(effect), math.log(margin) - abs(effect))

    def enough(seeds: int) -> bool:
        quantiles = two_sided_t(seeds - 1, confidence) + one_sided_t(seeds - 1, _POWER)
        return quantiles * spread <= room * math.sqrt(seeds)

    candidates = range(max(n + 1, FEWEST_TO_PLAN), _MOST + 1)
    at = bisect.bisect_left(candidates, x=True, key=enough)
    return candidates[at] if at < len(candidates) else None
