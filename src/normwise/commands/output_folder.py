"""Where a command writes its results unless told."""

from __future__ import annotations

import hashlib
from pathlib import Path

from normwise.errors import SpecError

__all__ = ["output_folder"]


def output_folder(typed: str | None, *, name: str, identity: str, example: str) -> Path:
    """The folder that was typed after ``--out``, or ``normwise-out/NAME-HASH``.

    Args:
        typed: What was typed; ``None`` if nothing was.
        name: What the results are of.
        identity: A text that is the same where the results would be; it is hashed.
        example: A folder to propose.

    Raises:
        SpecError: Something empty was typed.

    >>> output_folder("my-study", name="circles", identity="", example="").as_posix()
    'my-study'
    """
    if typed is not None and not typed.strip():
        raise SpecError(
            f"--out is {typed!r}; expected a folder; try --out {example}, or leave --out out"
        )
    if typed is not None:
        return Path(typed)
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    return Path("normwise-out") / f"{name}-{digest}"
