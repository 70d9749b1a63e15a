"""Files: written so that a reader sees all or none of them, and where the cache is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from normwise.errors import StoreError

__all__ = ["cache_folder", "is_file", "replacing"]

CACHE_VARIABLE = "NORMWISE_CACHE"


def cache_folder() -> Path:
    """Where compiled programs and measurements of this machine are kept."""
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "normwise")


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
