"""Two ways to lay variant and baseline side by side once one of them is sped up.

Both answer the same question: if the variant really is θ times as fast, how do its
epochs, and the baseline's, look in one unit, cut off where either could be cut off,
and equally coarse? Whatever is then still different speaks against θ.

Both sides are cut off at the last arrival of either, if that is before either could be cut
off by the horizon, and where some never arrive, half as late again as the last arrival of the side
that is done first: what the other does after that has little to be compared with. So a replica
that never arrives counts the same after 100 epochs and after 600, once all have arrived that will.

What was cut off counts as later than the cut by half of the mean distance at which the
others came before it. Any value that does not ask which side a replica belongs to keeps
the test honest; this one was chosen by simulation: without it the interval of 5 seeds, half
of them cut off, is twice as often without bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reading", "SideBySide", "as_times", "as_whole_epochs", "followed"]

FloatArray = NDArray[np.float64]

# How long the side is followed that arrives last, in epochs of the other's last arrival. Without an
# end, failures that are permanent weigh the more the longer they are waited for; with a factor of 1
# every fifth of the effects that five seeds find is lost; from 2 on the horizon counts again.
_FOLLOWED = 1.5
_LATER = 0.5
_LATER_AT_LEAST = 0.05  # Where all arrivals are equal, and no distance is to be seen.
_SLACK = 1e-9  # Quotients of whole numbers that float arithmetic put just beside a whole number.


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Both samples at k speed-ups, exchangeable where the speed-up is the true one.

    Attributes:
        baseline: Log epochs, shape (k, baselines).
        variant: Log epochs, shape (k, variants).
        cut: What is not below it was cut off, shape (k, 1).
        step: Distance between neighbouring values, shape (k, 1 or pairs); 0 if
            they are continuous.
    """

    baseline: FloatArray
    variant: FloatArray
    cut: FloatArray
    step: FloatArray


Reading = Callable[[FloatArray], SideBySide]


def followed(variant: FloatArray, baseline: FloatArray, horizon: float) -> float:
    """Up to which epoch replicas are told apart: the horizon, or less where failures are permanent.

    Where one side never arrives at all, the horizon is the only bound that there is.

    Args:
        variant: Epochs to the target, ``inf`` for never.
        baseline: The same.
        horizon: Epochs every replica was given.

    >>> never = np.inf
    >>> followed(np.array([10.0, never]), np.array([20.0, 12.0]), 600.0)
    30.0
    >>> followed(np.array([10.0, never]), np.array([never, never]), 600.0)
    600.0
    """
    last = max(_last(variant), _last(baseline))
    return min(horizon, _FOLLOWED * last) if _ends_early(variant, baseline) else horizon


def as_times(variant: FloatArray, baseline: FloatArray, horizon: float) -> Reading:
    """Take epochs as exact times.

    The variant's times are multiplied by θ. They could be seen up to θ × horizon,
    the baseline's up to the horizon: both are cut off at the smaller of the two, or
    where the last arrivals say so.

    Args:
        variant: Epochs to the target, shape (variants,), ``inf`` for never.
        baseline: The same, shape (baselines,); one replica of either side arrives.
        horizon: Epochs every replica was given.

    Returns:
        A function of log θ, shape (k,).

    >>> reading = as_times(np.array([10.0]), np.array([25.0]), 30.0)
    >>> side = reading(np.log([2.0, 4.0]))
    >>> np.exp(side.variant).round(3).tolist(), np.exp(side.baseline).round(3).tolist()
    ([[20.0], [32.863]], [[25.0], [25.0]])
    """
    log_variant, log_baseline, log_horizon = np.log(variant), np.log(baseline), math.log(horizon)
    last_variant, last_baseline = _last(log_variant), _last(log_baseline)
    ends_early, nothing = _ends_early(variant, baseline), np.zeros((1, 1))

    def reading(speed: FloatArray) -> SideBySide:
        lasts = last_baseline, last_variant + speed
        last = np.maximum(*lasts)
        if ends_early:
            last = np.minimum(last, np.minimum(*lasts) + math.log(_FOLLOWED))
        # What arrives at the very end is seen.
        cut = np.minimum(log_horizon + np.minimum(speed, 0.0), last)[:, None] + _SLACK
        sides = _beyond(log_baseline, log_variant + speed[:, None], cut)
        return SideBySide(*sides, cut, nothing)

    return reading


