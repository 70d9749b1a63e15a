"""States of runs, kept so that they can go on later, elsewhere, or in another stack."""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from normwise.engine import State
from normwise.files import replacing, writing

__all__ = ["Checkpoints", "FolderCheckpoints", "MemoryCheckpoints", "joined_rows"]

log = logging.getLogger("normwise")

Arrays = Mapping[str, NDArray[Any]]
_SUFFIX = ".safetensors"
_PARTS = ("trainable", "non_trainable", "optimizer")


class Checkpoints(Protocol):
    """Keeps states by name; what is no longer there is simply not found."""

    @property
    def survive(self) -> bool:
        """Whether they outlive this process, so that each segment's end is worth one."""

    def save(self, name: str, rows: State) -> None:
        """Keep a state, whole or not at all; one of that name before is replaced."""

    def load(self, name: str) -> State | None:
        """The state of that name; ``None`` where there is none, or none that reads."""

    def drop(self, names: Iterable[str]) -> None:
        """Forget these, as far as they are there."""

    def names(self) -> set[str]:
        """Of all that there are."""


class MemoryCheckpoints:
    """Of a study without a folder: gone when it ends."""

    survive = False

    def __init__(self) -> None:
        self._kept: dict[str, State] = {}

    def save(self, name: str, rows: State) -> None:
        """Keep a state."""
        self._kept[name] = rows

    def load(self, name: str) -> State | None:
        """The state of that name, if there is one."""
        return self._kept.get(name)

    def drop(self, names: Iterable[str]) -> None:
        """Forget these."""
        for name in names:
            self._kept.pop(name, None)

    def names(self) -> set[str]:
        """Of all that there are."""
        return set(self._kept)


class FolderCheckpoints:
    """One file of plain arrays a state, in the ``safetensors`` format.

    Args:
        folder: Where; made with the first of them.
    """

    survive = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, rows: State) -> None:
        """Write a state beside its place, then move it there.

        Raises:
            StoreError: The folder cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        arrays = dict(_as_arrays(rows))
        with writing(self._folder):
            self._folder.mkdir(exist_ok=True)  # not its parents: who deleted the study meant it
        # Not synced, which takes as long as a segment of a small network: should the machine fail
        # and lose it, there is the one before.
        with replacing(self._folder / f"{name}{_SUFFIX}", synced=False) as beside:
            beside.touch()
            mode = beside.stat().st_mode
            try:
                save_file(arrays, beside, {"name": name, "crc32": str(_checksum(arrays))})
            except SafetensorError as error:  # of a disk that is full, say
                raise OSError(str(error)) from None
            beside.chmod(mode)  # it would be its owner's alone, and nobody else could go on

    def load(self, name: str) -> State | None:
        """The state of that name, if there is one that reads."""
        from safetensors import SafetensorError, safe_open
        from safetensors.numpy import load_file

        path = self._folder / f"{name}{_SUFFIX}"
        try:
            with safe_open(path, "numpy") as file:
                said = file.metadata() or {}
            arrays = load_file(path)
            if (said["name"], said["crc32"]) == (name, str(_checksum(arrays))):
                return _as_state(arrays)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, KeyError):
            pass
        # A disk that lost what it had promised costs the epochs since the beginning, no more.
        log.warning("%s is damaged: the runs that it holds begin again.", path)
        return None

    def drop(self, names: Iterable[str]) -> None:
        """Delete these."""
        for name in names:
            with contextlib.suppress(OSError):
                (self._folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Of all that there are, but for those that were not written to their end."""
        files = self._folder.glob(f"[!.]*{_SUFFIX}")
        return {path.name.removesuffix(_SUFFIX) for path in files if _is_whole(path)}


def joined_rows(parts: Iterable[tuple[State, int]]) -> State:
    """One state of single rows of others.

    Args:
        parts: A state and the number of its row, for each row of the result.
    """
    import jax

    rows = [jax.tree.map(lambda value, row=row: value[row], state) for state, row in parts]
    joined: State = jax.tree.map(lambda *values: np.stack(values), *rows)
    return joined


def _as_arrays(rows: State) -> Iterable[tuple[str, NDArray[Any]]]:
    for part in _PARTS:
        for number, value in enumerate(getattr(rows, part)):
            # The format keeps memory as it lies.
            yield f"{part}.{number}", np.ascontiguousarray(value)
    yield "alive", np.ascontiguousarray(rows.alive)


def _is_whole(path: Path) -> bool:
    """Whether a file is as long as it says itself."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False


def _checksum(arrays: Arrays) -> int:
    """Of names and values; that of the file would not tell where it is another run's."""
    found = 0
    for name in sorted(arrays):
        values = arrays[name].reshape(-1).view(np.uint8)
        found = zlib.crc32(values.data, zlib.crc32(name.encode(), found))
    return found


def _as_state(arrays: Arrays) -> State:
    lists = {part: [] for part in _PARTS}  # type: dict[str, list[Any]]
    for part, values in lists.items():
        count = sum(name.startswith(f"{part}.") for name in arrays)
        values += [arrays[f"{part}.{number}"] for number in range(count)]
    alive: Any = arrays["alive"]
    return State(**lists, alive=alive)
