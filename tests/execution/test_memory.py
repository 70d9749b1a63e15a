"""Stacks that do not fit memory become narrower, before or while they train; curves stay."""

import logging
import os
import re
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from normwise.data import Dataset
from normwise.engine import Cohort, bytes_needed, memory, narrower, replica_mesh
from normwise.engine.devices import shareable
from normwise.errors import ModelError
from normwise.execution import Failed, Finished, Segment, programs
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints
from normwise.execution.worker import Worker
from normwise.models.tracing import tracing
from tests.execution import test_worker
from tests.execution.test_worker import EPOCHS, RUNS, job, trained

MB = 2**20
setup = test_worker.setup


@pytest.fixture(scope="module")
def undisturbed(setup):
    return trained(setup, job())


def cohort_of(width, devices, **arrays):
    """One that is not compiled: of it, only sizes count."""
    rows = {"x_train": (100, 3), "y_train": (100, 1), "x_val": (50, 3), "y_val": (50, 1)}
    data = {name: shareable(np.zeros(shape, np.float32)) for name, shape in rows.items()}
    mesh = replica_mesh(devices)
    return Cohort(None, None, Dataset("rows", **data | arrays, task="regression"), 20, width, mesh)


def analysed(**sizes):
    """What a compiled program says of its memory, on one device."""
    parts = {"argument": 0, "output": 0, "temp": 0, "alias": 0, "generated_code": 0, **sizes}
    return SimpleNamespace(
        memory_analysis=lambda: SimpleNamespace(
            **{f"{name}_size_in_bytes": size for name, size in parts.items()}
        )
    )


DATA = 4 * (100 * 4 + 50 * 4)  # bytes of the arrays
ORDERS = 4 * 6 * 2 * 100  # of six replicas and the two epochs of a segment


def test_each_device_has_its_scratch_and_all_share_the_data_and_donated_state_counts_once():
    # On each of two devices: the data, a state of 1 MB that the output takes over, 3 kB of curves.
    own = analysed(argument=DATA + MB, output=MB + 3000, alias=MB, temp=7 * MB, generated_code=50)
    expected = 2 * (MB + 3000 + 50 + 7 * MB) + ORDERS + memory.BEGINNING
    assert bytes_needed(cohort_of(6, 2), own) == expected
    # Arrays that a device cannot use as they lie are copied, once for all devices.
    lying = shareable(np.zeros(401, np.float32))[1:].reshape(100, 4)[:, :3]
    assert bytes_needed(cohort_of(6, 2, x_train=lying), own) == expected + 4 * 300


def test_where_the_state_is_large_its_checkpoint_is_the_peak():
    own = analysed(argument=DATA + 9 * MB, output=9 * MB, alias=9 * MB, temp=MB)
    assert bytes_needed(cohort_of(6, 2), own) == 2 * 9 * MB + 2 * 2 * 9 * MB + memory.BEGINNING


def test_a_device_of_its_own_has_its_memory_to_itself(monkeypatch):
    own = analysed(argument=DATA + MB, output=MB, alias=MB, temp=7 * MB)
    monkeypatch.setattr(memory, "on_host", lambda _: False)
    assert bytes_needed(cohort_of(6, 2), own) == DATA + MB + 7 * MB + ORDERS // 2
    stats = [
        {"bytes_limit": 10 * MB, "bytes_in_use": 4 * MB},
        {"bytes_limit": 9, "bytes_in_use": 2},
    ]
    devices = np.array([SimpleNamespace(memory_stats=lambda one=one: one) for one in stats])
    assert memory.bytes_free(SimpleNamespace(devices=devices)) == 7


@pytest.mark.parametrize(
    ("devices", "each", "share", "expected"),
    [(2, 32, 0.5, (2, 16)), (2, 3, 0.99, (2, 2)), (2, 8, 0.01, (2, 1)), (2, 1, 0.9, (1, 1))],
)
def test_fewer_train_side_by_side_and_then_on_fewer_devices(devices, each, share, expected):
    found = narrower(cohort_of(devices * each, devices), share)
    assert (found.mesh.size, found.width // found.mesh.size) == expected


FILES = {
    "/proc/self/cgroup": "5:cpu:/\n4:cpuset,memory:/job/7\n0::/user/me",
    "/sys/fs/cgroup/memory/job/7/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/memory/job/7/memory.usage_in_bytes": "1000\n",
    "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "8000000\n",
    "/sys/fs/cgroup/memory/job/memory.usage_in_bytes": "5000000\n",
    "/sys/fs/cgroup/memory/job/memory.stat": "cache 9\ninactive_file 1\ntotal_inactive_file 1500000",
}
UNIFIED = {
    "/sys/fs/cgroup/user/me/memory.max": "max\n",
    "/sys/fs/cgroup/user/memory.max": "2000000\n",
    "/sys/fs/cgroup/user/memory.current": "1900000\n",
    "/sys/fs/cgroup/user/memory.stat": "anon 3\ninactive_file 400000\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FILES, 4_500_000),
        (FILES | UNIFIED, 500_000),
        ({"/proc/self/cgroup": "0::/", "/sys/fs/cgroup/memory.max": "70000",
          "/sys/fs/cgroup/memory.current": "80000"}, 0),
    ],
)  # fmt: skip
def test_what_a_container_may_use_is_what_is_free(files, expected, monkeypatch):
    monkeypatch.setattr(memory, "_text", lambda path: files.get(str(path), ""))
    assert memory.bytes_free(replica_mesh()) == expected


