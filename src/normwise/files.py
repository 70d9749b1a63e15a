"""Files: written so that a reader sees all or none of them, and what is kept in the cache."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from normwise.errors import StoreError

__all__ = ["cache_folder", "is_file", "measured_once", "replacing"]

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
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path``, moved into its place when the block ends well.

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
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(final)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot write {str(final)!r} ({error.strerror or error}); expected a folder that can "
            f"be written; try another one with --out"
        ) from error


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
    machine = [platform.node(), platform.machine(), *facts]
    digest = hashlib.sha256(json.dumps(machine, default=str).encode()).hexdigest()[:16]
    path = cache_folder() / what / f"{digest}.json"
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
