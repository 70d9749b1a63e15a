"""How much later variants arrive by their own statistics than by those of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from normwise.analysis._compare import compare
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._learning import learned, shows_learning
from normwise.analysis._median import median_difference, median_epochs
from normwise.domain import Lag, Variant, momentum_for, steps_needed

__all__ = ["lags"]

LEAST = 1.0  # Epochs of a lag that decides.


def lags(
    judged: Sequence[JudgedRuns],
    measures: Measures,
    *,
    looks: int = 1,
    examples: int | None = None,
    elsewhere: bool = False,
) -> dict[str, Lag]:
    """The lag of each variant whose runs were measured by population statistics, too.

    Whether it decides is asked of all whose statistics are slower than an epoch, by a paired
    comparison of the two arrivals within each, such that no answer is wrong with the confidence
    of a study (Bonferroni, over them and the looks at the seeds). In a grid a variant arrives at
    the point where it arrives soonest, and learns where it learns soonest; it lags by what lies
    between the two, where the statistics at the latter are slower than an epoch.

    Args:
        judged: All variants.
        measures: What they are measured by.
        looks: How often the seeds may be looked at, ≥ 1.
        examples: Of the training part, where that is known.
        elsewhere: Whether something else trained the runs, so that names say no momentum.
    """
    both = [
        (one, learned(one, measures.target))
        for one in judged
        if shows_learning(one.all_runs, measures.target)
    ]
    slow = [twin.name for _, twin in both if elsewhere or _is_slow(twin, examples)]
    level = 1 - (1 - measures.confidence) / (max(1, len(slow)) * looks)
    found = {
        one.name: _lag(one, twin, measures, level if one.name in slow else None)
        for one, twin in both
    }
    if elsewhere:
        return found
    return {twin.name: _with_steps(found[twin.name], twin, examples) for _, twin in both}


def _steps(variant: JudgedRuns, examples: int | None) -> int | None:
    size = variant.point.batch_size
    return math.ceil(examples / size) if examples and size else None


def _is_slow(variant: JudgedRuns, examples: int | None) -> bool:
    """Whether an epoch is too short for the statistics, as far as is known."""
    momentum, steps = Variant.parse(variant.name).momentum, _steps(variant, examples)
    return momentum != "auto" and (steps is None or steps_needed(momentum) > steps)


def _with_steps(lag: Lag, variant: JudgedRuns, examples: int | None) -> Lag:
    """With the momentum of its statistics, and the steps that these need and have."""
    momentum, steps = Variant.parse(variant.name).momentum, _steps(variant, examples)
    if momentum == "auto":
        if steps is None:
            return lag
        momentum = momentum_for(steps)
    return replace(lag, momentum=momentum, steps_needed=steps_needed(momentum), steps=steps)


def _lag(
    variant: JudgedRuns, twin: JudgedRuns, measures: Measures, confidence: float | None
) -> Lag:
    """Of the variant where it arrives soonest, to itself where it learns soonest."""
    horizon = measures.horizon
    own, theirs = variant.epochs(horizon), twin.epochs(horizon)
    late, soon = [*own.values()], [theirs[seed] for seed in own]
    difference = median_difference(late, soon, horizon=horizon, confidence=measures.confidence)
    decides = False
    if confidence is not None and difference.value >= LEAST:
        found = compare(soon, late, horizon=horizon, margin=measures.margin, confidence=confidence)
        decides = found.outcome == "helps" and found.ratio > measures.margin
    return Lag(
        learned=median_epochs(soon, horizon=horizon, confidence=measures.confidence),
        epochs=difference,
        decides=decides,
        point=twin.point if twin.point != variant.point else None,
    )
