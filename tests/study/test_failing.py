"""Runs that fail: the others go on, the journal says why, and the same command tries them again."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest

from normwise import Study
from normwise.errors import ExecutorError, StudyIncomplete
from normwise.execution import Failed, Finished
from normwise.execution.checkpoint import MemoryCheckpoints
from normwise.spec import Spec
from normwise.study.best import _trained_again
from normwise.study.budget import Budget
from normwise.study.driver import RunsFailed, drive
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.planners import HalvingPlanner, RoundsPlanner
from normwise.study.store import Store
from tests import unlucky
from tests.study.invented import question, segment


class Invented:
    """An executor that trains nothing: runs of some seeds fail, all others end."""

    def __init__(self, failing):
        self.failing, self.asked, self.cancelled = failing, [], 0

    def run(self, jobs):
        self.asked.append([run for job in jobs for run in job.runs])
        for job in jobs:
            for run in job.runs:
                if run.key.seed in self.failing:
                    yield Failed((run.key,), job.first, "ValueError: no luck")
                    continue
                epochs = job.until - job.first
                yield segment([run], job.first, [np.linspace(1, 0.1, epochs)])
                yield Finished((run.key,), job.until)

    def cancel(self):
        self.cancelled += 1


def driven(planner, executor, ledger):
    return drive(
        planner, ledger, executor, budget=Budget(None), on_plan=lambda _: None,
        on_event=lambda _: None, left_open="",
    )  # fmt: skip


@pytest.mark.parametrize("planner", [RoundsPlanner, HalvingPlanner])
def test_the_others_go_on_and_no_failed_run_is_tried_twice(planner):
    asked = question(prune=planner is HalvingPlanner, learning_rate=(0.01, 0.1))
    ledger, executor = Ledger(), Invented(failing={1})
    with pytest.raises(RunsFailed) as caught:
        driven(planner(asked), executor, ledger)
    failed = {key for event in caught.value.events for key in event.keys}
    assert failed == set(ledger.failed)
    assert {key.seed for key in failed} == {1}
    tried = [run.key for runs in executor.asked for run in runs if run.key.seed == 1]
    assert len(tried) == len(failed)
    assert set(tried) == failed
    assert all(ledger.epochs(run.key) for runs in executor.asked for run in runs
               if run.key.seed != 1)  # fmt: skip
    assert executor.cancelled == len(executor.asked)


@pytest.mark.parametrize("heard", [0, 1, 2])
def test_an_executor_that_says_nothing_of_a_run_is_named(heard):
    class Silent(Invented):
        def run(self, jobs):
            return itertools.islice(super().run(jobs), heard)

    with pytest.raises(ExecutorError, match=r"said nothing of \d runs? of 'none', epochs 1 to 8; "):
        driven(RoundsPlanner(question()), Silent(failing=()), Ledger())


def test_the_journal_says_what_failed_and_a_later_process_tries_it_again(tmp_path):
    spec = Spec.make({"model": "circles", "data": "circles", "seeds": 2})
    store = Store(tmp_path, spec)
    asked = question(seeds=2)
    with pytest.raises(RunsFailed):
        driven(RoundsPlanner(asked), Invented(failing={1}), Ledger(EventLog(store)))
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    *_, last = [line for line in lines if line["event"] == "failed"]
    assert last["why"] == "ValueError: no luck"
    assert (last["schema"], last["variant"], last["epoch"]) == (2, "after", 0)
    assert last["runs"] == [
        {"seed": 1, "setting": asked.runs([], []) or asked.settings[next(iter(asked.settings))]}
    ]
    again, executor = Ledger(EventLog(Store(tmp_path, spec))), Invented(failing=())
    driven(RoundsPlanner(asked), executor, again)
    assert [{run.key.seed for run in runs} for runs in executor.asked] == [{1}]


def test_a_model_that_raises_stops_the_study_when_the_others_are_done(tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 3)).astype("float32")
    study = Study(unlucky.build, (x, x @ draw.normal(size=(3, 1))), variants=["after", "none"],
                  seeds=2, epochs=4, batch_size=8)  # fmt: skip
    unlucky.FLAG.touch()
    with pytest.raises(StudyIncomplete, match=r"after 2 of 4 replicas") as caught:
        study.run(tmp_path / "out")
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert "'after', seeds 0, 1, after 0 epochs" in message
    assert "no luck" in message
    assert "run the same command again" in message
    unlucky.FLAG.unlink()
    result = study.run(tmp_path / "out")
    assert (result.reused, result.trained) == (2, 2)


def test_a_best_run_that_cannot_be_trained_again_is_one_message():
    asked = question(seeds=1)
    [run, *_] = asked.runs(asked.variants, [0])
    setup = SimpleNamespace(spec=asked.spec)
    with pytest.raises(StudyIncomplete, match=r"training it again failed \(ValueError: no luck\)"):
        _trained_again(run, setup, MemoryCheckpoints(), Invented(failing={0}))
