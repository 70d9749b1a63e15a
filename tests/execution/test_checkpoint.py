"""A state comes back as it was, whole or not at all."""

import ml_dtypes
import numpy as np
import pytest

from normwise.engine import State
from normwise.errors import StoreError
from normwise.execution.checkpoint import FolderCheckpoints, MemoryCheckpoints, joined_rows

DRAW = np.random.default_rng(0)


def state(rows=3):
    """Every kind of array that a network holds, one of them not in order in memory."""
    trainable = [
        DRAW.normal(size=(4, rows)).astype("float32").T,
        DRAW.normal(size=(rows, 2)).astype("float16"),
        DRAW.normal(size=(rows, 2)).astype(ml_dtypes.bfloat16),
        DRAW.normal(size=rows),
    ]
    seeds = [DRAW.integers(0, 2**32, (rows, 2), "uint32"), np.zeros((rows, 0), "float32")]
    return State(trainable, seeds, [np.arange(rows, dtype="int64")], np.arange(rows) % 2 == 0)


@pytest.fixture(params=["memory", "folder"])
def checkpoints(request, tmp_path):
    return MemoryCheckpoints() if request.param == "memory" else FolderCheckpoints(tmp_path / "c")


def test_a_state_comes_back_bit_for_bit(checkpoints):
    assert checkpoints.names() == set()
    whole = state()
    checkpoints.save("a", whole)
    found = checkpoints.load("a")
    for part in ("trainable", "non_trainable", "optimizer"):
        for ours, theirs in zip(getattr(found, part), getattr(whole, part), strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found.alive, whole.alive)
    assert checkpoints.names() == {"a"}


def test_what_is_not_there_is_not_found(checkpoints):
    checkpoints.save("a", state())
    checkpoints.save("b", state())
    checkpoints.drop(["a", "never"])
    assert checkpoints.names() == {"b"}
    assert checkpoints.load("a") is None


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\xff" * 7])
def test_a_file_that_a_disk_lost_is_not_found(tmp_path, content):
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.save("a", state())
    [file] = tmp_path.iterdir()
    file.write_bytes(content)
    assert checkpoints.load("a") is None
    # A kill while writing leaves a half beside it.
    (tmp_path / ".a.123.safetensors").write_bytes(content)
    assert checkpoints.names() == set()
    checkpoints.save("a", state())
    assert checkpoints.names() == {"a"}


def test_a_save_that_fails_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoints = FolderCheckpoints(tmp_path)
    checkpoints.save("a", state(rows=2))

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(StoreError, match="no space left"):
        checkpoints.save("a", state(rows=5))
    assert len(checkpoints.load("a").alive) == 2


def test_rows_of_several_states_make_one():
    one, other = state(), state()
    joined = joined_rows([(one, 2), (other, 0)])
    np.testing.assert_array_equal(joined.trainable[0], [one.trainable[0][2], other.trainable[0][0]])
    np.testing.assert_array_equal(joined.alive, [True, True])


def test_who_may_read_the_folder_may_go_on_from_it(tmp_path):
    (tmp_path / "plain").touch()
    FolderCheckpoints(tmp_path).save("one", state())
    one = tmp_path / "one.safetensors"
    assert one.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_study_that_was_deleted_does_not_come_back_by_a_state(tmp_path):
    with pytest.raises(StoreError, match=r"cannot write .*checkpoints"):
        FolderCheckpoints(tmp_path / "study" / "checkpoints").save("one", state())
    assert not (tmp_path / "study").exists()
