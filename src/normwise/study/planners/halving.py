"""Successive halving: half of the seeds choose a point of the grid, the others train it.

A variant with moving statistics may have two: where it arrives and where it learns soonest.

Li et al. 2018, "Hyperband", section 3: of the points of a grid, the better half goes on each time.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from normwise import analysis
from normwise.domain import (
    Condition,
    ProgramKey,
    Run,
    RunRecord,
    Target,
    Variant,
    holdout_seeds,
    segment_length,
)
from normwise.study.ledger import Ledger
from normwise.study.planners.plan import Plan
from normwise.study.planners.remedy import remedies
from normwise.study.question import Question

__all__ = ["HalvingPlanner", "better_half", "is_hopeless", "rungs"]

# The shares of a run after which replicas are looked at.
SHARES = (0.25, 0.5)


@dataclass(frozen=True)
class HalvingPlanner:
    """Points of the grid that will not be the best are stopped early.

    Attributes:
        question: What the study asks.
    """

    question: Question

    def next(self, ledger: Ledger) -> Plan:
        """How far those that choose go; when they have, also those that judge."""
        question, epochs = self.question, self.question.spec.epochs
        choosing = question.runs(question.variants, question.spec.grid_seeds)
        arms: dict[ProgramKey, list[Run]] = {}
        for run in choosing:
            arms.setdefault(run.program, []).append(run)
        goals = {run: goal for arm in arms.values() for run, goal in self._arm(arm, ledger).items()}
        if not ledger.has(goals):
            return Plan(goals)
        records = {run: ledger.record(run, goals[run], epochs) for run in choosing}
        target = question.target(list(records.values()))
        baseline = analysis.baseline_of(question.spec.variants)
        for variant in question.variants:
            own = {run: one for run, one in records.items() if run.variant == variant}
            views = _views(own, target.metric)
            hope = any(not is_hopeless(list(view.values()), target) for view in views)
            if hope or variant.name == baseline:
                judging = [run for view in views for run in self._judging(variant, view, target)]
                goals |= dict.fromkeys(judging, epochs)
        if not ledger.has(goals):
            return Plan(goals)
        return Plan(goals | remedies(question, goals, ledger), fallback=goals)

    def _arm(self, runs: Sequence[Run], ledger: Ledger) -> dict[Run, int]:
        """How far the runs of a program go, which are measured by each other."""
        epochs, metric = self.question.spec.epochs, self.question.metric
        goals: dict[Run, int] = {}
        for until in [*rungs(epochs), epochs]:
            goals |= dict.fromkeys(runs, until)
            if until == epochs or not ledger.has(goals):
                break
            records = {run: ledger.record(run, until, epochs) for run in runs}
            newest = [
                {run: one.curves[metric][until - 1] for run, one in view.items()}
                for view in _views(records, metric)
            ]
            kept = {run for one in newest for run in better_half(one, rising=self.question.rising)}
            runs = [run for run in runs if run in kept]
        return goals

    def _judging(self, variant: Variant, own: Mapping[Run, RunRecord], target: Target) -> list[Run]:
        """The other seeds, at the point that was chosen."""
        best = analysis.best_point(list(own.values()), target)
        [point, *_] = [run.condition for run, one in own.items() if one.condition == best]
        return self.question.runs(
            [variant], holdout_seeds(range(self.question.spec.seeds)), [point]
        )


def _views(records: Mapping[Run, RunRecord], metric: str) -> list[Mapping[Run, RunRecord]]:
    """The runs by their own statistics, and by population statistics where these were measured.

    A point at which a variant learns soonest may be one at which its own hide that to the end.
    """
    return [records, {run: analysis.as_learned(one, metric) for run, one in records.items()}]


def rungs(epochs: int) -> list[int]:
    """Epochs after which replicas are looked at, each at the end of a segment.

    >>> rungs(100), rungs(10), rungs(1)
    ([20, 50], [2, 5], [])
    """
    segment = segment_length(epochs)
    found = (int(share * epochs) // segment * segment for share in SHARES)
    return sorted({epoch for epoch in found if 0 < epoch < epochs})


def better_half(newest: Mapping[Run, float], *, rising: bool) -> list[Run]:
    """The runs at the better half of the points, by what they have reached so far.

    A point is judged by the median of its runs; those that diverged come last.

    Args:
        newest: Each run to its newest value of the metric that counts.
        rising: Whether more of it is better.

    >>> from normwise.domain import RunKey
    >>> slow, fast = (Run(RunKey("none", 0, str(x)), Condition(x)) for x in (0.01, 0.1))
    >>> [run.condition.learning_rate for run in better_half({slow: 0.6, fast: 0.8}, rising=True)]
    [0.1]
    """
    worst = -math.inf if rising else math.inf
    points: dict[Condition, list[Run]] = {}
    for run in newest:
        points.setdefault(run.condition, []).append(run)

    def median(runs: Sequence[Run]) -> float:
        values = [newest[run] for run in runs]
        return float(statistics.median_low(np.nan_to_num(values, nan=worst).tolist()))

    ranked = sorted(points.values(), key=median, reverse=rising)
    kept = {run for own in ranked[: math.ceil(len(ranked) / 2)] for run in own}
    return [run for run in newest if run in kept]


def is_hopeless(records: Sequence[RunRecord], target: Target) -> bool:
    """Whether no replica arrives even at the best point of the grid."""
    best = analysis.best_point(records, target)
    return not analysis.reaching([one for one in records if one.condition == best], target)
