"""Progress of long work, reported step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["OnStep", "ignore_step"]

# Called with (steps done, of, name of the next one).
OnStep: TypeAlias = Callable[[int, int, str], None]


def ignore_step(_done: int, _of: int, _name: str) -> None:
    """Report progress to nobody."""
