"""Every event of a study; what is done and what is missing is read off it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from normwise.domain import Run, RunKey, RunRecord
from normwise.errors import StoreError, UnknownNameError
from normwise.execution.event import Checkpointed, Event, Failed, Segment, epochs_in
from normwise.execution.job import Origin

__all__ = ["Ledger", "Log"]


class Log(Protocol):
    """Where events last."""

    def write(self, event: Event) -> None:
        """Keep an event; when this returns it is on disk."""

    def read(self) -> Iterable[Event]:
        """All events, in the order they were written."""


@dataclass
class _Progress:
    """A run's curves so far, and where its state lies.

    Attributes:
        run: Which it is.
        learning_rate: The rate of its optimiser at the first step, > 0.
        pieces: The epoch before it, metric to ``(runs, epochs)``, and the run's row there.
        epochs: That are done.
        seconds: Its share of the time they took.
        states: Epoch and place of its newest checkpoints.
    """

    run: Run
    learning_rate: float
    pieces: list[tuple[int, Mapping[str, NDArray[Any]], int]] = field(default_factory=list)
    epochs: int = 0
    seconds: float = 0.0
    states: list[tuple[int, Origin]] = field(default_factory=list)

    def curve(self, metric: str, until: int) -> NDArray[Any]:
        """The first epochs of a metric, ``(until,)``.

        Raises:
            UnknownNameError: There is no such metric.
        """
        names = self.pieces[0][1]
        if metric not in names:
            raise UnknownNameError("metric", metric, names)
        values = [piece[metric][row] for _, piece, row in self.pieces]
        return np.concatenate(values)[:until]


class Ledger:
    """What is known of each run.

    Args:
        log: Keeps the events and has those from before; a study without a folder has none.
        checkpoints: Names of the checkpoints that are there.

    Attributes:
        before: How many epochs of each run were there when this was made.
        failed: Runs that failed since this was made, and how; the same command again tries them
            again.
    """

    def __init__(self, log: Log | None = None, checkpoints: Collection[str] = ()) -> None:
        self._runs: dict[RunKey, _Progress] = {}
        for event in log.read() if log is not None else ():
            self._take(event)
        there = set(checkpoints)
        for progress in self._runs.values():
            progress.states = [one for one in progress.states if one[1].checkpoint in there]
        self._log = log
        self.failed: dict[RunKey, Failed] = {}
        self.before = {key: progress.epochs for key, progress in self._runs.items()}

    def add(self, event: Event) -> None:
        """Take in what an executor said, and write it down."""
        self._take(event)
        if self._log is not None:
            self._log.write(event)

    @property
    def runs(self) -> list[Run]:
        """All that have begun, in the order in which they did."""
        return [progress.run for progress in self._runs.values()]

    @property
    def metrics(self) -> Collection[str]:
        """Names of what is known of each epoch."""
        return next((one.pieces[0][1].keys() for one in self._runs.values()), ())

    @property
    def keys(self) -> Collection[RunKey]:
        """Of all runs that have begun."""
        return self._runs.keys()

    def epochs(self, key: RunKey) -> int:
        """How many epochs of a run are done."""
        progress = self._runs.get(key)
        return 0 if progress is None else progress.epochs

    def has(self, goals: Mapping[Run, int]) -> bool:
        """Whether every run is as far as it is to go."""
        return not self.missing(goals)

    def missing(self, goals: Mapping[Run, int]) -> int:
        """How many runs are not as far as they are to go."""
        return sum(self.epochs(run.key) < until for run, until in goals.items())

    def seconds_a_run(self) -> float:
        """What a run took so far, on average; 0 where there is none."""
        return statistics.fmean(one.seconds for one in self._runs.values()) if self._runs else 0.0

    def origin(self, key: RunKey) -> tuple[int, Origin | None]:
        """Where a run goes on: the epoch, and where its state after it lies; 0 at its beginning."""
        progress = self._runs.get(key)
        known = [one for one in progress.states if one[0] <= progress.epochs] if progress else []
        # Of two at one epoch the newer: the older one goes.
        return max(reversed(known), key=lambda one: one[0], default=(0, None))

    def value(self, key: RunKey, metric: str, epoch: int) -> float:
        """A metric after that many epochs; NaN where the run has diverged by then."""
        progress = self._runs[key]
        if not np.isfinite(progress.curve("loss", epoch)).all():
            return math.nan
        return float(progress.curve(metric, epoch)[-1])

    def record(self, run: Run, until: int, epochs: int) -> RunRecord:
        """A run as far as it counts.

        Args:
            run: Which; it has so many epochs or more.
            until: Epochs that count.
            epochs: How many a run has that goes to its end.
        """
        progress = self._runs[run.key]
        losses = progress.curve("loss", until)
        lost = np.flatnonzero(~np.isfinite(losses))
        finite = int(lost[0]) if len(lost) else until
        missing = (math.nan,) * (epochs - finite)
        curves = {
            metric: (*progress.curve(metric, finite).tolist(), *missing)
            for metric in progress.pieces[0][1]
        }
        return RunRecord(
            key=run.key,
            learning_rate=progress.learning_rate,
            curves=curves,
            diverged_at=finite + 1 if len(lost) else None,
            seconds=progress.seconds,
            initializer=run.condition.initializer,
            batch_size=run.condition.batch_size,
            stopped_at=until if until < epochs else None,
        )

    def records(self, runs: Iterable[Run], epochs: int) -> list[RunRecord]:
        """Runs that went to their end."""
        return [self.record(run, epochs, epochs) for run in runs]

    def _take(self, event: Event) -> None:
        if isinstance(event, Segment):
            for row, run in enumerate(event.runs):
                self._extend(run.key, event, row)
        elif isinstance(event, Checkpointed):
            for row, key in enumerate(event.keys):
                if key in self._runs:
                    states = self._runs[key].states
                    states.append((event.epoch, Origin(event.name, row)))
                    del states[:-2]
        elif isinstance(event, Failed):
            self.failed |= dict.fromkeys(event.keys, event)

    def _extend(self, key: RunKey, event: Segment, row: int) -> None:
        progress = self._runs.setdefault(key, _Progress(event.runs[row], event.learning_rates[row]))
        # Epochs that are trained again, since a checkpoint was older, replace what they repeat.
        while progress.pieces and progress.pieces[-1][0] >= event.first:
            progress.pieces.pop()
        if progress.pieces:
            begun, curves, _ = progress.pieces[-1]
            known, names = begun + epochs_in(curves), curves.keys()
        else:
            known, names = 0, event.curves.keys()
        if known < event.first or names != event.curves.keys():
            raise StoreError(
                f"the journal has {known} epochs of variant {key.variant!r}, seed {key.seed}, and "
                f"then {', '.join(event.curves)} from epoch {event.first + 1}; expected what "
                f"follows; move the folder away and run the study again"
            )
        progress.pieces.append((event.first, event.curves, row))
        progress.epochs = event.until
        progress.seconds += event.seconds / len(event.runs)
