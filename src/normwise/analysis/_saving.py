"""What is saved: by a variant on its way to the target in money, by early stopping in all units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from normwise.domain import Comparison, EarlyStopping, Estimate, VariantSummary

__all__ = ["cost_saved", "with_cost_saved", "with_savings"]


def with_savings(
    stop: EarlyStopping, epoch: Estimate | float, price: float | None
) -> EarlyStopping:
    """Early stopping with what the epochs that it saves are in seconds and money.

    Args:
        stop: In epochs.
        epoch: Seconds of one; NaN where that is unknown.
        price: Price of an hour, in any currency.
    """
    if stop.epochs_saved is None or math.isnan(epoch if isinstance(epoch, float) else epoch.value):
        return stop
    seconds = stop.epochs_saved.times(epoch)
    cost = None if price is None else seconds.times(price / 3600)
    return replace(stop, seconds_saved=seconds, cost_saved=cost)


def with_cost_saved(
    comparisons: Sequence[Comparison], variants: Sequence[VariantSummary]
) -> tuple[Comparison, ...]:
    """Comparisons with what each variant saves, where it is known what they cost."""
    costs = {one.name: one.cost for one in variants}
    return tuple(
        one if ours is None or theirs is None else replace(one, cost_saved=cost_saved(theirs, ours))
        for one in comparisons
        for ours, theirs in [(costs[one.variant], costs[one.baseline])]
    )


def cost_saved(baseline: Estimate, variant: Estimate) -> Estimate:
    """What the variant's way to the target costs less than the baseline's; below 0: more.

    The interval of a difference from those of its parts: Zou & Donner (2008), "Construction of
    confidence limits about effect measures"; where a part has no bound, from the nearest ends.

    Args:
        baseline: Its cost, ≥ 0; infinite where it does not arrive.
        variant: The variant's.

    >>> saved = cost_saved(Estimate(10.0, 7.0, 14.0), Estimate(4.0, 3.0, 8.0))
    >>> saved.value, saved.low, saved.high
    (6.0, 1.0, 10.123105625617661)
    """
    if any(math.isnan(one.low) or math.isnan(one.high) for one in (baseline, variant)):
        return Estimate(math.nan, math.nan, math.nan)
    return Estimate(
        baseline.value - variant.value,
        _end(baseline.value, baseline.low, variant.value, variant.high, -1.0),
        _end(baseline.value, baseline.high, variant.value, variant.low, 1.0),
        min(baseline.n, variant.n),
        method="difference of two costs, each with its interval",
    )


def _end(ours: float, end: float, theirs: float, other: float, sign: float) -> float:
    if not all(map(math.isfinite, (ours, end, theirs, other))):
        return end - other if math.isfinite(end) or math.isfinite(other) else sign * math.inf
    return ours - theirs + sign * math.hypot(end - ours, other - theirs)