def test_without_limits_the_system_says_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "_text", lambda _: "")
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=321))
    assert memory.bytes_free(replica_mesh()) == 321


def narrow(monkeypatch, most):
    """As if a replica took 1 MB, and there were memory for so many."""
    monkeypatch.setattr(programs, "bytes_needed", lambda cohort, _: cohort.width * MB)
    monkeypatch.setattr(programs, "bytes_usable", lambda _: most * MB)


def stacks(events):
    return [len(event.keys) for event in events if isinstance(event, Finished)]


@pytest.mark.parametrize(("most", "expected"), [(5, [4, 2]), (3, [2, 2, 2]), (1, [1] * 6)])
def test_what_does_not_fit_trains_in_smaller_stacks_and_says_so(
    setup, undisturbed, most, expected, monkeypatch, caplog
):  # fmt: skip
    narrow(monkeypatch, most)
    with caplog.at_level(logging.INFO, "normwise"):
        events, curves = trained(setup, job())
    assert stacks(undisturbed[0]) == [6]
    assert stacks(events) == expected
    for key, values in undisturbed[1].items():
        np.testing.assert_allclose(curves[key], values, rtol=1e-5)
    [warning] = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "6 runs side by side would take about 6.3 MB" in warning
    assert "variant 'after', batches of 8" in warning
    said = [one.getMessage() for one in caplog.records if one.levelno == logging.INFO]
    assert any("side by side, about" in one for one in said)


def test_what_fits_says_how_much_it_takes_and_warns_of_nothing(setup, caplog):
    with caplog.at_level(logging.INFO, "normwise"):
        list(Worker(setup, MemoryCheckpoints()).prepare([job()]))
    [said] = [one for one in caplog.records if "side by side, about" in one.getMessage()]
    assert said.levelno == logging.INFO


def test_a_run_that_does_not_fit_alone_is_refused_before_it_trains(setup, monkeypatch):
    narrow(monkeypatch, 0.5)
    said = r"one run alone would take about 1 MB.*try --batch-size 4, fewer examples"
    with pytest.raises(ModelError, match=said):
        list(Worker(setup, MemoryCheckpoints()).run(job()))


def exhausted(size=1):
    return jax.errors.JaxRuntimeError(f"RESOURCE_EXHAUSTED: Out of memory allocating {size} bytes.")


@pytest.fixture
def exhausting(monkeypatch):
    """Programs that raise at their n-th call where more than so many train side by side."""

    def make(most, call, error):
        compile_one = Cohort.compile

        def compiling(cohort, lowered):
            compiled, calls = compile_one(cohort, lowered), []

            def run(*arguments):
                calls.append(1)
                if cohort.width > most and len(calls) == call:
                    raise error
                return compiled(*arguments)

            run.memory_analysis = compiled.memory_analysis
            return run

        monkeypatch.setattr(Cohort, "compile", compiling)

    return make


@pytest.mark.parametrize("error", [exhausted(), ValueError(str(exhausted())), MemoryError()])
@pytest.mark.parametrize("call", [1, 4, 10])
def test_out_of_memory_halves_the_stack_and_goes_on_from_its_checkpoint(
    setup, undisturbed, exhausting, tmp_path, caplog, call, error
):  # fmt: skip
    exhausting(3, call, error)
    checkpoints = FolderCheckpoints(tmp_path)
    events, curves = trained(setup, job(), checkpoints=checkpoints)
    # Six in a stack, then two at a time, from the last segment's end.
    assert stacks(events) == [2, 2, 2]
    for key, values in undisturbed[1].items():
        np.testing.assert_allclose(curves[key], values, rtol=1e-5)
    first, *rest = [event for event in events if isinstance(event, Segment)]
    assert len(first.runs) == (2 if call == 1 else 6)
    epochs = sum(len(one.runs) * (one.until - one.first) for one in (first, *rest))
    assert epochs == len(RUNS) * EPOCHS  # none was trained twice
    [warning] = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "ran out of memory with 6 runs side by side" in warning
    assert "2 train at a time" in warning


