"""Mean differences between a variant and the baseline, seed by seed where they share seeds."""

from __future__ import annotations

import math
from collections.abc import Callable

from normwise.analysis._bounds import Bounds, bounds_of
from normwise.analysis._final import final_value
from normwise.analysis._groups import paired_seeds
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._mean import bounded_difference, bounded_mean
from normwise.domain import Estimate

__all__ = ["epochs_saved", "final_difference"]


def final_difference(variant: JudgedRuns, base: JudgedRuns, measures: Measures) -> Estimate:
    """How much more of the target's metric a variant ends with, over what did not diverge."""
    metric = measures.target.metric

    def value(one: JudgedRuns, seed: int) -> float:
        return final_value(one.runs[seed], metric)

    seen = (value(one, seed) for one in (variant, base) for seed in one.runs)
    bounds = bounds_of(metric, filter(math.isfinite, seen))
    return _difference(variant, base, value, bounds, measures.confidence)


def epochs_saved(variant: JudgedRuns, base: JudgedRuns, measures: Measures) -> Estimate:
    """How many epochs fewer a variant takes; what never arrives counts as the whole run."""
    horizon = float(measures.horizon)

    def value(one: JudgedRuns, seed: int) -> float:
        return min(one.outcomes[seed].epoch, horizon)

    return _difference(base, variant, value, (0.0, horizon), measures.confidence)


def _difference(
    more: JudgedRuns,
    less: JudgedRuns,
    value: Callable[[JudgedRuns, int], float],
    bounds: Bounds,
    confidence: float,
) -> Estimate:
    shared = paired_seeds(more.runs, less.runs)
    if not shared:
        ours, theirs = ([value(one, seed) for seed in one.runs] for one in (more, less))
        return bounded_difference(ours, theirs, bounds, confidence)
    low, high = bounds
    gains = [value(more, seed) - value(less, seed) for seed in shared]
    return bounded_mean(gains, (low - high, high - low), confidence)
