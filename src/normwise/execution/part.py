"""What a worker says of runs that train, whatever trains them; and where they go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from normwise.engine import State
from normwise.errors import in_words
from normwise.execution.checkpoint import Checkpoints, joined_rows
from normwise.execution.event import Checkpointed, Event, Failed, Finished, Segment, epochs_in
from normwise.execution.job import Job, state_name
from normwise.execution.setup import Setup

__all__ = ["Piece", "failed", "told", "where_left"]

log = logging.getLogger("normwise")

# Of runs that train: the newest could be the one that a disk did not write to its end.
CHECKPOINTS_KEPT = 2


@dataclass(frozen=True, eq=False)
class Piece:
    """Some epochs of the runs of a job.

    Attributes:
        epoch: Epochs that they have behind them now.
        curves: Metric to ``(runs, epochs)``, as they were trained.
        rows: Gives the state of each run, on the host.
        ended_at: Of each run the epochs behind it when it ended by itself, or ``None``; empty where
            none can.
        goes_on_later: Whether the runs can go on from that state before their end.
    """

    epoch: int
    curves: Mapping[str, Any]
    rows: Callable[[], State]
    ended_at: tuple[int | None, ...] = ()
    goes_on_later: bool = True


def told(
    part: Job, pieces: Iterator[Piece], setup: Setup, checkpoints: Checkpoints
) -> Iterator[Event]:
    """Train runs side by side, keep their states and say so.

    Args:
        part: The runs.
        pieces: Trains them, piece by piece.
        setup: What all jobs share.
        checkpoints: Where states are kept.
    """
    rates = tuple(run.condition.learning_rate or setup.learning_rate for run in part.runs)
    kept: list[str] = []
    started = time.perf_counter()
    for piece in pieces:
        seconds = time.perf_counter() - started
        own = setup.recipe.in_own_units({k: np.asarray(v) for k, v in piece.curves.items()})
        name, lasts = state_name(part.runs, piece.epoch), piece.epoch == part.until
        lasts = lasts or checkpoints.survive
        lasts &= piece.goes_on_later or piece.epoch == setup.spec.epochs
        if lasts:  # before anyone hears of the segment: who knows of it has its state
            checkpoints.save(name, piece.rows())
        first = piece.epoch - epochs_in(own)
        yield Segment(part.runs, first, own, rates, seconds, piece.ended_at)
        if lasts:
            kept.append(name)
            yield Checkpointed(part.keys, piece.epoch, name)
            checkpoints.drop(kept[:-CHECKPOINTS_KEPT])
        started = time.perf_counter()
    checkpoints.drop(kept[:-1])
    yield Finished(part.keys, part.until)


def where_left(part: Job, checkpoints: Checkpoints) -> State | None:
    """The states that the runs of a job go on from; ``None`` where they begin, or lack one.

    What a disk lost costs the epochs, no more.
    """
    if not part.first:
        return None
    names = dict.fromkeys(origin.checkpoint for origin in part.origins)
    states = {name: checkpoints.load(name) for name in names}
    found = [(states[one.checkpoint], one.row) for one in part.origins]
    rows = [(state, row) for state, row in found if state is not None]
    return joined_rows(rows) if len(rows) == len(part.runs) else None


def failed(job: Job, epoch: int, error: BaseException) -> Failed:
    """That runs will not reach the end of a job, and why."""
    log.info("runs of %r failed", job.variant.name, exc_info=error)
    return Failed(job.keys, epoch, in_words(error))
