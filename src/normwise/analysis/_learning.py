"""When a network has learned: its arrival by population statistics, beside that by its own.

A metric of the validation part is taken with moving statistics, which lag behind the weights.
Beside ``val_accuracy`` a run with such statistics has ``population_val_accuracy``: the same, with
those of the whole training part under the weights of that moment.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from normwise.analysis._judged import JudgedRuns, judged_runs
from normwise.analysis._outcome import outcome
from normwise.domain import POPULATION, RunRecord, Target

__all__ = ["learned", "learned_target", "shows_learning"]


def learned_target(target: Target) -> Target:
    """What is reached where the target is reached by population statistics.

    >>> print(learned_target(Target.parse("val_loss<=0.4")))
    population_val_loss<=0.4
    """
    return dataclasses.replace(target, metric=f"{POPULATION}{target.metric}")


def shows_learning(records: Iterable[RunRecord], target: Target) -> bool:
    """Whether any run was measured by population statistics, too."""
    return any(_is_measured(record, target) for record in records)


def learned(variant: JudgedRuns, target: Target) -> JudgedRuns:
    """The variant at the point of the grid where it learns soonest, on the seeds that judge it.

    Point and arrivals are found as those of its own statistics are, by population statistics where
    a run was measured by them. Where the seeds that judge it were not trained at that point, as in
    a pruned grid, it stays at its own.

    Args:
        variant: Where it arrives soonest by its own statistics.
        target: What to reach.

    Returns:
        Runs whose curve of the target's metric is that by population statistics.
    """
    seen = [_as_learned(run, target) for run in variant.all_runs]
    best = judged_runs(variant.name, seen, target)
    if best.runs.keys() == variant.runs.keys():
        return best
    own = {seed: _as_learned(run, target) for seed, run in variant.runs.items()}
    outcomes = {seed: outcome(run, target) for seed, run in own.items()}
    return dataclasses.replace(variant, runs=own, outcomes=outcomes, all_runs=seen)


def _as_learned(run: RunRecord, target: Target) -> RunRecord:
    if not _is_measured(run, target):
        return run
    curve = run.curves[learned_target(target).metric]
    return dataclasses.replace(run, curves={**run.curves, target.metric: curve})


def _is_measured(run: RunRecord, target: Target) -> bool:
    """Whether every epoch of the run has the metric by population statistics.

    Epochs that were trained without asking for it have none.
    """
    seen = run.curves.get(learned_target(target).metric, ())
    own = run.curves.get(target.metric, ())
    return bool(seen) and not any(map(_lacks, seen, own))


def _lacks(seen: float, own: float) -> bool:
    return math.isnan(seen) and not math.isnan(own)
