"""An ``.npz`` archive of arrays; large ones are mapped, not read."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset
from normwise.data.given import Given
from normwise.data.plain_array import check_numbers
from normwise.domain import Task
from normwise.errors import DataError, listed

__all__ = ["from_npz", "given_in_npz"]

Array = NDArray[Any]
Pair: TypeAlias = tuple[str, str]
# From here on an array that lies uncompressed in its archive stays on the disk: pages come
# when they are used. Below it a copy is safer, since a file can change under a mapping.
LARGE_BYTES = 2**26
PARTS: tuple[Pair, ...] = (
    ("x_train", "y_train"),
    ("x_val", "y_val"),
    ("x_test", "y_test"),
    ("x", "y"),
)
# Of a member's header in a zip: the lengths of its name and its extra field follow.
ZIP_LENGTHS, ZIP_HEADER = 26, 30
WRITE = "write it with numpy.savez('data.npz', x_train=…, y_train=…)"


def from_npz(path: Path, task: Task | None = None) -> Dataset:
    """Read ``x_train`` and ``y_train`` (or ``x`` and ``y``) and what validates them.

    ``x_val`` and ``y_val`` validate; without them ``x_test`` and ``y_test`` do;
    without these a fifth is split off. Keys may be written in capitals.

    Args:
        path: The archive.
        task: What the labels ask for; inferred if ``None``.

    Raises:
        DataError: The file is no such archive, lacks a part of a pair, holds
            pickled objects, or the arrays cannot be trained on.
    """
    train, val, arrays, notes = _read(path, labelled=True)
    return from_arrays(
        *arrays.values(),
        name=path.name,
        task=task,
        keys=(*train, *(val or ("x_val", "y_val"))),
        notes=notes,
    )


def given_in_npz(path: Path) -> Given:
    """All rows as they are: nothing is split or encoded, and labels may be missing.

    Args:
        path: The archive, its keys as of :func:`from_npz`.

    Raises:
        DataError: The archive does not read, or holds no examples; any labels will do.
    """
    train, val, arrays, notes = _read(path, labelled=False)
    for key in (train[0], *(val or ())[:1]):
        check_numbers(f"data {path.name!r}: {key}", arrays[key])
    validation = (arrays[val[0]], arrays[val[1]]) if val else None
    return Given(arrays[train[0]], arrays.get(train[1]), validation=validation, notes=tuple(notes))


def _read(path: Path, *, labelled: bool) -> tuple[Pair, Pair | None, dict[str, Array], list[str]]:
    """The keys that train and that validate, their arrays, and notes."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            train, val = _parts(path, list(members), labelled=labelled)
            keys = [key for key in (*train, *(val or ())) if key in members]
            arrays = {key: _array(path, archive, members[key]) for key in keys}
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 (a broken archive raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({error}); expected a NumPy .npz archive without pickled "
            f"objects; {WRITE}"
        ) from None
    return train, val, arrays, _notes(members, train, val)


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's arrays by their names in small letters."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        key = member.filename.removesuffix(".npy").lower()
        if key in members:
            raise DataError(
                f"{str(path)!r} holds {key} twice ({members[key].filename}, {member.filename}); "
                f"expected each once, in capitals or not; {WRITE}"
            )
        members[key] = member
    return members


def _parts(path: Path, keys: list[str], *, labelled: bool) -> tuple[Pair, Pair | None]:
    """The pairs of keys that train and that validate; of the first the labels may be missing."""
    train, val, test, whole = (_pair(path, keys, pair, labelled=labelled) for pair in PARTS)
    if train is not None and whole is not None:
        raise DataError(f"{str(path)!r} holds both x_train and x; expected one of them; {WRITE}")
    known = train or whole
    if known is None:
        raise DataError(
            f"{str(path)!r} holds {listed(keys) or 'nothing'}; expected x_train and y_train, or x "
            f"and y; {WRITE}"
        )
    return known, val or test


def _pair(path: Path, keys: list[str], pair: Pair, *, labelled: bool) -> Pair | None:
    there = [key for key in pair if key in keys]
    if there == [pair[0]] and pair[0] in ("x_train", "x") and not labelled:
        return pair
    # A test part may lack its labels: nothing is trained on it.
    if len(there) == 1 and pair[0] != "x_test":
        lacks = pair[1] if there[0] == pair[0] else pair[0]
        raise DataError(
            f"{str(path)!r} holds {there[0]} without {lacks} (it holds {listed(keys)}); expected "
            f"both; {WRITE}"
        )
    return pair if len(there) == 2 else None


def _notes(members: Mapping[str, Any], train: Pair, val: Pair | None) -> list[str]:
    notes = []
    if val is not None:
        notes.append(f"{train[0]} trains, {val[0]} validates.")
    unused = [key for key in members if key not in {*train, *(val or ())}]
    if unused:
        notes.append(f"Not used: {listed(unused)}.")
    return notes


def _array(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as file:
        shape, fortran, dtype = _header(file)
    if dtype.hasobject:
        raise DataError(
            f"{member.filename.removesuffix('.npy')} in {str(path)!r} holds Python objects; "
            f"expected numbers, without pickled objects; convert it with "
            f"numpy.asarray(…, dtype='float32')"
        )
    if member.compress_type == zipfile.ZIP_STORED and member.file_size >= LARGE_BYTES:
        return np.memmap(
            path, dtype, "r", _start(path, member), shape, order="F" if fortran else "C"
        )
    with archive.open(member) as file:
        array: Array = npy.read_array(file, allow_pickle=False)
    return array


def _start(path: Path, member: zipfile.ZipInfo) -> int:
    """Where the values of an uncompressed member begin in the archive."""
    with path.open("rb") as file:
        file.seek(member.header_offset + ZIP_LENGTHS)
        name, extra = np.frombuffer(file.read(4), "<u2").tolist()
        file.seek(member.header_offset + ZIP_HEADER + name + extra)
        _header(file)
        return file.tell()


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype
