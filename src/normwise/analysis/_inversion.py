"""Every speed-up that a t test does not reject: the interval behind `compare`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Accepts", "Lead", "accepted_range", "balance_point", "extended_range"]

FloatArray = NDArray[np.float64]
Lead = Callable[[FloatArray], FloatArray]
Accepts = Callable[[FloatArray], NDArray[np.bool_]]

_GRID = 48  # Speed-ups looked at between two candidates, in each of …
_PASSES = 4  # … this many passes: 48⁴ = 5e6, so ends are found to 2e-7 of the range.


def balance_point(lead: Lead, low: float, high: float) -> float:
    """The log speed-up at which neither side leads.

    Args:
        lead: From log speed-ups, shape (k,), to by how much the variant is ahead; falls
            as the speed-up rises.
        low: Log speed-up below which nothing changes any more.
        high: The same above.

    Returns:
        ``inf`` if the variant is ahead however little of its speed is credited
        to it, −``inf`` if the baseline is, NaN if neither is anywhere.

    >>> round(balance_point(lambda speed: 0.5 - speed, -2.0, 2.5), 9)
    0.5
    """
    first, last = lead(np.array([low, high]))
    if first <= 0.0 <= last:
        return math.nan
    if last >= 0.0:
        return math.inf
    if first <= 0.0:
        return -math.inf
    for _ in range(_PASSES):
        grid = np.linspace(low, high, _GRID)
        at = int(np.argmax(lead(grid) <= 0.0))
        low, high = float(grid[at - 1]), float(grid[at])
    above, under = lead(np.array([low, high]))
    # Exact where it is linear between the last two points.
    return float(low + (high - low) * above / (above - under))


def accepted_range(
    accepts: Accepts, beyond: tuple[bool, bool], inside: float, low: float, high: float
) -> tuple[float, float]:
    """The smallest interval that holds every accepted log speed-up, and rounding around them.

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
    _, ends = _search(accepts, (inside, inside), (low, high), _last_accepted)
    return -math.inf if beyond[0] else ends[0], math.inf if beyond[1] else ends[1]


def extended_range(
    accepts: Accepts, ends: tuple[float, float], low: float, high: float
) -> tuple[float, float]:
    """``ends``, moved outwards as far as a second test accepts without a gap.

    Args:
        accepts: The second test, from log speed-ups of shape (k,) to booleans.
        ends: From `accepted_range`; infinite ones stay.
        low: Log speed-up below which the second test accepts everything.
        high: The same above.

    Returns:
        Its ends; infinite where the second test accepts all the way.

    >>> def accepts(speed):
    ...     return (abs(speed - 0.5) < 0.2) | (speed > 1.5)
    >>> [round(end, 5) for end in extended_range(accepts, (0.4, 0.6), -1.0, 2.0)]
    [0.3, 0.7]
    """
    starts = max(ends[0], low), min(ends[1], high)
    inside, outside = _search(accepts, starts, (low, high), _first_rejected)
    all_down, all_up = map(operator.eq, inside, outside)
    return (
        -math.inf if all_down else min(ends[0], inside[0]),
        math.inf if all_up else max(ends[1], inside[1]),
    )


Edge = Callable[[NDArray[np.bool_]], NDArray[np.intp]]


def _last_accepted(accepted: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.asarray(accepted.shape[1] - 1 - np.argmax(accepted[:, ::-1], axis=1))


def _first_rejected(accepted: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The point before it, or the last if none is rejected."""
    first = np.where(accepted.all(axis=1), accepted.shape[1], np.argmin(accepted, axis=1))
    return np.asarray(first - 1)


def _search(
    accepts: Accepts, starts: tuple[float, float], stops: tuple[float, float], edge: Edge
) -> tuple[list[float], list[float]]:
    """Narrow down the edge of acceptance between each start, taken to be accepted, and stop.

    Returns:
        The last points inside, and the first ones outside.
    """
    near, far = np.array(starts), np.array(stops)
    fractions = np.linspace(0.0, 1.0, _GRID)
    steps = fractions**2  # Look more closely where a narrow range would end.
    for _ in range(_PASSES):
        grid = near[:, None] + (far - near)[:, None] * steps
        accepted = accepts(grid.ravel()).reshape(grid.shape)
        accepted[:, 0] = True
        at = edge(accepted)
        near, far = grid[[0, 1], at], grid[[0, 1], np.minimum(at + 1, _GRID - 1)]
        steps = fractions
    return near.tolist(), far.tolist()
