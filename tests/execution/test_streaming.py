"""Which data are streamed; a study of such data stops and goes on as any other."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import from_arrays
from normwise.data.mapped_rows import MappedRows
from normwise.engine import replica_mesh
from normwise.errors import ExecutorError
from normwise.execution import streaming
from normwise.execution.crossing import Crossing
from normwise.execution.setup import Setup
from normwise.execution.streaming import as_streamed, window_of
from normwise.spec import Spec
from tests.execution.test_worker import RUNS, SPEC

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(80, 3)).astype("float32")
Y = (X @ np.array([[1.0], [2.0], [-1.0]])).astype("float32")


@pytest.fixture
def on_disk(tmp_path):
    np.save(tmp_path / "x.npy", X)
    return from_arrays(np.load(tmp_path / "x.npy", mmap_mode="r"), Y)


@pytest.fixture
def memory(monkeypatch):
    """How much there is in all, and how large a window is meant to be, in bytes."""

    def has(in_all, window=200):
        monkeypatch.setattr(streaming, "bytes_in_all", lambda _: in_all)
        monkeypatch.setattr(streaming, "WINDOW_BYTES", window)

    return has


def build():
    return keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(1)]
    )


def of(**settings):
    return SPEC.model_copy(update=settings)


def decided(spec, data):
    return as_streamed(spec, data, replica_mesh())


def test_data_on_disk_are_streamed_where_they_take_more_than_a_quarter_of_memory(
    on_disk, memory, caplog
):
    size = X.nbytes
    memory(4 * size)
    spec, data = decided(of(), on_disk)
    assert spec.window is None
    assert type(data.x_train) is np.ndarray
    np.testing.assert_array_equal(data.x_train, on_disk.x_train[:])
    assert not caplog.records
    memory(4 * size - 4)
    spec, data = decided(of(), on_disk)
    assert spec.window == 200 // 16  # of three inputs and a label, 4 bytes each
    assert isinstance(data.x_train, MappedRows)
    assert (np.diff(data.x_train.numbers) > 0).all()
    said = "The data are streamed .*: 12 rows .* are in memory at a time, and shuffled there"
    assert re.search(said, data.notes[-1])
    assert re.search(f"{said}.*--window 0 has all of them in memory", caplog.text)


def test_a_window_is_as_was_asked(on_disk, memory):
    memory(1)
    assert decided(of(window=0), on_disk)[0].window == 0
    memory(2**40)
    spec, data = decided(of(window=20), on_disk)
    assert (spec.window, type(data.x_train)) == (20, MappedRows)


def test_data_in_memory_are_streamed_only_where_it_was_asked(memory):
    data = from_arrays(X, Y)
    memory(1)
    assert decided(of(), data)[0].window is None
    spec, streamed = decided(of(window=20), data)
    assert spec.window == 20
    np.testing.assert_array_equal(streamed.x_train, data.x_train)


def test_a_window_is_part_of_a_runs_key_and_nothing_else_changes_there(on_disk):
    in_memory = from_arrays(X, Y)
    plain, mapped, small, large = (
        Setup.of(of(window=window), build, data)
        for window, data in ((None, in_memory), (0, on_disk), (20, in_memory), (40, in_memory))
    )
    assert plain.fingerprint == mapped.fingerprint
    assert small.fingerprint == f"{plain.fingerprint}-window-20"
    assert large.fingerprint == f"{plain.fingerprint}-window-40"
    keys = {setup.spec.setting("f", RUNS[0].condition) for setup in (plain, small)}
    assert len(keys) == 1  # what it comes to stands in the fingerprint
    assert (
        Spec.make({"data": "circles", "window": 20}).identity
        != Spec.make({"data": "circles"}).identity
    )
    assert [window_of(one.spec, 8) for one in (plain, mapped, small)] == [None, None, 16]
    assert Spec.make({"data": "circles", "window": 10**9}).window == 10**9  # of narrow rows


def test_what_is_streamed_from_disk_does_not_cross_to_other_processes(on_disk):
    setup = Setup.of(of(window=20), build, on_disk)
    with pytest.raises(ExecutorError, match=r"streamed from a file of this machine.*--window 0"):
        Crossing.of(setup)
