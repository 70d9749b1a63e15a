"""What is compiled once, and timed: a network in batches of one size."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ProgramKey"]


class ProgramKey(NamedTuple):
    """What makes a compiled program the one it is: runs that have it alike train side by side.

    Attributes:
        variant: Canonical name of the variant.
        batch_size: Examples in a batch; ``None`` where a journal does not say.
        depth: Of the model; ``None`` where its function was not asked for one.
    """

    variant: str
    batch_size: int | None
    depth: int | None = None
