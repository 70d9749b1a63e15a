"""Every speed-up that a t test does not reject: the interval behind `compare`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Accepts", "accepted_range", "balance_point"]

FloatArray = NDArray[np.float64]
Accepts = Callable[[FloatArray], NDArray[np.bool_]]

_GRID = 48  # Speed-ups looked at between two candidates, in each of …
_STEP = 1e-9  # A log speed-up that makes no difference to anyone.
_PASSES = 4  # … this many passes: 48⁴ = 5e6, so ends are found to 2e-7 of the range.


def balance_point(
    variant: FloatArray, baseline: FloatArray, horizon: float, low: float, high: float
) -> float:
    """The log speed-up at which both samples have the same geometric mean.

    Both are cut off at the smaller of the horizon and the sped-up horizon, so the
    difference of the means falls, or stays, as the speed-up rises.

    Args:
        variant: Epochs to the target, shape (variants,), ``inf`` for never.
        baseline: The same, shape (baselines,).
        horizon: Epochs every replica was given.
        low: Log speed-up below which nothing changes any more.
        high: The same above.

    Returns:
        ``inf`` if the variant is ahead however little of its speed is credited
        to it, −``inf`` if the baseline is, NaN if neither is anywhere. Where a
        range balances, its middle.

    >>> variant, baseline = np.array([10.0, 12.0]), np.array([20.0, 24.0])
    >>> round(math.exp(balance_point(variant, baseline, 100.0, -2.0, 2.5)), 9)
    2.0
    """
    log_variant, log_baseline, log_horizon = np.log(variant), np.log(baseline), math.log(horizon)

    def lead(speed: FloatArray) -> FloatArray:
        cut = log_horizon + np.minimum(speed, 0.0)[:, None]
        ours, theirs = np.minimum(log_variant + speed[:, None], cut), np.minimum(log_baseline, cut)
        return np.asarray(theirs.mean(axis=1) - ours.mean(axis=1))

    first, last = lead(np.array([low, high]))
    if first <= 0.0 <= last:
        return math.nan
    if last >= 0.0:
        return math.inf
    if first <= 0.0:
        return -math.inf
    left = _crossing(lead, low, high, lambda gap: int(np.argmax(gap <= 0.0)))
    if lead(np.array([left + _STEP]))[0] < 0.0:
        return left
    right = _crossing(lead, low, high, lambda gap: int(np.flatnonzero(gap >= 0.0)[-1]) + 1)
    return (left + right) / 2


def _crossing(
    lead: Callable[[FloatArray], FloatArray],
    low: float,
    high: float,
    first_below: Callable[[FloatArray], int],
) -> float:
    """Where ``lead`` falls through 0; exact where it is linear between the last grid points."""
    for _ in range(_PASSES):
        grid = np.linspace(low, high, _GRID)
        at = first_below(lead(grid))
        low, high = float(grid[at - 1]), float(grid[at])
    above, below = lead(np.array([low, high]))
    return float(low + (high - low) * above / (above - below))


def accepted_range(
    accepts: Accepts, beyond: tuple[bool, bool], inside: float, low: float, high: float
) -> tuple[float, float]:
    """The smallest interval that holds every accepted log speed-up.

    Args:
        accepts: The test, from log speed-ups of shape (k,) to booleans.
        beyond: Whether everything below ``low`` and above ``high`` is accepted.
        inside: A log speed-up that is accepted, in [low, high].
        low: Where to start looking.
        high: Where to stop.

    Returns:
        Its ends; infinite where what lies beyond is accepted.

    >>> def accepts(speed):
    ...     return abs(speed - 0.5) < 0.2
    >>> ends = accepted_range(accepts, (False, False), 0.5, -1.0, 2.0)
    >>> [round(end, 5) for end in ends]
    [0.3, 0.7]
    """
    starts, stops = np.array([inside, inside]), np.array([low, high])
    for _ in range(_PASSES):
        grid = np.linspace(starts, stops, _GRID, axis=1)
        accepted = accepts(grid.ravel()).reshape(grid.shape)
        accepted[:, 0] = True
        last = _GRID - 1 - np.argmax(accepted[:, ::-1], axis=1)
        following = np.minimum(last + 1, _GRID - 1)
        starts, stops = grid[[0, 1], last], grid[[0, 1], following]
    return -math.inf if beyond[0] else float(starts[0]), math.inf if beyond[1] else float(starts[1])
