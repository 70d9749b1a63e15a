"""Arrays that lie on disk: which those are, and some of their rows as an array of their own.

What was read of a mapping counts as memory of the process until it is given back, though the system
could have it at any time: who goes through such an array releases what is behind.
"""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from normwise.data.aligned import aligned_empty
from normwise.data.nested import Arrays, leaves, mapped

__all__ = [
    "MappedRows",
    "as_it_lies",
    "changed",
    "chosen",
    "held",
    "is_on_disk",
    "looked_at",
    "piece_length",
    "pieces",
    "read_rows",
    "release",
    "was_looked_at",
]

Array = NDArray[Any]
# A look at all values takes this much memory at once, whatever the size of the array.
PIECE_BYTES = 2**24
# Where a row is read, as much around it may become memory of the process, too: a large page.
AROUND_BYTES = 2**21

_LOOKED_AT: WeakValueDictionary[int, Any] = WeakValueDictionary()


class MappedRows:
    """Rows of an array on disk, read when they are asked for, by numbers or a slice.

    Args:
        array: All of it, mapped, examples first.
        numbers: Which rows these are; all of them unless given.
        change: What is made of values as they are read, each by itself; nothing unless given.

    Attributes:
        dtype: Of the values that are read.

    >>> some = MappedRows(np.arange(12).reshape(6, 2), np.array([4, 1, 0]))
    >>> some.shape, some[1:].tolist()
    ((3, 2), [[2, 3], [0, 1]])
    """

    def __init__(
        self,
        array: Array,
        numbers: Array | None = None,
        change: Callable[[Array], Array] | None = None,
    ) -> None:
        self._array, self._change = array, change
        self.numbers = np.arange(len(array)) if numbers is None else numbers
        self.dtype = self[:0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array in memory."""
        return (len(self.numbers), *self._array.shape[1:])

    @property
    def ndim(self) -> int:
        """As of an array in memory."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """As of an array in memory."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """As of an array in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> Array:
        """Values in memory."""
        found = _read(self._array, self.numbers[index])
        return found if self._change is None else self._change(found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype)

    def rows(self, numbers: Any) -> MappedRows:
        """Some of these rows, still on disk."""
        return MappedRows(self._array, self.numbers[numbers], self._change)

    def changed(self, change: Callable[[Array], Array]) -> MappedRows:
        """The same rows, and what is made of their values."""
        before = self._change
        both = change if before is None else lambda values: change(before(values))
        return MappedRows(self._array, self.numbers, both)


def is_on_disk(array: Any) -> bool:
    """Whether it is mapped from a file rather than in memory."""
    return isinstance(array, MappedRows) or _mapping(array) is not None


def chosen(x: Arrays, numbers: Any) -> Arrays:
    """Some examples of each array, by their numbers or a slice; of what is on disk nothing is read.

    >>> chosen([np.arange(4)], np.array([3, 1]))
    [array([3, 1])]
    """

    def of_one(array: Any) -> Any:
        if not is_on_disk(array):
            return array[numbers]
        some = (array if isinstance(array, MappedRows) else MappedRows(array)).rows(numbers)
        if was_looked_at(array):
            looked_at(some)
        return some

    return mapped(of_one, x)


def changed(array: Any, change: Callable[[Array], Array]) -> Any:
    """What a function makes of each value; of what is on disk, when it is read."""
    if isinstance(array, MappedRows):
        return array.changed(change)
    return MappedRows(array, change=change) if is_on_disk(array) else change(array)


def as_it_lies(x: Arrays) -> Arrays:
    """The same examples from the beginning of what lies on disk to its end, if rows are chosen."""
    lying = [array for array in leaves(x) if isinstance(array, MappedRows)]
    return chosen(x, np.argsort(lying[0].numbers, kind="stable")) if lying else x


def held(x: Arrays) -> Arrays:
    """The same arrays, with rows that were chosen of those on disk in memory."""
    return mapped(lambda one: np.asarray(one) if isinstance(one, MappedRows) else one, x)


def piece_length(x: Arrays) -> int:
    """How many examples take a few megabytes, all arrays together.

    >>> piece_length({"a": np.zeros((5, 2**20)), "b": np.zeros(5)})
    1
    """
    examples, size = len(leaves(x)[0]), sum(int(one.nbytes) for one in leaves(x))
    return max(1, PIECE_BYTES * examples // max(1, size))


def pieces(array: Any) -> Iterator[Array]:
    """Rows of an array, a few megabytes at a time."""
    rows = piece_length(array)
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
        release(array)


def looked_at(array: Any) -> None:
    """Remember that all values are fine: to look again at what is on disk is to read it again."""
    if is_on_disk(array):
        _LOOKED_AT[id(array)] = array


def was_looked_at(array: Any) -> bool:
    """Whether all values are known to be fine."""
    return _LOOKED_AT.get(id(array)) is array


def read_rows(x: Arrays, index: Any) -> Arrays:
    """Some examples of each array, in memory."""

    def of_one(array: Any) -> Any:
        if isinstance(array, MappedRows) or not is_on_disk(array):
            return array[index]
        is_slice = isinstance(index, slice)
        return _read(array, np.arange(*index.indices(len(array))) if is_slice else index)

    return mapped(of_one, x)


def release(array: Any) -> None:
    """Give back the memory that was taken by what was read of an array on disk."""
    mapping = _mapping(array)
    # Of a copy on write, changes live in that memory alone.
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED") and not _is_copy_on_write(array):
        mapping.madvise(mmap.MADV_DONTNEED)


def _read(array: Array, numbers: Any) -> Array:
    """Rows of an array on disk, of which little is memory of the process at any time."""
    if not np.ndim(numbers):
        return np.array(array[numbers])
    found = aligned_empty((len(numbers), *array.shape[1:]), array.dtype)
    is_next = np.diff(numbers, prepend=-2) == 1
    taken = np.cumsum(found[:1].nbytes + np.where(is_next, 0, AROUND_BYTES))
    cuts = np.flatnonzero(np.diff(taken // PIECE_BYTES)) + 1
    for first, last in itertools.pairwise([0, *cuts.tolist(), len(numbers)]):
        np.take(array, numbers[first:last], axis=0, out=found[first:last], mode="clip")
        release(array)
    return found


def _mapping(array: Any) -> mmap.mmap | None:
    """The file behind an array; ``None`` where there is none."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None


def _is_copy_on_write(array: Any) -> bool:
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return array.mode == "c"
        array = array.base
    return False
