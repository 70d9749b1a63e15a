"""What every executor keeps, by the same tests: in this process, and on a Ray cluster of three.

Where the same program trains on the same kind of machine, curves are equal bit for bit: an executor
on a cluster lets one of its machines decide how replicas are laid over devices, and all train so.
"""

import fcntl
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np
import psutil
import pytest
import ray
from keras import layers
from ray.cluster_utils import Cluster

from normwise import Study
from normwise.data import Dataset
from normwise.domain import Condition, Run, RunKey, Variant
from normwise.errors import ExecutorError, StudyIncomplete
from normwise.execution import Checkpointed, Compiled, Failed, Finished, Job, Origin, Segment
from normwise.execution import attempt as attempts
from normwise.execution.callbacks import Callbacks
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.execution.local import LocalExecutor
from normwise.execution.ray import RayExecutor
from normwise.execution.setup import Setup
from normwise.execution.which_engine import STACKED, Engine
from normwise.spec import Spec
from tests import unlucky

EPOCHS = 20
RATES = (0.01, 0.1)
# Keras' `save` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def runs(variant, seeds=2):
    return tuple(
        Run(RunKey(variant, seed, str(rate)), Condition(rate, None, 8))
        for rate in RATES
        for seed in range(seeds)
    )


def job(variant, first=0, until=EPOCHS, origins=(), own=None):
    return Job(Variant.parse(variant), 8, tuple(own or runs(variant)), first, until, tuple(origins))


def made(model, engine=STACKED):
    spec = Spec.make(
        {"model": "m", "data": "arrays", "variants": ("none", "after", "before"), "epochs": EPOCHS,
         "seeds": 2, "learning_rate": RATES, "batch_size": 8, "optimizer": "adam"}
    )  # fmt: skip
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3)).astype("float32")
    y = x @ draw.normal(size=(3, 1)).astype("float32")
    data = Dataset("rows", x[:40], y[:40], x[40:], y[40:], "regression")
    # As many devices as the smallest machine of the cluster: then all programs are the same.
    return Setup.of(spec, model, data, devices=1, engine=engine)


@pytest.fixture(scope="module")
def setup():
    """A momentum, moving statistics and dropout to carry along; the model crosses as bytes."""
    hidden = [layers.Dense(4, activation="relu"), layers.Dropout(0.2)]
    return made(keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)]))


@pytest.fixture(scope="module")
def cluster():
    """Three machines of one CPU each, on this one: one such cluster, however many processes test."""
    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    with Path(tempfile.gettempdir(), "normwise-ray-tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            head = {**small, "include_dashboard": False}
            cluster = Cluster(head_node_args=head, initialize_head=True)
            for _ in range(2):
                cluster.add_node(**small)
        yield cluster
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture(params=["local", "ray"])
def make(request):
    """Makes the executor, on the checkpoints that it is given."""
    if request.param == "local":
        return LocalExecutor
    address = request.getfixturevalue("cluster").address
    return lambda setup, checkpoints: RayExecutor(setup, checkpoints, address)


def curves_of(events):
    """Of each run; epochs that are trained again replace what they repeat."""
    curves = {}
    for event in events:
        if isinstance(event, Segment):
            for row, run in enumerate(event.runs):
                own = curves.setdefault(run.key, [])
                assert event.first <= len(own)
                own[event.first :] = event.curves["val_loss"][row].tolist()
    return curves


def states_of(events):
    return {
        key: Origin(event.name, row)
        for event in events
        if isinstance(event, Checkpointed)
        for row, key in enumerate(event.keys)
    }


@pytest.fixture(scope="module")
def expected(setup):
    """The curves of this process."""
    jobs = [job("none"), job("after"), job("before")]
    return curves_of(LocalExecutor(setup, MemoryCheckpoints()).run(jobs))


def test_all_runs_arrive_with_the_same_curves(make, setup, expected, tmp_path):
    """Ten seconds with Ray: each of its workers imports and compiles for itself."""
    checkpoints = FolderCheckpoints(tmp_path)
    events = []
    for event in make(setup, checkpoints).run([job("none"), job("after"), job("before")]):
        events.append(event)
        if isinstance(event, Checkpointed):
            assert event.name in checkpoints.names()
    assert [event for event in events if isinstance(event, Failed)] == []
    assert curves_of(events) == expected
    for key in expected:
        own = [
            event for event in events
            if key in (getattr(event, "keys", None) or [run.key for run in getattr(event, "runs", ())])
        ]  # fmt: skip
        assert [type(event) for event in own] == [*[Segment, Checkpointed] * 10, Finished]
        segments = [event for event in own if isinstance(event, Segment)]
        assert [event.first for event in segments] == list(range(0, EPOCHS, 2))
        assert own[-1].epoch == EPOCHS
    compiled = [event for event in events if isinstance(event, Compiled)]
    assert {event.variant for event in compiled} == {"none", "after", "before"}
    # Of each stack the last state is kept.
    assert checkpoints.names() == {origin.checkpoint for origin in states_of(events).values()}


def test_runs_go_on_from_their_checkpoints(make, setup, expected):
    checkpoints = MemoryCheckpoints()
    executor = make(setup, checkpoints)
    begun = list(executor.run([job("after", until=4)]))
    states, chosen = states_of(begun), [runs("after")[number] for number in (3, 0)]
    rest = job("after", 4, EPOCHS, [states[run.key] for run in chosen], chosen)
    after = list(executor.run([rest]))
    assert min(event.first for event in after if isinstance(event, Segment)) == 4
    whole = curves_of([*begun, *after])
    assert {run.key: whole[run.key] for run in chosen} == {
        run.key: expected[run.key] for run in chosen
    }


def test_a_cancelled_executor_stops_and_can_begin_again(make, setup, expected, monkeypatch):
    cancelled, cancel = [], ray.cancel
    monkeypatch.setattr(ray, "cancel", lambda *a, **k: cancelled.append(a) or cancel(*a, **k))
    executor = make(setup, MemoryCheckpoints())
    seen = []
    for event in executor.run([job("none"), job("after"), job("before")]):
        seen.append(event)
        if isinstance(event, Segment):
            executor.cancel()
    assert not any(isinstance(event, Finished) for event in seen)
    assert isinstance(seen[-1], Segment)
    # All three were on their way, each on a machine of its own.
    assert len(cancelled) == (3 if isinstance(executor, RayExecutor) else 0)
    assert curves_of(executor.run([job("none")])).items() <= expected.items()


def test_a_model_that_raises_fails_alone(make):
    setup = made(unlucky.build)
    jobs = [job("after"), job("none")]
    unlucky.FLAG.touch()
    try:
        events = list(make(setup, MemoryCheckpoints()).run(jobs))
    finally:
        unlucky.FLAG.unlink()
    failed = [event for event in events if isinstance(event, Failed)]
    assert {key for event in failed for key in event.keys} == {run.key for run in runs("after")}
    assert all("no luck" in event.why and event.epoch == 0 for event in failed)
    finished = [event for event in events if isinstance(event, Finished)]
    assert {key for event in finished for key in event.keys} == {run.key for run in runs("none")}
    again = list(make(setup, MemoryCheckpoints()).run(jobs[:1]))
    assert {key for event in again if isinstance(event, Finished) for key in event.keys} == {
        run.key for run in runs("after")
    }


def test_fit_trains_on_a_cluster_as_it_does_here(cluster):
    # Of this module, which the other processes do not import: the function crosses as it is.
    callbacks = Callbacks.of(lambda seed: [keras.callbacks.EarlyStopping("loss", patience=seed)])
    engine = Engine("fit", "callbacks act", callbacks=callbacks)
    setup = made(keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Dense(1)]), engine)
    jobs, found = [job("none", own=runs("none")[:2])], []
    for make in (LocalExecutor, lambda *given: RayExecutor(*given, cluster.address)):
        checkpoints = MemoryCheckpoints()
        events = list(make(setup, checkpoints).run(jobs))
        ended = {
            event.runs[0].key: event.ended_at for event in events if isinstance(event, Segment)
        }
        assert checkpoints.names() == {origin.checkpoint for origin in states_of(events).values()}
        found.append((curves_of(events), ended))
    assert found[0] == found[1]
    assert len(found[0][0]) == 2


