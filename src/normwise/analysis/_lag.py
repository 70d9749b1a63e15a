"""How much later variants arrive by their own statistics than by those of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    of a study (Bonferroni, over them and the looks at the seeds).

    Args:
        judged: All variants.
        measures: What they are measured by.
        looks: How often the seeds may be looked at, ≥ 1.
        examples: Of the training part, where that is known.
        elsewhere: Whether something else trained the runs, so that names say no momentum.
    """
    steps = {one.name: _steps(one, examples) for one in judged}
    seen = [one for one in judged if shows_learning(one.runs.values(), measures.target)]
    slow = [one for one in seen if elsewhere or _is_slow(one.name, steps[one.name])]
    level = 1 - (1 - measures.confidence) / (max(1, len(slow)) * looks)
    return {
        one.name: _lag(
            one,
            measures,
            level if one in slow else None,
            None if elsewhere else _momentum(one.name, steps[one.name]),
            steps[one.name],
        )
        for one in seen
    }


def _steps(variant: JudgedRuns, examples: int | None) -> int | None:
    size = variant.point.batch_size
    return math.ceil(examples / size) if examples and size else None


def _is_slow(name: str, steps: int | None) -> bool:
    """Whether an epoch is too short for the statistics, as far as is known."""
    momentum = Variant.parse(name).momentum
    return momentum != "auto" and (steps is None or momentum > momentum_for(steps))


def _momentum(name: str, steps: int | None) -> float | None:
    momentum = Variant.parse(name).momentum
    if momentum != "auto":
        return momentum
    return None if steps is None else momentum_for(steps)


def _lag(
    variant: JudgedRuns,
    measures: Measures,
    confidence: float | None,
    momentum: float | None,
    steps: int | None,
) -> Lag:
    horizon, twin = measures.horizon, learned(variant, measures.target)
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
        momentum=momentum,
        steps_needed=None if momentum is None else steps_needed(momentum),
        steps=steps,
    )
