"""The work of who drives a study grows with its runs, never with their square; counted, not timed."""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from normwise.engine import State
from normwise.execution import Checkpointed, Finished
from normwise.study import training
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.planners import planner_of
from normwise.study.store import Store
from tests.study.invented import question, segment


class MadeUp:
    """An executor of curves that fall faster at a larger rate, each run a job of its own."""

    def run(self, jobs):
        for job in jobs:
            for part in job.parts(1):
                [run] = part.runs
                for first in range(part.first, part.until, 2):
                    values = 1 - 0.1 * (run.condition.learning_rate or 0.01) * np.arange(
                        first, first + 2
                    )
                    yield segment([run], first, [values])
                    yield Checkpointed((run.key,), first + 2, f"{run.key.digest}-{first + 2}")
                yield Finished((run.key,), part.until)

    def cancel(self):
        pass


class OneState:
    """Checkpoints that are always there."""

    survive = False

    def load(self, _):
        one = np.zeros((1, 1))
        return State([one], [one], [one], np.ones(1))

    def save(self, *_):
        pass

    def drop(self, names):
        self.dropped = list(names)

    def names(self):
        return set()


def lines_run(function):
    """What a function returns, and how many lines of Python that ran."""
    count = 0

    def trace(_frame, event, _arg):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(), count
    finally:
        sys.settrace(before)


def driven(settings, folder):
    """Lines for driving a study and for opening its folder again, each with how many runs."""
    asked = question(**settings)
    store = Store(folder, asked.spec)
    case = SimpleNamespace(question=asked, setup=None, dataset=SimpleNamespace(said=()))
    one = training.Training(case, store, lambda _: None, None, lambda *_: MadeUp())
    goals, driving = lines_run(lambda: one.train(planner_of(asked), ""))
    _, answering = lines_run(lambda: asked.summary(one.records(goals)))
    again, opening = lines_run(lambda: planner_of(asked).next(Ledger(EventLog(store))))
    assert again.goals.keys() == goals.keys()
    return len(goals), (driving, answering, opening)


STUDIES = {
    "seeds": lambda n: {"seeds": 4 * n},
    "rates": lambda n: {"seeds": 1, "learning_rate": f"1e-4:1:{6 * n}"},
    "rounds": lambda n: {"seeds": n, "max_seeds": 4 * n, "until_decided": True, "margin": 1.000001},
    "halving": lambda n: {"seeds": 2, "learning_rate": f"1e-4:1:{4 * n}", "prune": True},
    "variants": lambda n: {"seeds": 2, "variants": ["none", *(f"after:momentum={k / 99}" for k in range(n))]},
}  # fmt: skip
SMALL, LARGE = 8, 32


@pytest.mark.parametrize("study", STUDIES)
def test_four_times_the_runs_are_about_four_times_the_work(study, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(training, "_checkpoints", lambda _: OneState())
    made = {n: driven({"target": "val_loss<=0.5", **STUDIES[study](n)}, tmp_path / str(n))
            for n in (SMALL, LARGE)}  # fmt: skip
    (few, small), (many, large) = made[SMALL], made[LARGE]
    assert many >= 3 * few
    for name, before, after in zip(("driving", "answering", "opening"), small, large, strict=True):
        assert after / before < 1.05 * many / few, name
