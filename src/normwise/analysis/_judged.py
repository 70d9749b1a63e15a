"""The runs that a variant is judged by, and what all variants are measured by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normwise.analysis._grid import holdout_runs
from normwise.analysis._outcome import outcome
from normwise.domain import Condition, EpochTimes, Outcome, ProgramKey, RunRecord, Target

__all__ = ["JudgedRuns", "Measures", "Times", "judged_runs"]

Times = Mapping[ProgramKey, EpochTimes]
"""From program to what an epoch takes."""


@dataclass(frozen=True, slots=True)
class JudgedRuns:
    """One variant, and the runs it is judged by.

    Attributes:
        name: Name of the variant.
        point: Its best point of the grid.
        runs: From seed to run: those at that point, on the seeds that did not select it.
        outcomes: From seed to how that run ended.
        all_runs: All of its runs, at every point of the grid.
    """

    name: str
    point: Condition
    runs: Mapping[int, RunRecord]
    outcomes: Mapping[int, Outcome]
    all_runs: Sequence[RunRecord]

    @property
    def seeds_a_judge(self) -> int:
        """Seeds to train for each that judges: 2 where every second one selects."""
        seeds = {run.key.seed for run in self.all_runs}
        return 2 if len(seeds) > len(self.runs) else 1

    @property
    def horizon(self) -> int:
        """Epochs up to which all of its runs go."""
        return min(run.epochs for run in self.runs.values())

    def epochs(self, horizon: int) -> dict[int, float]:
        """Epochs to the target by seed, ``inf`` beyond the horizon."""
        return {
            seed: found.epoch if found.epoch <= horizon else math.inf
            for seed, found in self.outcomes.items()
        }


@dataclass(frozen=True, slots=True)
class Measures:
    """What all variants are measured by.

    Attributes:
        target: What to reach.
        horizon: Epochs up to which all runs are followed.
        margin: Ratios within [1/margin, margin] make no difference, > 1.
        end_margin: Losses at the end that make none, in the metric's unit, ≥ 0; ``None`` for what
            suits the metric.
        confidence: Confidence of every interval but the ratios', in (0, 1).
        times: From program to what an epoch takes, where known.
    """

    target: Target
    horizon: int
    margin: float
    end_margin: float | None
    confidence: float
    times: Times

    def times_of(self, variant: JudgedRuns) -> EpochTimes | None:
        """What an epoch takes, trained alone at the best point's batch size, where known."""
        size, depth = variant.point.batch_size or None, variant.point.depth
        return self.times.get(ProgramKey(variant.name, size, depth))

    def seconds_of(self, variant: JudgedRuns) -> float:
        """Seconds of an epoch, likewise; NaN if unknown."""
        times = self.times_of(variant)
        return times.seconds if times else math.nan


def judged_runs(name: str, records: Sequence[RunRecord], target: Target) -> JudgedRuns:
    """A variant's runs at its best point of the grid, on the seeds that judge.

    Args:
        name: Name of the variant.
        records: All of its runs, at every point of the grid.
        target: What to reach.
    """
    point, runs = holdout_runs(name, records, target)
    outcomes = {seed: outcome(run, target) for seed, run in runs.items()}
    return JudgedRuns(name, point, runs, outcomes, records)
