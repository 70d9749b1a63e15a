"""The epoch from which a noisy curve stays at its target."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from normwise.analysis._noise import MOST_CURVES, epoch_noise
from normwise.domain import Target

__all__ = ["arrival_epoch", "best_value"]

# Deviations of the epoch noise that the sum must reach; 4 to 5 are usual (Montgomery, Introduction
# to Statistical Quality Control, chapter 9).
_CERTAIN = 5.0
_HALVINGS = 14  # Four digits are shown.


def arrival_epoch(curve: Sequence[float], target: Target) -> float:
    """The first epoch from which the curve stays at the target or above, on average.

    The first value that meets a target is a record, and the noisier a curve, the sooner it sets
    one. Here every stretch is summed up that begins with a value at the target: of (value −
    target), epoch by epoch. Where the sum falls below 0, the stretch was none that stays. Where it
    exceeds five times the epoch noise, its beginning is the answer, whatever comes later, be it
    overfitting; so is that of a stretch that lasts to the end of the curve.

    On a curve that never falls, or has no noise, this is the first value at the target.

    Args:
        curve: One value an epoch. NaN says nothing.
        target: Which value to reach, from which side.

    Returns:
        An epoch from 1; ``inf`` if there is no such stretch.

    References:
        Page (1954), Continuous inspection schemes, Biometrika 41:100–115, with his estimate of the
        point at which a mean changed. Over a whole curve it is where the isotonic regression
        crosses the target (Groeneboom 1985).

    >>> target = Target.parse("val_accuracy>=0.8")
    >>> arrival_epoch([0.5, 0.81, 0.6, 0.79, 0.82, 0.85, 0.84, 0.86, 0.85, 0.86], target)
    5.0
    >>> arrival_epoch([0.5, 0.7], target)
    inf
    """
    return _known_arrival(tuple(curve), target)


# A summary asks some ten times for each run: at every look, for every question.
@functools.lru_cache(MOST_CURVES)
def _known_arrival(curve: tuple[float, ...], target: Target) -> float:
    return _arrival(curve, target, _certain(curve))


def best_value(curve: Sequence[float], target: Target) -> float:
    """The value nearest to ``target`` that the curve arrives at; NaN if none is finite.

    Args:
        curve: One value an epoch.
        target: Says which side is better.

    >>> best_value((0.9, 0.4, float("nan")), Target.parse("val_loss<=0.2"))
    0.4
    >>> best_value((float("inf"), float("nan")), Target.parse("val_loss<=0.2"))
    nan
    """
    seen = sorted(
        (value for value in curve if math.isfinite(value)), reverse=target.relation == ">="
    )
    if not seen:
        return math.nan
    certain = _certain(curve)

    def arrives(value: float) -> bool:
        return math.isfinite(_arrival(curve, replace(target, value=value), certain))

    # A curve arrives at a value if it arrives at a better one.
    return seen[0] if arrives(seen[0]) else _last(arrives, seen[-1], seen[0])


def _last(holds: Callable[[float], bool], start: float, end: float) -> float:
    """Of the numbers from start to end the last, nearly, for which it holds; it does at start."""
    for _ in range(_HALVINGS):
        middle = (start + end) / 2
        start, end = (middle, end) if holds(middle) else (start, middle)
    return start


def _certain(curve: Sequence[float]) -> float:
    """The sum that tells a stretch at the target from noise; 0 where no noise is known of."""
    noise = epoch_noise(curve)
    return 0.0 if math.isnan(noise) else _CERTAIN * noise


def _arrival(curve: Sequence[float], target: Target, certain: float) -> float:
    began, total = math.inf, -math.inf
    for epoch, value in enumerate(curve, start=1):
        if math.isnan(value):
            continue
        if total < 0:
            began, total = float(epoch), 0.0
        total += target.surplus(value)
        if total >= certain:
            return began
    return began if total >= 0 else math.inf
