"""Arrays that do not fit memory are written into files, whole or not at all, and mapped."""

import errno
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from normwise.data import cache_file
from normwise.data.cache_file import GrowingArray, kept_array
from normwise.data.mapped_rows import is_on_disk
from normwise.errors import DataError

PARTS = [np.arange(12, dtype="f4").reshape(4, 3), np.zeros((0, 3), "f4"), np.ones((5, 3), "f4")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("most", [0, 50, 100, 1000])
def test_an_array_grows_in_memory_or_in_a_file(cache, most):
    array = GrowingArray(most)
    for part in PARTS:
        array.add(part)
    whole = array.whole()
    np.testing.assert_array_equal(whole, np.concatenate(PARTS))
    assert array.nbytes == whole.nbytes == 108
    assert is_on_disk(whole) == (most < 108)
    del array
    np.testing.assert_array_equal(whole, np.concatenate(PARTS))
    assert not cache.exists() or not list(cache.iterdir())  # no name is left behind


@pytest.mark.parametrize("most", [0, 1000])
def test_another_shape_is_refused_at_once(most):
    array = GrowingArray(most)
    array.add(PARTS[0])
    with pytest.raises(ValueError, match=r"examples of shape \(4,\) behind \(3,\)"):
        array.add(np.ones((2, 4), "f4"))


@pytest.mark.parametrize("kind", ["f8", "f2", "?", "u1"])
def test_a_file_takes_other_types_that_fit(kind):
    in_memory, in_file = GrowingArray(1000), GrowingArray(0)
    for part in (PARTS[0], np.ones((2, 3), kind)):
        in_memory.add(part)
        in_file.add(part)
    np.testing.assert_array_equal(in_file.whole(), in_memory.whole())


def test_a_file_takes_no_type_that_would_lose_numbers():
    array = GrowingArray(0)
    array.add(np.ones((2, 3), "i4"))
    with pytest.raises(ValueError, match="values of type int64 behind int32"):
        array.add(np.ones((2, 3), "i8"))


def filled(array):
    array[:] = np.arange(6).reshape(3, 2)


def test_an_array_is_made_once(cache):
    first = kept_array(["a", 1], (3, 2), np.dtype("f4"), filled)
    again = kept_array(["a", 1], (3, 2), np.dtype("f4"), pytest.fail)
    np.testing.assert_array_equal(first, np.arange(6).reshape(3, 2))
    np.testing.assert_array_equal(again, first)
    assert is_on_disk(again)
    other = kept_array(["a", 2], (3, 2), np.dtype("f4"), lambda _: None)
    assert not other.any()
    assert len(list((cache / "arrays").iterdir())) == 2


def test_one_that_fails_leaves_nothing(cache):
    def fails(array):
        array[0] = 1
        raise DataError("a picture is broken")

    with pytest.raises(DataError, match="broken"):
        kept_array(["a"], (3, 2), np.dtype("f4"), fails)
    assert list((cache / "arrays").iterdir()) == []
    kept_array(["a"], (3, 2), np.dtype("f4"), filled)


@pytest.mark.parametrize("left", [b"", b"half", slice(100), slice(-4)])
def test_a_file_that_is_damaged_is_made_again(cache, left):
    kept_array(["a"], (3, 2), np.dtype("f4"), filled)
    [path] = (cache / "arrays").iterdir()
    path.write_bytes(path.read_bytes()[left] if isinstance(left, slice) else left)
    again = kept_array(["a"], (3, 2), np.dtype("f4"), filled)
    np.testing.assert_array_equal(again, np.arange(6).reshape(3, 2))


def test_what_a_killed_process_left_is_cleared_away(cache, monkeypatch):
    halves = [cache / "arrays" / f".{'0' * 16}.{process}.npy" for process in (10, 20)]
    halves[0].parent.mkdir(parents=True)
    for half in halves:
        half.touch()
    monkeypatch.setattr(cache_file, "is_running", lambda process: process == 20)
    kept_array(["a"], (3, 2), np.dtype("f4"), filled)
    assert [half.exists() for half in halves] == [False, True]


def test_a_cache_folder_that_cannot_be_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="set NORMWISE_CACHE to a folder that has it"):
        kept_array(["a"], (3, 2), np.dtype("f4"), filled)


def test_a_full_disk_is_said_before_anything_is_written(cache, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    said = (
        r"cannot be written to '.*' \(No space left on device\); .* set NORMWISE_CACHE to a folder"
    )
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=said):
        kept_array(["a"], (3, 2), np.dtype("f4"), filled)
    assert list((cache / "arrays").iterdir()) == []
    monkeypatch.setattr(cache_file.tempfile, "TemporaryFile", full)
    with pytest.raises(DataError, match=said):
        GrowingArray(0).add(PARTS[0])


def test_no_room_is_taken_where_there_is_not_enough(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    taken = []
    monkeypatch.setattr(os, "posix_fallocate", lambda *_: taken.append(1), raising=False)
    with pytest.raises(DataError, match=r"cannot be written to .*; expected room for them there"):
        kept_array(["large"], (300,), np.dtype("f4"), taken.append)
    assert not taken
    assert len(kept_array(["small"], (100,), np.dtype("f4"), list)) == 100


def test_an_array_that_grows_takes_no_more_room_than_others_spare(monkeypatch):
    def free(_):
        taken = os.fstat(array._file.fileno()).st_size if array._file else 0
        return SimpleNamespace(free=1000 - taken)

    monkeypatch.setattr(shutil, "disk_usage", free)
    array = GrowingArray(0)
    for _ in range(8):
        array.add(np.zeros((25, 1), "f4"))
    with pytest.raises(DataError, match=r"cannot be written to .*; expected room for them there"):
        array.add(np.zeros((1, 1), "f4"))