def as_whole_epochs(
    variant: FloatArray, baseline: FloatArray, horizon: float, balance: float
) -> Reading:
    """Take epochs as what they are: "after the one before, at this one or before".

    A variant θ > 1 times as fast is also seen θ times as coarsely. So the baseline is
    coarsened to match: its epoch becomes the epoch in which a θ times faster one
    would have arrived. Which one that is may depend on where within its epoch it was,
    which nobody saw (Turnbull 1976, Journal of the Royal Statistical Society B
    38:290–295); a guess would be wrong for all replicas at once where they are alike. So all
    were as early in their epochs, or all as late, as leaves the least difference: above the
    balance, where the baseline leads, its replicas were late and the variant's early. For θ < 1
    the roles are exchanged. Values live on whole numbers up to what both can still show;
    beyond counts as the next one.

    Args:
        variant: Whole epochs to the target, shape (variants,), ``inf`` for never.
        baseline: The same, shape (baselines,); one replica of either side arrives.
        horizon: Epochs every replica was given.
        balance: Log speed-up at which neither side leads; may be infinite.

    Returns:
        A function of log θ, shape (k,).

    >>> reading = as_whole_epochs(np.array([11.0]), np.array([25.0]), 30.0, np.log(2.3))
    >>> np.exp(reading(np.log([2.2, 2.4])).baseline).round(3).tolist()
    [[11.0], [11.0]]
    """
    last_variant, last_baseline = _last(variant), _last(baseline)
    ends_early = _ends_early(variant, baseline)

    def reading(speed: FloatArray) -> SideBySide:
        faster, above = np.exp(speed)[:, None], (speed > balance)[:, None]
        shown_baseline = _clock(np.maximum(faster, 1.0), ~above)
        shown_variant = _clock(np.maximum(1 / faster, 1.0), above)
        horizons = np.floor(horizon / np.maximum(faster, 1 / faster) + _SLACK)
        lasts = shown_baseline(last_baseline), shown_variant(last_variant)
        last = np.maximum(*lasts)
        if ends_early:
            last = np.minimum(last, np.floor(_FOLLOWED * np.minimum(*lasts)))
        return _in_cells(
            shown_baseline(baseline), shown_variant(variant), np.minimum(horizons, last)
        )

    return reading


def _clock(
    factor: FloatArray, early: NDArray[np.bool_]
) -> Callable[[FloatArray | float], FloatArray]:
    """From epochs to what a ``factor`` times coarser clock shows where they begin, or end."""
    slack = np.where(early, _SLACK, -_SLACK)
    return lambda epochs: np.asarray(np.ceil((epochs - early) / factor + slack))


def _in_cells(baseline: FloatArray, variant: FloatArray, last: FloatArray) -> SideBySide:
    """Samples in cells from 1, of which the ``last`` is still seen."""
    cut = np.log(last + 1)
    sides = np.log(np.minimum(baseline, last + 1)), np.log(np.minimum(variant, last + 1))
    steps = [np.where(side < cut, np.exp(-side), 0.0) for side in sides]
    if baseline.shape != variant.shape:  # There are no pairs, and means say enough.
        steps = [step.mean(axis=1, keepdims=True) for step in steps]
    return SideBySide(*_beyond(*sides, cut), cut, np.maximum(*steps))


def _last(epochs: FloatArray) -> float:
    """The last arrival; −``inf`` if there is none."""
    return float(np.max(epochs, where=np.isfinite(epochs), initial=-math.inf))


def _ends_early(variant: FloatArray, baseline: FloatArray) -> bool:
    """Whether some never arrive, and some of either side do."""
    arrive = np.isfinite(variant), np.isfinite(baseline)
    return all(side.any() for side in arrive) and not all(side.all() for side in arrive)


def _beyond(
    baseline: FloatArray, variant: FloatArray, cut: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Both samples, and what lies at the cut or later put beyond it."""
    seen = baseline < cut, variant < cut
    depth = np.maximum(cut - baseline, 0.0).sum(axis=1)
    depth += np.maximum(cut - variant, 0.0).sum(axis=1)
    count = seen[0].sum(axis=1) + seen[1].sum(axis=1)
    beyond = np.maximum(_LATER * depth / np.maximum(count, 1), _LATER_AT_LEAST)
    later = cut + beyond[:, None]
    return np.where(seen[0], baseline, later), np.where(seen[1], variant, later)
