"""The remedy of statistics that lag: the variant again, with a momentum that suits an epoch."""

from __future__ import annotations

from normwise.domain import Run, RunKey, Variant
from normwise.study.ledger import Ledger
from normwise.study.planners.plan import Goals
from normwise.study.question import Question

__all__ = ["remedies"]


def remedies(question: Question, goals: Goals, ledger: Ledger) -> dict[Run, int]:
    """Runs with ``momentum=auto`` of each variant whose lag decides, unless they are not wanted.

    They go as far as the variant's own runs, on the same seeds and at the same points of the grid.

    Args:
        question: What the study asks.
        goals: What is trained so far.
        ledger: Has all of it.
    """
    if not question.spec.remedy:
        return {}
    epochs = question.spec.epochs
    records = [ledger.record(run, goals[run], epochs) for run in question.in_order(goals)]
    late = {
        variant.name: Variant.parse(variant.name).with_remedy.name
        for variant in question.summary(records).variants
        if variant.lag is not None and variant.lag.decides
    }
    return {
        Run(RunKey(name, run.key.seed, run.key.setting), run.condition): until
        for run, until in goals.items()
        if (name := late.get(run.key.variant)) and name not in question.spec.variants
    }
