"""When a network has learned: its arrival by population statistics, beside that by its own.

A metric of the validation part is taken with moving statistics, which lag behind the weights.
Beside ``val_accuracy`` a run with such statistics has ``population_val_accuracy``: the same, with
those of the whole training part under the weights of that moment.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from normwise.analysis._judged import JudgedRuns
from normwise.analysis._outcome import outcome
from normwise.domain import POPULATION, Outcome, RunRecord, Target

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
    """The same runs, timed by population statistics where they were measured by them.

    Args:
        variant: Timed by their own statistics.
        target: What to reach.
    """
    return dataclasses.replace(
        variant, outcomes={seed: _learned(run, target) for seed, run in variant.runs.items()}
    )


def _learned(run: RunRecord, target: Target) -> Outcome:
    return outcome(run, learned_target(target) if _is_measured(run, target) else target)


def _is_measured(run: RunRecord, target: Target) -> bool:
    """Whether every epoch of the run has the metric by population statistics.

    Epochs that were trained without asking for it have none.
    """
    seen = run.curves.get(learned_target(target).metric, ())
    own = run.curves.get(target.metric, ())
    return bool(seen) and not any(map(_lacks, seen, own))


def _lacks(seen: float, own: float) -> bool:
    return math.isnan(seen) and not math.isnan(own)
