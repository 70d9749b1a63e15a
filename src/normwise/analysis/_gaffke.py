"""Gaffke's bounds: an interval for a mean of which nothing is assumed but where values can lie."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

__all__ = ["gaffke_interval"]

_HALVINGS = 45  # of the range of the values: to 3e-14 of it
# From so many pairs on, of a knot below and a knot above, an integral takes less time than the
# recurrence, which visits each pair.
_PAIRS = 10_000
# Its integrand is computed in parts of about so many values, 16 MB.
_AT_ONCE = 2**21


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
    low = 0.0 - _upper_bound(tuple(-value for value in values), -least, chance)
    return low, _upper_bound(tuple(values), most, chance)


@functools.lru_cache(maxsize=64)  # a study asks for the same ones before each of its rounds
def _upper_bound(values: tuple[float, ...], most: float, chance: float) -> float:
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
    if len(below) * len(above) > _PAIRS:
        return _share_of_many(x, knots)
    shares = [1.0] * len(below)
    for gap in above:
        share = 0.0
        for index, depth in enumerate(below):
            share = (depth * shares[index] + gap * share) / (depth + gap)
            shares[index] = share
    return shares[-1]


def _share_of_many(x: float, knots: Sequence[float]) -> float:
    """The same, to about 1e-12: the chance that a sum of exponential variables is negative.

    Flat weights are such variables over their sum, so the average is below x where
    ``sum((knot - x) * variable)`` is below 0: Gil-Pelaez' integral (1951) over its characteristic
    function ``prod(1 / (1 - i * (knot - x) * t))``, by the trapezium rule in u with
    ``t = exp(u - exp(-u))`` (Takahasi & Mori 1974).
    """
    gaps, times = np.unique(np.asarray(knots) - x, return_counts=True)
    gaps /= math.sqrt(times @ gaps**2)

    def halved_log(t: np.ndarray) -> np.ndarray:
        return -0.5 * np.log1p(np.square(t[:, None] * gaps)) @ times

    ends = np.arange(80.0)
    end = ends[np.argmax(halved_log(np.exp(ends)) < -40)]  # nothing is left of the integrand
    # The more variables, the steeper it can become beside the line that is integrated over.
    step = 1 / math.sqrt(len(knots))
    u, integral = np.arange(-4, end, step), 0.0
    for some in np.array_split(u, 1 + u.size * gaps.size // _AT_ONCE):
        t = np.exp(some - np.exp(-some))
        imaginary = np.exp(halved_log(t)) * np.sin(np.arctan(t[:, None] * gaps) @ times)
        integral += imaginary @ (1 + np.exp(-some))
    return float(0.5 - step / math.pi * integral)