def test_other_releases_on_a_machine_are_refused_before_anything_trains(setup, cluster):
    executor = RayExecutor(setup, MemoryCheckpoints(), cluster.address)
    executor._crossing.versions["keras"] = "3.0.0"
    with pytest.raises(ExecutorError, match=r"keras is .* and 3\.0\.0 where the study runs"):
        executor.run([job("none")])


def test_a_study_begun_on_a_cluster_is_continued_here(cluster, tmp_path):
    def interrupt(progress):
        if progress.stage == "training" and progress.epoch == 8:
            raise KeyboardInterrupt

    study = Study("circles", "circles", variants=["none"], seeds=3, epochs=20)
    on_cluster = {"executor": "ray", "ray_address": cluster.address, "devices": 1}
    with pytest.raises(StudyIncomplete, match="interrupted"):
        study.run(tmp_path / "both", interrupt, **on_cluster)
    both = study.run(tmp_path / "both", devices=1)
    here = study.run(devices=1)
    assert [one.curves for one in both.records] == [one.curves for one in here.records]
    written = (tmp_path / "both" / "spec.toml").read_text()
    written += (tmp_path / "both" / "journal.jsonl").read_text()
    assert "executor" not in written
    assert cluster.address not in written


def killed(cluster, variant):
    """Whether a machine was killed on which that variant trains; not the one that we are part of."""
    for node in cluster.worker_nodes:
        [raylet] = node.all_processes["raylet"]
        workers = psutil.Process(raylet.process.pid).children()
        if any(f"of '{variant}'" in " ".join(one.cmdline()) for one in workers):
            for one in workers:
                one.kill()
            cluster.remove_node(node, allow_graceful=False)
            return True
    return False


def test_a_machine_that_dies_costs_nothing_but_time(cluster, setup, expected, monkeypatch, caplog):
    """Ten seconds: processes of Ray's start, are killed, and start again."""
    monkeypatch.setattr(attempts, "BACKOFF", 0.1)
    executor = RayExecutor(setup, MemoryCheckpoints(), cluster.address)
    events, is_killed = [], ""
    for event in executor.run([job("none"), job("after"), job("before")]):
        events.append(event)
        # Of ten segments the job is a few ahead of this one, at most.
        if isinstance(event, Checkpointed) and event.epoch == 4 and not is_killed:
            variant = event.keys[0].variant
            is_killed = variant if killed(cluster, variant) else ""
    assert is_killed
    assert curves_of(events) == expected
    assert not any(isinstance(event, Failed) for event in events)
    # The others were not disturbed; it went on from where its newest state was.
    [words] = caplog.messages
    assert words.startswith(f"Lost, and tried again: 4 runs of '{is_killed}', epochs ")
    assert "epochs 1 to" not in words
