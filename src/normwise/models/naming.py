"""Names that are not taken yet."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

__all__ = ["unused_name"]


def unused_name(name: str, taken: Collection[str]) -> str:
    """``name``, or ``name_1``, ``name_2``, … where it is taken.

    >>> unused_name("norm", {"norm", "norm_1"})
    'norm_2'
    """
    if name not in taken:
        return name
    return next(new for number in count(1) if (new := f"{name}_{number}") not in taken)
