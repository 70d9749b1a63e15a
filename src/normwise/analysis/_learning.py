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

__all__ = ["as_learned", "learned", "shows_learning"]


def shows_learning(records: Iterable[RunRecord], target: Target) -> bool:
    """Whether any run was measured by population statistics, too."""
    return any(_is_measured(record, target.metric) for record in records)


def as_learned(run: RunRecord, metric: str) -> RunRecord:
    """A run whose curve of a metric is that by population statistics.

    Args:
        run: As it is; where some of its epochs lack them, it stays so.
        metric: By moving statistics, such as ``val_loss``.

    >>> from normwise.domain import RunKey
    >>> curves = {"val_loss": (0.9, 0.8), "population_val_loss": (0.7, 0.3)}
    >>> run = RunRecord(RunKey("after", 0, "a"), 0.1, curves)
    >>> as_learned(run, "val_loss").curves["val_loss"]
    (0.7, 0.3)
    """
    if not _is_measured(run, metric):
        return run
    seen = run.curves[f"{POPULATION}{metric}"]
    return dataclasses.replace(run, curves={**run.curves, metric: seen})


def learned(variant: JudgedRuns, target: Target) -> JudgedRuns:
    """The variant at the point of the grid where it learns soonest, on the seeds that judge it.

    Point and arrivals are found as those of its own statistics are, by population statistics where
    a run was measured by them. Where the seeds that judge it were not trained at that point, it
    stays at its own.

    Args:
        variant: Where it arrives soonest by its own statistics.
        target: What to reach.

    Returns:
        Its runs as :func:`as_learned` gives them.
    """
    seen = [as_learned(run, target.metric) for run in variant.all_runs]
    best = judged_runs(variant.name, seen, target)
    if best.runs.keys() == variant.runs.keys():
        return best
    own = {seed: as_learned(run, target.metric) for seed, run in variant.runs.items()}
    outcomes = {seed: outcome(run, target) for seed, run in own.items()}
    return dataclasses.replace(variant, runs=own, outcomes=outcomes, all_runs=seen)


def _is_measured(run: RunRecord, metric: str) -> bool:
    """Whether every epoch of the run has the metric by population statistics.

    Epochs that were trained without asking for it have none.
    """
    seen = run.curves.get(f"{POPULATION}{metric}", ())
    own = run.curves.get(metric, ())
    return bool(seen) and not any(map(_lacks, seen, own))


def _lacks(seen: float, own: float) -> bool:
    return math.isnan(seen) and not math.isnan(own)
