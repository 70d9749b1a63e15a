"""The best replica of each variant, kept while chunks pass by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from normwise.records import RunRecord

if TYPE_CHECKING:
    from normwise.engine import Chunk

__all__ = ["Winners", "best_seed"]

Weights = tuple[list[Any], list[Any]]


@dataclass(frozen=True)
class _Winner:
    seed: int
    score: float
    weights: Weights


class Winners:
    """Final weights of the best replica of each variant so far.

    Args:
        metric: Its final value decides which replica is best.
        rising: Whether a higher value is the better one.
    """

    def __init__(self, metric: str, *, rising: bool) -> None:
        self._metric, self._rising = metric, rising
        self._best: dict[str, _Winner] = {}

    def offer(self, variant: str, chunk: Chunk) -> None:
        """Keep the chunk's best replica if it beats the one before."""
        # A replica that diverged is frozen as it was before, and its values look fine.
        alive = np.isfinite(chunk.curves["loss"]).all(axis=1)
        finals = np.where(alive, chunk.curves[self._metric][:, -1], np.nan)
        scores = [score(final, rising=self._rising) for final in finals]
        index = int(np.argmax(scores))
        before = self._best.get(variant)
        if before is None or scores[index] > before.score:
            weights = (
                [value[index] for value in chunk.trainable],
                [value[index] for value in chunk.non_trainable],
            )
            self._best[variant] = _Winner(chunk.seeds[index], scores[index], weights)

    def weights(self, variant: str, seed: int) -> Weights | None:
        """The weights of that replica, if it was seen and is the variant's best."""
        winner = self._best.get(variant)
        return winner.weights if winner is not None and winner.seed == seed else None


def best_seed(records: Sequence[RunRecord], variant: str, metric: str, *, rising: bool) -> int:
    """The seed whose final value of ``metric`` is best, the lowest of equals."""
    own = sorted((r for r in records if r.key.variant == variant), key=lambda r: r.key.seed)
    return max(own, key=lambda r: score(r.curves[metric][-1], rising=rising)).key.seed


def score(final: float, *, rising: bool) -> float:
    """Higher is better; a diverged replica comes last."""
    if not math.isfinite(final):
        return -math.inf
    return float(final) if rising else -float(final)