@pytest.mark.parametrize("error", [exhausted(), MemoryError()])
def test_memory_that_runs_out_while_a_model_is_traced_is_no_fault_of_the_model(error):
    with pytest.raises(type(error)), tracing(SimpleNamespace(name="m"), "training"):
        raise error


def test_without_a_folder_the_stack_begins_anew(setup, exhausting):
    exhausting(3, 4, exhausted())
    worker = Worker(setup, MemoryCheckpoints())
    segments = [event for event in worker.run(job()) if isinstance(event, Segment)]
    assert [one.first for one in segments[:4]] == [0, 2, 4, 0]
    assert [one.until for one in segments].count(EPOCHS) == 3


def test_one_run_at_a_time_that_runs_out_is_the_end(setup, exhausting):
    exhausting(0, 1, exhausted(99))
    events = list(Worker(setup, MemoryCheckpoints()).run(job()))
    [failed] = [event for event in events if isinstance(event, Failed)]
    assert failed.keys == (RUNS[0].key,)
    assert failed.why.endswith("Out of memory allocating 99 bytes.")
    assert stacks(events) == [1] * 5  # the others are tried nevertheless


def test_another_error_is_none_of_memory(setup, exhausting):
    exhausting(0, 1, jax.errors.JaxRuntimeError("INTERNAL: something else"))
    *_, failed = Worker(setup, MemoryCheckpoints()).run(job())
    assert isinstance(failed, Failed)
    assert failed.why == "JaxRuntimeError: INTERNAL: something else"


# A model of 6 MB trains 16 side by side, which takes 320 MB; then an address space ends after 250:
# of pieces of 96 MB two fit, and what is left is enough for everything small.
LIMITED = """
    import logging, resource, sys
    from pathlib import Path
    import keras, numpy as np, psutil
    from normwise.data import Dataset
    from normwise.domain import Condition, Run, RunKey, Variant
    from normwise.engine import configure, memory, replica_mesh
    from normwise.execution import Job, Segment, programs
    from normwise.execution.checkpoint import FolderCheckpoints
    from normwise.execution.setup import Setup
    from normwise.execution.worker import Worker
    from normwise.spec import Spec

    logging.basicConfig(format="%(levelname)s %(message)s")
    configure()

    def build():
        # Drawn, a kernel of this size would take longer than all that is trained.
        alike = keras.initializers.Constant(0.001)
        hidden = keras.layers.Dense(1500, activation="relu", kernel_initializer=alike)
        return keras.Sequential([keras.Input((1000,)), hidden, keras.layers.Dense(1)])

    x = np.random.default_rng(0).normal(size=(80, 1000)).astype("float32")
    data = Dataset("rows", x[:64], x[:64, :1], x[64:], x[64:, :1], "regression")
    spec = Spec.make({"model": "m", "data": "arrays", "variants": ("none",), "epochs": 4,
                      "seeds": 16, "batch_size": 32})
    setup = Setup.of(spec, build, data)
    condition = Condition(None, None, 32)
    runs = tuple(Run(RunKey("none", seed, "s"), condition) for seed in range(16))

    def trained():
        found, checkpoints = {}, FolderCheckpoints(Path(sys.argv[1]))
        for event in Worker(setup, checkpoints).run(Job(Variant(), 32, runs, 0, 4)):
            if isinstance(event, Segment):
                for run, values in zip(event.runs, event.curves["loss"]):
                    found[run, event.first] = float(values[0])
        return [found[run, epoch] for run in runs for epoch in range(4)]

    whole = trained()
    limit = psutil.Process().memory_info().vms + 250 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
    print("free", memory.bytes_free(replica_mesh()), file=sys.stderr)
    programs.bytes_usable = lambda _: 2**50
    np.testing.assert_allclose(trained(), whole, rtol=1e-4)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not enforce the limit")
def test_a_process_that_runs_out_of_memory_trains_in_smaller_stacks(tmp_path):
    """Ten seconds: layers wide enough to run out of memory take time to be kept and to train."""
    # A thread of XLA's that meets the limit itself ends the process, as no Python code can prevent.
    for attempt in range(3):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path / str(attempt))],
            # Or each new thread takes 64 MB of addresses, and the limit is one of addresses.
            env=os.environ | {"MALLOC_ARENA_MAX": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if "std::bad_alloc" not in done.stderr:
            break
    assert done.returncode == 0, done.stderr[-2000:]
    assert 200 * MB < int(re.search(r"free (\d+)", done.stderr)[1]) <= 250 * MB
    assert "ran out of memory with 16 runs side by side" in done.stderr
