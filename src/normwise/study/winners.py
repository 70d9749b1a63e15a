"""The best replica of each variant, kept while chunks pass by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from normwise.domain import RunKey, RunRecord

if TYPE_CHECKING:
    from normwise.engine import Chunk

__all__ = ["Weights", "Winners", "best_run"]

Weights: TypeAlias = tuple[list[Any], list[Any]]


@dataclass(frozen=True)
class _Winner:
    key: RunKey
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

    def offer(self, keys: Sequence[RunKey], chunk: Chunk) -> None:
        """Keep the best of a chunk, replicas of one variant, if it beats the one before."""
        # A replica that diverged is frozen as it was before, and its values look fine.
        alive = np.isfinite(chunk.curves["loss"]).all(axis=1)
        finals = np.where(alive, chunk.curves[self._metric][:, -1], np.nan)
        scores = [score(final, rising=self._rising) for final in finals]
        index = int(np.argmax(scores))
        before = self._best.get(keys[index].variant)
        if before is None or scores[index] > before.score:
            weights = (
                [value[index] for value in chunk.trainable],
                [value[index] for value in chunk.non_trainable],
            )
            self._best[keys[index].variant] = _Winner(keys[index], scores[index], weights)

    def weights(self, key: RunKey) -> Weights | None:
        """The weights of that replica, if it was seen and is the variant's best."""
        winner = self._best.get(key.variant)
        return winner.weights if winner is not None and winner.key == key else None


def best_run(runs: Sequence[RunRecord], metric: str, *, rising: bool) -> RunRecord:
    """The run whose final value of ``metric`` is best, of equals that of the lowest seed."""
    ordered = sorted(runs, key=lambda run: run.key.seed)
    return max(ordered, key=lambda run: score(run.curves[metric][-1], rising=rising))


def score(final: float, *, rising: bool) -> float:
    """Higher is better; a diverged replica comes last."""
    if not math.isfinite(final):
        return -math.inf
    return float(final) if rising else -float(final)
