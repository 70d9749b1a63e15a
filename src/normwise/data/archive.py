"""An ``.npz`` archive of arrays; large ones are mapped, not read."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from normwise.data.archive_keys import AskNames, Names, Roles, no_names, roles_of
from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset
from normwise.data.given import Given
from normwise.data.nested import is_nested, leaves, mapped
from normwise.data.plain_array import check_numbers
from normwise.domain import Task
from normwise.errors import DataError, NormwiseError, listed

__all__ = ["from_npz", "given_in_npz"]

Array = NDArray[Any]
# From here on an array that lies uncompressed in its archive stays on the disk: pages come
# when they are used. Below it a copy is safer, since a file can change under a mapping.
LARGE_BYTES = 2**26
ROLES = ("x", "y", "weights")
PARTS = ("train", "val", "test", "")
# Those that may train; the last one is to be split.
WHOLE = ("train", "")
# Of a member's header in a zip: the lengths of its name and its extra field follow.
ZIP_LENGTHS, ZIP_HEADER = 26, 30
WRITE = "write it with numpy.savez('data.npz', x_train=…, y_train=…)"


def from_npz(path: Path, task: Task | None = None, names: AskNames = no_names) -> Dataset:
    """Read inputs, labels and weights of the part that trains and of what validates it.

    ``x_train`` and ``y_train`` (or ``x`` and ``y``) train, with ``sample_weight_train`` if it is
    there. ``x_val`` and ``y_val`` validate; without them ``x_test`` and ``y_test`` do;
    without these a fifth is split off. These words may be written in capitals. Several inputs or
    outputs are arrays with their names behind, ``x_train_user``, or those of the model alone.

    Args:
        path: The archive.
        task: What the labels ask for; inferred if ``None``.
        names: What the model calls its inputs and outputs; asked where the keys leave it open.

    Raises:
        DataError: The file is no such archive, lacks a part of a pair, holds
            pickled objects, or the arrays cannot be trained on.
    """
    read = _read(path, names, labelled=True)
    train, val = read.train, read.val
    return from_arrays(
        train["x"],
        train.get("y"),
        val.get("x"),
        val.get("y"),
        name=path.name,
        task=task,
        keys=read.keys,
        notes=read.notes,
        weights=(train.get("weights"), val.get("weights")),
    )


def given_in_npz(path: Path, names: AskNames = no_names) -> Given:
    """All rows as they are: nothing is split or encoded, and labels may be missing.

    Args:
        path: The archive, its keys as of :func:`from_npz`.
        names: What the model calls its inputs and outputs.

    Raises:
        DataError: The archive does not read, or holds no examples; any labels will do.
    """
    read = _read(path, names, labelled=False)
    train, val = read.train, read.val
    for part, key in ((train, read.keys[0]), (val, read.keys[2])):
        for array in leaves(part.get("x")):
            check_numbers(f"data {path.name!r}: {key}", array)
    return Given(
        train["x"],
        train.get("y"),
        train.get("weights"),
        validation=tuple(val[role] for role in ROLES if role in val) or None,
        notes=read.notes,
    )


class _Read(NamedTuple):
    """What an archive holds: arrays by role, of the part that trains and of what validates it.

    Attributes:
        train: Inputs ``x``, labels ``y`` and ``weights``, as far as there are any.
        val: The same of what validates; empty if nothing does.
        keys: What messages call inputs and labels of both.
        notes: What was decided, in sentences.
    """

    train: Roles
    val: Roles
    keys: tuple[str, str, str, str]
    notes: tuple[str, ...]


def _read(path: Path, names: AskNames, *, labelled: bool) -> _Read:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            roles = _roles(list(members), names)
            labelled = labelled and _needs_labels(roles, names)
            train, val = _parts(path, list(members), roles, names, labelled=labelled)
            arrays: list[Roles] = [
                mapped(lambda key: _array(path, archive, members[key]), part)
                for part in (train, val)
            ]
    except NormwiseError:
        raise
    except Exception as error:  # noqa: BLE001 (a broken archive raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({error}); expected a NumPy .npz archive without pickled "
            f"objects; {WRITE}"
        ) from None
    for part in arrays:
        for array in leaves(part.get("weights")):
            check_numbers(f"data {path.name!r}: sample_weight", array)
        _weigh_all(part)
    shown = val or {"x": "x_val", "y": "y_val"}
    x, y, x_val, y_val = (_called(part, role) for part in (train, shown) for role in "xy")
    return _Read(arrays[0], arrays[1], (x, y, x_val, y_val), _notes(members, train, val))


def _weigh_all(part: Roles) -> None:
    """Give the outputs that have no weights, where others have some, those of 1."""
    labels, weights = part.get("y"), part.get("weights")
    if isinstance(labels, dict) and isinstance(weights, dict) and weights.keys() < labels.keys():
        ones = np.ones(len(leaves(labels)[0]), np.float32)
        part["weights"] = {name: weights.get(name, ones) for name in labels}


def _roles(keys: list[str], names: AskNames) -> dict[str, Roles]:
    """What the arrays are, by what the model says where their own names leave it open."""
    roles = roles_of(keys)
    # x_names beside x_train is no input.
    alone = {
        part: {role: key for role, key in own.items() if isinstance(key, str)}
        for part, own in roles.items()
    }
    is_clear = any({"x", "y"} <= alone.get(part, {}).keys() for part in WHOLE)
    return alone if is_clear else roles_of(keys, names())


def _needs_labels(roles: Mapping[str, Roles], names: AskNames) -> bool:
    """Whether the model does; it is asked where there are none."""
    if any("y" in own for own in roles.values()):
        return True
    said = names()
    return said is None or said.needs_labels


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's arrays by their names."""
    members: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    for member in archive.infolist():
        key = member.filename.removesuffix(".npy")
        other = seen.setdefault(key.lower(), member.filename)
        if other != member.filename or key in members:
            raise DataError(
                f"{str(path)!r} holds {key.lower()} twice ({other}, {member.filename}); "
                f"expected each once, in capitals or not; {WRITE}"
            )
        members[key] = member
    return members


