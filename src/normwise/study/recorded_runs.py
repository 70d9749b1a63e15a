"""The runs in a study's folder, read without its model."""

from __future__ import annotations

from typing import NamedTuple

from normwise import analysis
from normwise.domain import RunRecord
from normwise.spec import Spec
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.planners import planner_of
from normwise.study.question import Question
from normwise.study.store import Store

__all__ = ["Recorded", "recorded"]


class Recorded(NamedTuple):
    """What a folder holds of a study.

    Attributes:
        question: What the study asks, as far as its folder says.
        records: The runs that it wants and has, as far as they count.
    """

    question: Question
    records: list[RunRecord]


def recorded(
    store: Store,
    spec: Spec,
    fingerprint: str | None,
    metric: str | None,
    mean_loss: float | None,
    examples: int | None = None,
    guessing: float | None = None,
) -> Recorded:
    """A study's runs, read without its model.

    The same settings with other data of that name journal into the same folder.

    Args:
        store: The folder.
        spec: Its settings.
        fingerprint: What tells data and model from others; ``None`` where no one noted it: then the
            newest runs count.
        metric: What replicas are timed to; the study's own unless given.
        mean_loss: The validation loss of predicting the mean, in a regression.
        examples: Of the training part; ``None`` where no one noted it.
        guessing: The validation accuracy of always naming the most frequent class, likewise.
    """
    ledger = Ledger(EventLog(store))
    metric = metric or analysis.default_metric(ledger.metrics)
    question = Question(spec, fingerprint or "", metric, mean_loss, examples, guessing)
    if not ledger.runs:
        return Recorded(question, [])
    if fingerprint is None:
        return Recorded(question, _of_newest(ledger, spec))
    goals = planner_of(question).next(ledger).goals
    there = [run for run in question.in_order(goals) if ledger.epochs(run.key) >= goals[run]]
    records = [ledger.record(run, goals[run], spec.epochs) for run in there]
    return Recorded(question, records)


def _of_newest(ledger: Ledger, spec: Spec) -> list[RunRecord]:
    """Of the setting that trained last, in the study's own variants."""
    setting = ledger.runs[-1].key.setting
    return [
        ledger.record(run, ledger.epochs(run.key), spec.epochs)
        for run in ledger.runs
        if run.key.setting == setting and run.key.variant in spec.variants
    ]
