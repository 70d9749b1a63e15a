"""A job may stop and go on: its runs train as if nothing had happened."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.domain import Condition, Run, RunKey, Variant
from normwise.engine import replica_mesh
from normwise.execution import Checkpointed, Compiled, Compiling, Finished, Job, Origin, Segment
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.execution.local import LocalExecutor
from normwise.execution.setup import Setup
from normwise.spec import Spec

EPOCHS = 20
RATES = (0.001, 0.01, 0.1)
SPEC = Spec.make(
    {"model": "m", "data": "arrays", "variants": ("after",), "epochs": EPOCHS, "seeds": 2,
     "learning_rate": RATES, "batch_size": 8, "optimizer": "adam"}
)  # fmt: skip
RUNS = tuple(
    Run(RunKey("after", seed, str(rate)), Condition(rate, None, 8))
    for rate in RATES
    for seed in range(2)
)


def build():
    """A momentum, moving statistics and dropout to carry along."""
    hidden = [layers.Dense(4, activation="relu"), layers.Dropout(0.2)]
    return keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)])


@pytest.fixture(scope="module")
def setup():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3)).astype("float32")
    y = x @ draw.normal(size=(3, 1)).astype("float32")
    data = Dataset("rows", x[:40], y[:40], x[40:], y[40:], "regression")
    return Setup.of(SPEC, build, data)


def job(runs=RUNS, first=0, until=EPOCHS, origins=()):
    return Job(Variant.parse("after"), 8, tuple(runs), first, until, tuple(origins))


def trained(setup, *jobs, checkpoints=None):
    """All events, and curves by run."""
    executor = LocalExecutor(setup, checkpoints or MemoryCheckpoints())
    events = [event for one in jobs for event in executor.run([one])]
    curves = {}
    for event in events:
        if isinstance(event, Segment):
            for row, run in enumerate(event.runs):
                own = curves.setdefault(run.key, [])
                assert len(own) == event.first
                own += event.curves["val_loss"][row].tolist()
    return events, curves


@pytest.fixture(scope="module")
def undisturbed(setup):
    checkpoints = MemoryCheckpoints()
    events, curves = trained(setup, job(), checkpoints=checkpoints)
    return events, curves, checkpoints


def test_events_say_what_happened_in_order(undisturbed):
    events, curves, checkpoints = undisturbed
    assert events[0] == Compiling(1)
    # Said again where something was measured on this machine.
    first, *others = [event for event in events if not isinstance(event, Compiling)]
    assert first == Compiled("after", 8)
    kinds = [type(event) for event in others]
    stacks = kinds.count(Finished)
    # Ten segments of two epochs a stack; in memory a state is worth keeping at the end alone.
    assert kinds == [*[Segment] * 10, Checkpointed, Finished] * stacks
    assert {key: len(values) for key, values in curves.items()} == {run.key: EPOCHS for run in RUNS}
    assert {event.epoch for event in events if isinstance(event, Finished)} == {EPOCHS}
    assert checkpoints.names() == {
        event.name for event in events if isinstance(event, Checkpointed)
    }
    assert {rate for event in events if isinstance(event, Segment)
            for rate in event.learning_rates} == set(RATES)  # fmt: skip


def test_on_disk_the_last_two_segments_of_a_stack_are_kept(setup, tmp_path):
    checkpoints, most = FolderCheckpoints(tmp_path), 0
    for event in LocalExecutor(setup, checkpoints).run([job(RUNS[:2])]):
        if isinstance(event, Checkpointed):
            assert event.name in checkpoints.names()
            most = max(most, len(checkpoints.names()))
    assert most == 3  # the third is dropped once the newest is there
    assert len(checkpoints.names()) == 1


def test_runs_that_go_on_in_another_stack_train_as_they_would_have(setup, undisturbed, tmp_path):
    checkpoints = FolderCheckpoints(tmp_path)
    begun, before = trained(setup, job(until=4), checkpoints=checkpoints)
    states = {
        key: Origin(event.name, row)
        for event in begun
        if isinstance(event, Checkpointed)
        for row, key in enumerate(event.keys)
    }
    # Three of six, in another order: other neighbours, other places.
    chosen = [RUNS[4], RUNS[0], RUNS[3]]
    rest = job(chosen, first=4, origins=[states[run.key] for run in chosen])
    executor = LocalExecutor(setup, checkpoints)
    after = [event for event in executor.run([rest]) if isinstance(event, Segment)]
    _, whole, _ = undisturbed
    for run in chosen:
        own = [*before[run.key][:4]]
        for event in after:
            if run in event.runs:
                own += event.curves["val_loss"][event.runs.index(run)].tolist()
        np.testing.assert_array_equal(own, whole[run.key])


def test_a_state_that_a_disk_lost_costs_the_epochs_and_nothing_else(setup, undisturbed):
    _, curves = trained(
        setup, job(RUNS[:2], first=4, origins=[Origin("lost", 0), Origin("lost", 1)])
    )
    _, whole, _ = undisturbed
    for run in RUNS[:2]:
        np.testing.assert_array_equal(curves[run.key], whole[run.key])


def test_a_cancelled_executor_begins_nothing_more(setup):
    executor = LocalExecutor(setup, MemoryCheckpoints())
    seen = []
    for event in executor.run([job(RUNS[:1]), job(RUNS[1:2])]):
        seen.append(event)
        if isinstance(event, Segment):
            executor.cancel()
    kinds = [type(event) for event in seen if not isinstance(event, Compiling)]
    assert kinds == [Compiled, Segment]


def test_there_are_two_devices():
    assert replica_mesh().size == 2
