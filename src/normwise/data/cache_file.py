"""Arrays that are too large to be made in memory: in files of the cache folder, mapped."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from normwise.errors import DataError
from normwise.files import CACHE_VARIABLE, cache_folder, halves_in, is_running, replacing

__all__ = ["GrowingArray", "kept_array"]

Array = NDArray[Any]
# Of the room that a disk has, one file may take this much.
SHARE = 0.8


def kept_array(
    facts: Sequence[object],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    fill: Callable[[Array], None],
) -> Array:
    """An array in a file of the cache folder, which is made once.

    Args:
        facts: Tell it from others; any plain values.
        shape: Its shape.
        dtype: Its type.
        fill: Writes its values, where there is no such file yet.

    Raises:
        DataError: The cache folder cannot be written, or has no room.
    """
    text = json.dumps([*facts, shape, str(dtype)], default=str)
    path = cache_folder() / "arrays" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npy"
    if (kept := _kept(path, shape, dtype)) is not None:
        return kept
    with _room(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_halves(path.parent)
    with replacing(path) as beside:
        with _room(path.parent):
            _check_room(path.parent, dtype.itemsize * math.prod(shape))
            array = open_memmap(beside, "w+", dtype, shape)
            _reserve(beside)
        fill(array)
        array.flush()
    made: Array = np.load(path, mmap_mode="r")
    return made


def _kept(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
    """The array of a file that is there; ``None`` where there is none, or it is damaged."""
    try:
        array: Array = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return array if (array.shape, array.dtype) == (shape, dtype) else None


def _drop_halves(folder: Path) -> None:
    """Give back the room of files that were not finished, as their processes were killed."""
    for half in halves_in(folder):
        if not is_running(half.process):
            half.path.unlink(missing_ok=True)


class GrowingArray:
    """An array of which nobody knows how long it becomes: in memory, and from a size on in a file.

    The file has no name, and goes with the array.

    Args:
        most: Bytes that are held in memory.

    Attributes:
        nbytes: Bytes that there are.

    >>> array = GrowingArray(most=100)
    >>> array.add(np.zeros((2, 3))), array.add(np.ones((1, 3)))
    (None, None)
    >>> array.whole().shape
    (3, 3)
    """

    def __init__(self, most: float) -> None:
        self._most, self.nbytes, self._rows = most, 0, 0
        self._parts: list[Array] = []
        self._like: Array | None = None
        self._file: IO[bytes] | None = None

    def add(self, part: Array) -> None:
        """Append rows.

        Raises:
            ValueError: They have another shape than those before, or these are in a file and it
                does not take their type.
            DataError: The cache folder cannot be written, or has no room.
        """
        self._like = part[:0] if self._like is None else self._like
        if part.shape[1:] != self._like.shape[1:]:
            raise ValueError(f"examples of shape {part.shape[1:]} behind {self._like.shape[1:]}")
        self._parts.append(part)
        self._rows, self.nbytes = self._rows + len(part), self.nbytes + part.nbytes
        if self.nbytes > self._most:
            self._write(self._like)

    def whole(self) -> Array:
        """All rows, those in a file mapped.

        Raises:
            ValueError: There are none.
        """
        if self._file is None or self._like is None:
            return np.concatenate(self._parts)
        file: Any = self._file  # by its number: it has no name that could be opened
        return np.memmap(file, self._like.dtype, "r", shape=(self._rows, *self._like.shape[1:]))

    def _write(self, like: Array) -> None:
        folder = cache_folder()
        with _room(folder):
            if self._file is None:
                folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it stays open)
                weakref.finalize(self, self._file.close)
            _check_room(folder, self.nbytes, self._file.tell())
            for part in self._parts:
                are_floats = part.dtype.kind == like.dtype.kind == "f"
                if not (are_floats or np.can_cast(part.dtype, like.dtype)):
                    raise ValueError(f"values of type {part.dtype} behind {like.dtype}")
                self._file.write(np.ascontiguousarray(part, like.dtype).data)
            self._file.flush()
        self._parts = []


def _check_room(folder: Path, size: int, taken: int = 0) -> None:
    """Ask for room before it is taken: a disk that is full for a moment harms others.

    Args:
        folder: Where the file lies.
        size: Bytes that it is to have.
        taken: Those that it has already.
    """
    free = shutil.disk_usage(folder).free
    if size > SHARE * (free + taken):
        raise OSError(errno.ENOSPC, f"{size / 1e9:,.0f} GB, and {free / 1e9:,.0f} GB are free")


def _reserve(path: Path) -> None:
    """Take a file's room on the disk: for lack of it, the system would later end the process."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say so where the cache folder does not take what is written in this block."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"data that are too large for memory cannot be written to {str(folder)!r} "
            f"({error.strerror or error}); expected room for them there; set {CACHE_VARIABLE} to a "
            f"folder that has it, or give fewer or smaller examples"
        ) from error
