"""Writing a file so that a reader sees all of it or none."""

from __future__ import annotations

import os
from pathlib import Path

from normwise.errors import StoreError

__all__ = ["write_atomically"]


def write_atomically(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write beside ``path``, then rename; makes the folder if it is missing.

    Raises:
        StoreError: The folder cannot be written.
    """
    final = Path(path)
    beside = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(content)
            beside.replace(final)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot write {final}: {error.strerror or error}; expected a folder that can be "
            f"written; try another one with --out"
        ) from error
    return final
