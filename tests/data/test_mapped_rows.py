"""Arrays on disk stay there: what is chosen, changed or looked at is read as it is needed."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from normwise.data import array_file, find_dataset, from_arrays
from normwise.data.mapped_rows import (
    MappedRows,
    as_it_lies,
    changed,
    chosen,
    held,
    is_on_disk,
    pieces,
    read_rows,
)
from normwise.data.pixels import scaled
from normwise.errors import DataError

DRAW = np.random.default_rng(0)
X = DRAW.integers(0, 256, (50, 4, 3), dtype=np.uint8)
Y = np.arange(50) % 2


@pytest.fixture
def on_disk(tmp_path):
    """The array as it is mapped from a file."""

    def make(array, mode="r"):
        np.save(tmp_path / "a.npy", array)
        return np.load(tmp_path / "a.npy", mmap_mode=mode)

    return make


def test_rows_are_those_of_an_array_in_memory(on_disk):
    numbers = np.array([7, 0, 49, 3])
    rows = chosen(on_disk(X), numbers)
    assert isinstance(rows, MappedRows)
    assert (rows.shape, rows.ndim, rows.size, rows.nbytes) == ((4, 4, 3), 3, 48, 48)
    for index in (slice(None), slice(1, 3), np.array([3, 0]), 2, slice(9, 9)):
        np.testing.assert_array_equal(rows[index], X[numbers][index])
    np.testing.assert_array_equal(rows.rows(np.array([2, 1]))[:], X[[49, 0]])
    np.testing.assert_array_equal(held(rows), X[numbers])


def test_a_change_is_made_when_rows_are_read(on_disk):
    rows = changed(changed(on_disk(X), lambda a: a.astype("f4")), lambda a: a / 2)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(chosen(rows, np.array([4, 1]))[:], X[[4, 1]].astype("f4") / 2)
    np.testing.assert_array_equal(changed(X, np.negative), np.negative(X))


def test_what_lies_on_disk_is_known_through_views(on_disk):
    array = on_disk(X)
    assert all(map(is_on_disk, (array, array[3:], np.asarray(array), np.asarray(array)[:, 1])))
    assert not any(map(is_on_disk, (X, np.array(array), array[[1, 2]], [1])))


def test_memory_is_given_back_but_what_was_written_in_memory_alone_is_kept(on_disk):
    changing = on_disk(X, "c")
    changing[0] = 200
    assert [piece.sum() for piece in pieces(changing)] == [int(changing.sum())]
    assert (changing[0] == 200).all()
    assert (read_rows(changing, slice(0, 2))[0] == 200).all()


def resident(array):
    """Bytes of the mapping that count as memory of this process."""
    start = array.ctypes.data
    sizes, inside = 0, False
    for line in Path("/proc/self/smaps").read_text("utf-8").splitlines():
        first = line.split()[0]
        if "-" in first and not first.endswith(":"):
            low, high = (int(part, 16) for part in first.split("-"))
            inside = low <= start < high
        elif inside and first == "Rss:":
            sizes += 1024 * int(line.split()[1])
    return sizes


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="no such advice on this system")
def test_nothing_of_a_large_array_stays_in_memory(on_disk):
    array = on_disk(DRAW.integers(0, 256, (6000, 100, 50), dtype=np.uint8))  # 30 MB
    y = np.arange(6000) % 3
    data = from_arrays(array, y)
    assert len(data.fingerprint) == 16
    read_rows(data.train, slice(0, 500))
    assert resident(array) < 2**20
    array.sum(dtype=np.int64)
    assert resident(array) > 25 * 2**20  # as a plain look leaves it


@pytest.mark.parametrize("kind", ["u1", "f4", "f8", "f2", "?", "i8"])
def test_a_split_leaves_them_on_disk_and_is_that_of_arrays_in_memory(on_disk, kind):
    x = X.astype(kind)
    ours, wanted = from_arrays(on_disk(x), Y), from_arrays(x, Y)
    assert {type(ours.x_train), type(ours.x_val)} == {MappedRows}
    assert ours.fingerprint == wanted.fingerprint
    for part in ("x_train", "x_val", "y_train"):
        np.testing.assert_array_equal(getattr(ours, part)[:], getattr(wanted, part))
        assert getattr(ours, part).dtype == getattr(wanted, part).dtype
    assert ours.notes == wanted.notes


def test_structures_and_labels_of_any_form_do_too(on_disk):
    mask = (X > 100).astype("i4")
    ours = from_arrays([on_disk(X), np.arange(50.0)[:, None]], mask)
    wanted = from_arrays([X, np.arange(50.0)[:, None]], mask)
    assert isinstance(ours.x_train[0], MappedRows)
    assert not is_on_disk(ours.x_train[1])
    assert ours.fingerprint == wanted.fingerprint


def test_bytes_of_pictures_are_scaled_when_they_are_read(on_disk):
    ours, wanted = scaled(from_arrays(on_disk(X), Y)), scaled(from_arrays(X, Y))
    assert isinstance(ours.x_train, MappedRows)
    np.testing.assert_array_equal(ours.x_train[:], wanted.x_train)
    assert ours.notes == wanted.notes


def test_the_order_in_which_rows_lie(on_disk):
    data = from_arrays(on_disk(X), Y)
    lying = as_it_lies(data.train)
    assert (np.diff(lying.x.numbers) > 0).all()
    np.testing.assert_array_equal(lying.y, Y[lying.x.numbers][:, None])
    in_memory = from_arrays(X, Y).train
    assert as_it_lies(in_memory) is in_memory


def test_what_is_wrong_on_disk_is_found_with_its_place(on_disk):
    bad = X.astype("f8")
    bad[33, 2, 1] = np.nan
    with pytest.raises(DataError, match=r"1 NaN or infinite values in x \(first in row 33\)"):
        from_arrays(on_disk(bad), Y)
    large = X.astype("i8")
    large[12, 0, 0] = 2**40
    with pytest.raises(DataError, match="1099511627776, which 32 bits do not"):
        from_arrays(on_disk(large), Y)


def test_a_file_that_ends_too_early_is_no_array(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(array_file, "LARGE_BYTES", 100)
    np.save("x.npy", X)
    np.save("y.npy", Y)
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole[:-50])
    with pytest.raises(DataError, match=r"cannot read 'x.npy' \(.*expected an array of numbers"):
        find_dataset("x.npy", labels="y.npy")
