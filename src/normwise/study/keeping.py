"""Whose state stays when a study is done: of each variant and point of the grid the best run's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from normwise.domain import RunKey, RunRecord
from normwise.execution import Checkpointed, Finished
from normwise.study.ledger import Ledger

if TYPE_CHECKING:
    from normwise.engine import State
    from normwise.execution.checkpoint import Checkpoints

__all__ = ["Keeper", "best_run", "score", "state_of"]

_BEST = "best-"


class Keeper:
    """Keeps the state of the best run of each variant and point, and lets those of the others go.

    Args:
        ledger: Knows where the states of runs lie.
        checkpoints: Has them.
        score: How good a run is that went to its end; more is better.
    """

    def __init__(
        self, ledger: Ledger, checkpoints: Checkpoints, score: Callable[[RunKey], float]
    ) -> None:
        self._ledger, self._checkpoints, self._score = ledger, checkpoints, score
        keys = [run.key for run in ledger.runs]
        # A kill may come before the ledger knows of a state that is there: then it is none.
        self._best = {_point(key): key for key in keys if self._lies_in(key) == _name(key)}

    def keep(self, event: Finished) -> None:
        """Compare runs that went to their end with the best so far."""
        points: dict[tuple[str, str], list[RunKey]] = {}
        for key in event.keys:
            points.setdefault(_point(key), []).append(key)
        # Where one lies as it was before its end, others that go on from there may lie, too.
        ended = [key for key in event.keys if self._ledger.origin(key)[0] == event.epoch]
        dropped = {self._lies_in(key) for key in ended}
        for point, keys in points.items():
            best, before = max(keys, key=self._score), self._best.get(point)
            if before is not None and self._score(best) <= self._score(before):
                continue
            state = state_of(best, self._ledger, self._checkpoints)
            if state is None:
                continue
            self._checkpoints.save(_name(best), state)
            self._ledger.add(Checkpointed((best,), event.epoch, _name(best)))
            self._best[point] = best
            if before is not None:
                dropped.add(_name(before))
        # At these points alone: all that there are, at each event, would be a square of them.
        kept = {_name(self._best[point]) for point in points if point in self._best}
        self._checkpoints.drop(dropped - kept - {""})

    def tidy(self) -> None:
        """Let all states go but those of the best: nothing else goes on."""
        kept = {_name(key) for key in self._best.values()}
        self._checkpoints.drop(self._checkpoints.names() - kept)

    def _lies_in(self, key: RunKey) -> str:
        _, origin = self._ledger.origin(key)
        return "" if origin is None else origin.checkpoint


def _point(key: RunKey) -> tuple[str, str]:
    return key.variant, key.setting


def _name(key: RunKey) -> str:
    return f"{_BEST}{key.digest}"


def state_of(key: RunKey, ledger: Ledger, checkpoints: Checkpoints) -> State | None:
    """The state of one run after all of its epochs; ``None`` where it is lost.

    Args:
        key: Which.
        ledger: Knows where its state lies.
        checkpoints: Has it.
    """
    from normwise.execution.checkpoint import joined_rows

    epoch, origin = ledger.origin(key)
    if origin is None or epoch < ledger.epochs(key):
        return None
    rows = checkpoints.load(origin.checkpoint)
    return None if rows is None else joined_rows([(rows, origin.row)])


def best_run(runs: Sequence[RunRecord], metric: str, *, rising: bool) -> RunRecord:
    """The run whose final value of ``metric`` is best, of equals that of the lowest seed."""
    ordered = sorted(runs, key=lambda run: run.key.seed)
    return max(ordered, key=lambda run: score(run.curves[metric][-1], rising=rising))


def score(final: float, *, rising: bool) -> float:
    """Higher is better; a diverged replica comes last."""
    if not math.isfinite(final):
        return -math.inf
    return float(final) if rising else -float(final)
