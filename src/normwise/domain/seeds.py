"""Where every random stream begins, and which seeds select and which are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["derive_seed", "holdout_seeds", "selection_seeds"]


def derive_seed(seed: int, purpose: str) -> int:
    """A 31-bit seed that depends on ``(seed, purpose)`` and nothing else.

    Every random stream of a replica starts here, so a replica is the same
    alone, in any stack, on any number of devices, and resumed.

    >>> derive_seed(0, "order") == derive_seed(0, "order")
    True
    >>> derive_seed(0, "order") == derive_seed(0, "dropout")
    False
    """
    digest = hashlib.sha256(f"{seed}:{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def selection_seeds(seeds: Sequence[int]) -> Sequence[int]:
    """Every second seed: those that select the best of several points of a grid.

    The best of many looks better than it is on the seeds that it was selected by; the others
    are held out to judge it, see :func:`holdout_seeds`.

    Args:
        seeds: All of a study, ascending.

    >>> list(selection_seeds(range(5))), list(holdout_seeds(range(5)))
    ([0, 2, 4], [1, 3])
    """
    return seeds[::2]


def holdout_seeds(seeds: Sequence[int]) -> Sequence[int]:
    """The others; of a single seed that one itself, since there is no other."""
    return seeds[1::2] or seeds
