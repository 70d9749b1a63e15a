"""Files: written so that a reader sees all or none of them, and what is kept in the cache."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from normwise.errors import StoreError

__all__ = [
    "CACHE_VARIABLE",
    "Half",
    "append_synced",
    "cache_folder",
    "halves_in",
    "is_file",
    "is_running",
    "machine_file",
    "measured_once",
    "replacing",
    "writing",
]

CACHE_VARIABLE = "NORMWISE_CACHE"


def cache_folder() -> Path:
    """Where compiled programs, measurements of this machine and the report's script are kept."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    usual = user_cache_path("normwise", appauthor=False)
    # A user without a home has none, and would get a folder called "~" in the current one.
    return usual if usual.is_absolute() else Path(tempfile.gettempdir()) / "normwise"


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; no for what cannot be a path at all.

    >>> is_file("no/such/file"), is_file("x" * 10_000)
    (False, False)
    """
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


@contextmanager
def replacing(path: str | os.PathLike[str], *, synced: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path``, moved into its place when the block ends well.

    Args:
        path: What is replaced, or comes to be.
        synced: Whether it is on disk when the block ends. If not, and the machine fails at once,
            there may be a file with nothing in it.

    Raises:
        StoreError: The folder cannot be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "note.txt") as beside:
    ...     _ = beside.write_text("whole")
    >>> [file.name for file in folder.iterdir()]
    ['note.txt']
    """
    final = Path(path)
    # The suffix stays last: some writers choose the format by it.
    beside = final.with_name(f".{final.stem}.{os.getpid()}{final.suffix}")
    with writing(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            if synced:
                _sync(beside)
            beside.replace(final)
        finally:
            beside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """See to it that a file is on disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Half:
    """What a process left that was killed while :func:`replacing` a file, or writes right now.

    Attributes:
        path: Where it lies.
        name: The name that it was to get.
        process: The number of the process.
    """

    path: Path
    name: str
    process: int


def halves_in(folder: Path) -> Iterator[Half]:
    """All files of a folder that look like halves.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / ".note.4711.txt").touch()
    >>> [(half.name, half.process) for half in halves_in(folder)]
    [('note.txt', 4711)]
    """
    for path in folder.glob(".*"):
        if match := re.fullmatch(r"\.(.+)\.(\d+)(\.[^.]+)?", path.name):
            stem, process, suffix = match.groups("")
            yield Half(path, stem + suffix, int(process))


def is_running(process: int) -> bool:
    """Whether another process of this machine has that number.

    Never so for this one's own: it has just begun, and what bears its number is an earlier one's.

    >>> is_running(os.getpid())
    False
    """
    if process == os.getpid() or os.name == "nt":  # where to ask for one is to end it
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # another user's
    return True


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file could not be written where the system refuses it in this block.

    Raises:
        StoreError: It could not.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write {str(path)!r} ({error.strerror or error}); expected a folder that can "
            f"be written; try another one with --out, or a copy of the study's folder"
        ) from error


def append_synced(path: Path, content: bytes) -> int:
    """Append to a file, all of it or nothing; when this returns it is on disk.

    Returns:
        The byte at which the content begins.

    Raises:
        StoreError: The folder cannot be written.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> append_synced(file, b"1 2 "), append_synced(file, b"3")
    (0, 4)
    """
    # Without a buffer: what a full disk did not take would be written when the file is closed.
    with writing(path), path.open("ab", buffering=0) as file:
        begin, left = file.tell(), memoryview(content)
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:  # an interruption, too: what is written next must not join a half
            file.truncate(begin)
            raise
    return begin


def machine_file(what: str, facts: Sequence[object]) -> Path:
    """The file of the cache folder for figures of this machine; it need not be there.

    Args:
        what: Names the folder in there.
        facts: Tell these figures from others of that name; any plain values.

    >>> machine_file("examples", [1]).suffix
    '.json'
    """
    machine = [platform.node(), platform.machine(), *facts]
    digest = hashlib.sha256(json.dumps(machine, default=str).encode()).hexdigest()[:16]
    return cache_folder() / what / f"{digest}.json"


def measured_once(
    what: str, facts: Sequence[object], count: int, measure: Callable[[], Sequence[float]]
) -> tuple[list[float], bool]:
    """Figures of this machine, kept in the cache folder.

    Args:
        what: Names the folder there.
        facts: Tell these figures from others of that name; any plain values.
        count: How many figures there are.
        measure: Measures them, where they are not known, or no longer readable.

    Returns:
        The figures, and whether they were measured just now.

    >>> measured_once("examples", ["doctest", os.getpid()], 1, lambda: [2.5])
    ([2.5], True)
    """
    path = machine_file(what, facts)
    try:
        known = [float(figure) for figure in json.loads(path.read_text("utf-8"))]
        if len(known) == count and all(map(math.isfinite, known)):
            return known, False
    except (OSError, ValueError, TypeError):
        pass  # nothing measured yet, or nothing that can be read
    figures = list(measure())
    try:
        with replacing(path) as beside:
            beside.write_text(json.dumps(figures), "utf-8")
    except StoreError:
        pass  # measured again next time
    return figures, True
