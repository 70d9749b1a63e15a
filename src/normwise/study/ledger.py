"""Every event of a study; what is done and what is missing is read off it."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from normwise.domain import Run, RunKey, RunRecord
from normwise.execution.event import Checkpointed, Event, Failed, Segment
from normwise.execution.job import Origin, state_name
from normwise.study.run_progress import RunProgress

__all__ = ["Ledger", "Log"]


class Log(Protocol):
    """Where events last."""

    def write(self, event: Event) -> None:
        """Keep an event; when this returns it is on disk."""

    def read(self) -> Iterable[Event]:
        """All events, in the order they were written."""


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
        self._runs: dict[RunKey, RunProgress] = {}
        there, untold = set(checkpoints), dict[tuple[RunKey, ...], Segment]()
        for event in log.read() if log is not None else ():
            self._take(event)
            if isinstance(event, Segment):
                untold[tuple(run.key for run in event.runs)] = event
            elif isinstance(event, Checkpointed):
                untold.pop(event.keys, None)
        for keys, segment in untold.items():  # a kill came before it was said where the state lies
            self._take(Checkpointed(keys, segment.until, state_name(segment.runs, segment.until)))
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
        return next((one.metrics for one in self._runs.values()), ())

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
        return (0, None) if progress is None else progress.origin

    def value(self, key: RunKey, metric: str, epoch: int) -> float:
        """A metric after that many epochs; NaN where the run has diverged by then."""
        return self._runs[key].value(metric, epoch)

    def record(self, run: Run, until: int, epochs: int) -> RunRecord:
        """A run as far as it counts.

        Args:
            run: Which; it has so many epochs or more.
            until: Epochs that count.
            epochs: How many a run has that goes to its end.
        """
        return self._runs[run.key].record(until, epochs)

    def _take(self, event: Event) -> None:
        if isinstance(event, Segment):
            for row, (run, rate) in enumerate(zip(event.runs, event.learning_rates, strict=True)):
                progress = self._runs.setdefault(run.key, RunProgress(run, rate))
                progress.extend(event, row)
        elif isinstance(event, Checkpointed):
            for row, key in enumerate(event.keys):
                if key in self._runs:
                    self._runs[key].checkpointed(event.epoch, Origin(event.name, row))
        elif isinstance(event, Failed):
            self.failed |= dict.fromkeys(event.keys, event)
