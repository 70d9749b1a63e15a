"""How much worse a variant may end before that matters, unless the user says it."""

from __future__ import annotations

import math

from normwise.analysis._bounds import Bounds

__all__ = ["default_end_margin"]

_OF_RANGE = 0.01  # of what lies between 0 and the best
_OF_LACK = 0.2  # of what the baseline lacks to the best
_OF_VALUE = 0.02  # of the baseline's value, where there is no best


def default_end_margin(baseline: float, bounds: Bounds, *, rising: bool) -> float:
    """A margin that means something near the best value and far from it.

    Of a score whose best is known, such as accuracy or R²: a hundredth of it, and no more than a
    fifth of what the baseline lacks. Of anything else 2% of the baseline's value: a loss says more
    by its ratio than by a difference.

    Args:
        baseline: The baseline's median at its end; 0 is the margin where it is not finite.
        bounds: Between which values the metric lies.
        rising: Whether more of it is better.

    >>> [round(default_end_margin(b, (0, 1), rising=True), 4) for b in (0.5, 0.85, 0.97)]
    [0.01, 0.01, 0.006]
    >>> round(default_end_margin(0.35, (-math.inf, math.inf), rising=False), 4)
    0.007
    """
    best = bounds[1]
    if not math.isfinite(baseline):
        return 0.0
    if rising and math.isfinite(best):
        return min(_OF_RANGE * best, _OF_LACK * max(0.0, best - baseline))
    return _OF_VALUE * abs(baseline)
