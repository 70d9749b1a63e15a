"""A study that trains nothing, killed and failing at any moments: the undisturbed one's result."""

import contextlib
import functools
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normwise.domain import derive_seed
from normwise.engine import State
from normwise.execution import Checkpointed, Failed, Finished
from normwise.execution.checkpoint import MemoryCheckpoints, joined_rows
from normwise.execution.job import state_name
from normwise.study.budget import Budget
from normwise.study.driver import RunsFailed, drive
from normwise.study.event_log import EventLog
from normwise.study.keeping import Keeper, score, state_of
from normwise.study.ledger import Ledger
from normwise.study.planners import AblationPlanner, jobs_of, planner_of
from normwise.study.progress import Watch
from normwise.study.store import Store
from tests.study.invented import question, segment

EPOCHS, SEGMENT = 8, 2
KINDS = {
    "grid": {"learning_rate": (0.01, 0.1), "seeds": 2},
    "pruned": {"learning_rate": (0.001, 0.01, 0.1), "prune": True, "target": "val_loss<=0.5"},
    "pruned by its baseline": {"learning_rate": (0.01, 0.1), "batch_size": (16, 32), "prune": True},
    "rounds": {"until_decided": True, "max_seeds": 8, "target": "val_loss<=0.4"},
    "ablated": {"ablate": True, "target": "val_loss<=0.5"},
}
LAYERS = {("after", None): ("first", "second")}


@pytest.fixture(scope="module", autouse=True)
def _kept_by_the_system():
    """What a process has written outlives it; the disk, on which syncs are slow, is no matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


class Killed(BaseException):
    """The process is no more."""


def number(run):
    return derive_seed(run.key.seed, run.key.variant + run.key.setting) % 2**16


def losses(run):
    """Fall to some value of this run's own; a few diverge."""
    end = 0.1 + 0.6 * number(run) / 2**16
    curve = np.linspace(1.0, end, EPOCHS, dtype=np.float32)
    return np.where((number(run) % 9 == 0) & (np.arange(EPOCHS) > 4), np.nan, curve)


class Shaky:
    """An executor in a process that ends, or a part of whose runs fails, after some moments."""

    def __init__(self, disk, width, moments, *, fails):
        self.disk, self.width, self.moments, self.fails = disk, width, moments, fails
        self.epochs = 0

    def run(self, jobs):
        for job in jobs:
            for part in job.parts(self.width):
                yield from self._train(part)

    def cancel(self):
        pass

    def ends(self):
        """Whether runs fail at this moment."""
        self.moments -= 1
        if self.moments == 0 and not self.fails:
            raise Killed
        return self.moments == 0

    def _train(self, part):
        for first in range(self._begin(part), part.until, SEGMENT):
            if self.ends():
                yield Failed(part.keys, first, "no luck")
                return
            until = min(first + SEGMENT, part.until)
            self.epochs += len(part.runs) * (until - first)
            self._save(part.runs, until)
            self.ends()
            yield segment(part.runs, first, [losses(run)[first:until] for run in part.runs])
            self.ends()
            yield Checkpointed(part.keys, until, state_name(part.runs, until))
        self.ends()
        yield Finished(part.keys, part.until)

    def _save(self, runs, epoch):
        weights = [np.array([number(run) for run in runs]), np.full(len(runs), epoch)]
        self.disk.save(state_name(runs, epoch), State(weights, [], [], np.ones(len(runs), bool)))

    def _begin(self, part):
        states = [(self.disk.load(one.checkpoint), one.row) for one in part.origins]
        if not part.first or any(state is None for state, _ in states):
            return 0
        state = joined_rows(states)
        assert state.trainable[0].tolist() == [number(run) for run in part.runs]
        assert state.trainable[1].tolist() == [part.first] * len(part.runs)
        return part.first


class SamePlan:
    """A planner that is asked twice, of the ledger and of what is read back from its folder."""

    def __init__(self, planner, read):
        self.planner, self.read = planner, read

    def next(self, ledger):
        plan, there = self.planner.next(ledger), self.read()
        assert plan == self.planner.next(ledger) == self.planner.next(there)
        if not ledger.failed:  # which the next process tries again
            assert jobs_of(plan.goals, ledger) == jobs_of(plan.goals, there)
        return plan


def lived(folder, asked, disk, executor):
    """One process: what it answers, if it comes so far."""

    def read():
        return Ledger(EventLog(Store(folder, asked.spec)), disk.names())

    ledger, said = read(), []
    watch = Watch(said.append, ledger, EPOCHS)

    def rank(key):
        return score(ledger.value(key, "val_loss", EPOCHS), rising=False)

    keeper = Keeper(ledger, disk, rank)
    ended = [run.key for run in ledger.runs if ledger.epochs(run.key) == EPOCHS]
    keeper.keep(Finished(tuple(ended), EPOCHS))

    def on_event(event):
        if isinstance(event, Finished) and event.epoch == EPOCHS:
            keeper.keep(event)
        watch.event(event)
        executor.ends()

    driven = functools.partial(
        drive, ledger=ledger, executor=executor, budget=Budget(None), on_plan=watch.plan,
        on_event=on_event, left_open="",
    )  # fmt: skip
    goals = driven(SamePlan(planner_of(asked), read))
    found = [ledger.record(run, goals[run], EPOCHS) for run in asked.in_order(goals)]
    ablation = None
    if asked.spec.ablate:
        planner = AblationPlanner(asked, goals, LAYERS)
        driven(SamePlan(planner, read))
        ablation = planner.found(ledger)
    assert all(0 <= one.replicas <= one.of and 0 <= one.share <= 1 for one in said)
    done = [one.replicas for one in said if one.stage == "training"]
    assert done == sorted(done)  # at a rung nobody knows yet who is done
    assert watch.done == watch.of
    for record in found:
        if ledger.epochs(record.key) == EPOCHS:
            place = (record.key.variant, record.key.setting)
            own = [run.key for run in ledger.runs if (run.key.variant, run.key.setting) == place]
            own = [key for key in own if ledger.epochs(key) == EPOCHS]
            assert state_of(max(own, key=rank), ledger, disk) is not None
    return repr([(one.key, one.curves, one.diverged_at, one.stopped_at) for one in found]), ablation


@functools.cache
def undisturbed(kind):
    with tempfile.TemporaryDirectory() as folder:
        executor = Shaky(MemoryCheckpoints(), 3, 0, fails=False)
        found = lived(Path(folder), question(**KINDS[kind]), executor.disk, executor)
        return found, executor.epochs


LIVES = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60), st.booleans()), max_size=8)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(lives=LIVES)
def test_any_disturbance_leaves_the_undisturbed_result(kind, lives):
    """Up to twelve seconds: after each of 150 deaths the whole analysis plans anew, three times."""
    expected, epochs = undisturbed(kind)
    disk, trained = MemoryCheckpoints(), 0
    with tempfile.TemporaryDirectory() as folder:
        for width, moments, fails in [*lives, (3, 0, False)]:
            executor = Shaky(disk, width, moments, fails=fails)
            with contextlib.suppress(Killed, RunsFailed):
                found = lived(Path(folder), question(**KINDS[kind]), disk, executor)
            trained += executor.epochs
    assert found == expected
    # No disturbance costs more than a segment of the runs that stood side by side.
    assert epochs <= trained <= epochs + SEGMENT * sum(width for width, _, _ in lives)