def _parts(
    path: Path, keys: list[str], roles: Mapping[str, Roles], names: AskNames, *, labelled: bool
) -> tuple[Roles, Roles]:
    """What trains and what validates; of the first the labels may be missing."""
    found = {part: _pair(path, keys, roles, part, labelled=labelled) for part in PARTS}
    train, whole = found["train"], found[""]
    if train is not None and whole is not None:
        raise DataError(f"{str(path)!r} holds both x_train and x; expected one of them; {WRITE}")
    known = train or whole
    if known is None:
        raise DataError(
            f"{str(path)!r} holds {listed(keys) or 'nothing'}; expected x_train and y_train, or x "
            f"and y{_or_own(names())}; {WRITE}"
        )
    return known, found["val"] or found["test"] or {}


def _or_own(names: Names | None) -> str:
    """What else arrays may be called."""
    if names is None or not names.inputs:
        return ""
    inputs, outputs = listed(names.inputs), listed(names.outputs)
    return f", or arrays called like the model's inputs, {inputs}, and outputs, {outputs}"


def _pair(
    path: Path, keys: list[str], roles: Mapping[str, Roles], part: str, *, labelled: bool
) -> Roles | None:
    own = roles.get(part, {})
    there = [role for role in ("x", "y") if role in own]
    if part == "" and "x" in roles.get("train", {}) and any(map(is_nested, own.values())):
        return None
    if there == ["x"] and part in WHOLE and not labelled:
        return own
    # A test part may lack its labels: nothing is trained on it.
    if len(there) == 1 and part != "test":
        [has], [lacks] = there, {"x", "y"} - set(there)
        raise DataError(
            f"{str(path)!r} holds {_called(own, has)} without {f'{lacks}_{part}'.strip('_')} (it "
            f"holds {listed(keys)}); expected both; {WRITE}"
        )
    return own if len(there) == 2 else None


def _called(own: Roles, role: str) -> str:
    """What messages call inputs or labels: the array's name, or those of several."""
    return listed(leaves(own.get(role)))


def _notes(members: Mapping[str, Any], train: Roles, val: Roles) -> tuple[str, ...]:
    notes = []
    if any(is_nested(train.get(role)) for role in ROLES):
        labels = f"; labels {_called(train, 'y')}" if "y" in train else ""
        notes.append(f"Inputs are {_called(train, 'x')}{labels}.")
    if "weights" in train:
        notes.append(f"Examples count by {_called(train, 'weights')}.")
    if val:
        s = "" if is_nested(train["x"]) else "s"
        notes.append(f"{_called(train, 'x')} train{s}, {_called(val, 'x')} validate{s}.")
    used = {key for part in (train, val) for role in ROLES for key in leaves(part.get(role))}
    unused = [key for key in members if key not in used]
    if unused:
        notes.append(f"Not used: {listed(unused)}.")
    return tuple(notes)


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
