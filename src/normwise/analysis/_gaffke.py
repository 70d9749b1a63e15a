"""Gaffke's bounds: an interval for a mean of which nothing is assumed but where values can lie."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["gaffke_interval"]

_HALVINGS = 45  # of the range of the values: to 3e-14 of it


def gaffke_interval(
    values: Sequence[float], bounds: tuple[float, float], confidence: float
) -> tuple[float, float]:
    """The interval for the mean of the distribution that values were drawn from.

    The upper end is a quantile of the average of the values and the upper bound, weighted by the
    spacings of as many uniform numbers (a flat Dirichlet distribution); the lower end likewise.
    Of zeros and ones it is the interval of Clopper and Pearson. That it holds for every
    distribution is a conjecture, without a counterexample in theory or simulation.

    Args:
        values: Shape (n,), n ≥ 1, within the bounds.
        bounds: Where values can lie; infinite for no bound, which leaves that end infinite.
        confidence: In (0, 1), half of the rest on each side.

    References:
        Gaffke (2005), Three test statistics for a nonparametric one-sided hypothesis on the mean
        of a nonnegative variable, Mathematical Methods of Statistics 14:451–467;
        Learned-Miller & Thomas (2020), A new confidence interval for the mean of a bounded random
        variable, arXiv:1905.06208.

    >>> low, high = gaffke_interval([1, 1, 1, 1, 0], (0, 1), 0.95)  # Clopper-Pearson of 4 in 5
    >>> print(f"{low:.4f} to {high:.4f}")
    0.2836 to 0.9949
    """
    least, most = bounds
    chance = 0.5 + 0.5 * confidence
    low = 0.0 - _upper_bound([-value for value in values], -least, chance)
    return low, _upper_bound(values, most, chance)


def _upper_bound(values: Sequence[float], most: float, chance: float) -> float:
    """The value that the weighted average stays below with this chance."""
    if math.isinf(most):
        return math.inf
    knots = [*values, most]
    low, high = min(knots), most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _share_below(middle, knots) < chance:
            low = middle
        else:
            high = middle
    return high


def _share_below(x: float, knots: Sequence[float]) -> float:
    """How much of the simplex has an average of the knots below x: the integral of a B-spline.

    By the recurrence of B-splines (de Boor 1972) in the order of Varsi (1973), which divides by
    sums of positive numbers only: knots may coincide, and nothing cancels.
    """
    below = [x - knot for knot in knots if knot <= x]
    above = [knot - x for knot in knots if knot > x]
    shares = [1.0] * len(below)
    for gap in above:
        share = 0.0
        for index, depth in enumerate(below):
            share = (depth * shares[index] + gap * share) / (depth + gap)
            shares[index] = share
    return shares[-1]
