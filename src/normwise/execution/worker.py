"""From a job to events: compile, train, keep the states."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from normwise.domain import Run
from normwise.engine import Cohort, Replica, Stack
from normwise.errors import UsageError, in_words
from normwise.execution.checkpoint import Checkpoints, joined_rows
from normwise.execution.event import (
    Checkpointed,
    Compiled,
    Event,
    Failed,
    Finished,
    Segment,
    epochs_in,
)
from normwise.execution.job import Job, state_name
from normwise.execution.setup import Setup
from normwise.models.tracing import tracing

__all__ = ["Worker", "replica_of"]

log = logging.getLogger("normwise")

# Of a stack that trains: the newest could be the one that a disk did not write to its end.
CHECKPOINTS_KEPT = 2


@dataclass(frozen=True)
class _Program:
    """A cohort, and its compiled program."""

    cohort: Cohort
    compiled: Any


class Worker:
    """Trains jobs in this process, on its devices.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints) -> None:
        self._setup, self._checkpoints = setup, checkpoints
        self._programs: dict[tuple[str, int], Future[_Program]] = {}

    def prepare(self, jobs: Iterable[Job]) -> Iterator[Compiled]:
        """Compile what these jobs need and is not compiled yet, side by side.

        Of what cannot be compiled, :meth:`run` says so.
        """
        new = {job.place: job for job in jobs if job.place not in self._programs}
        pool = ThreadPoolExecutor()
        for place, job in new.items():
            self._programs[place] = self._program(job, pool)
        pool.shutdown(wait=False)
        for place in new:
            if self._programs[place].exception() is None:
                yield Compiled(*place)

    def _program(self, job: Job, pool: ThreadPoolExecutor) -> Future[_Program]:
        try:
            cohort = self._setup.cohort(job.variant, job.batch_size)
            # Tracing is Python and takes turns; compiling is not, and runs beside it.
            traced = _traced(cohort)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
            failed: Future[_Program] = Future()
            failed.set_exception(error)
            return failed
        return pool.submit(lambda: _Program(cohort, cohort.compile(traced)))

    def run(self, job: Job) -> Iterator[Event]:
        """Train a job, as many runs at a time as stand side by side.

        Yields:
            For each part a :class:`Segment` and a :class:`Checkpointed` at the ends of segments,
            and :class:`Finished`, or :class:`Failed` where it raises.
        """
        yield from self.prepare([job])
        program = self._programs[job.place]
        if (error := program.exception()) is not None:
            yield _failed(job, job.first, error)
            return
        for part in job.parts(program.result().cohort.width):
            yield from self._attempt(part, program.result())

    def _attempt(self, part: Job, program: _Program) -> Iterator[Event]:
        epoch = part.first
        try:
            for event in self._train(part, program.cohort, program.compiled):
                if isinstance(event, Segment):
                    epoch = event.until
                yield event
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
            yield _failed(part, epoch, error)

    def _train(self, part: Job, cohort: Cohort, compiled: Any) -> Iterator[Event]:
        started = time.perf_counter()
        rates = tuple(self._rate(run) for run in part.runs)
        keys = tuple(run.key for run in part.runs)
        data, stack = cohort.data(), self._stack(part, cohort)
        kept: list[str] = []
        for curves in cohort.advance(compiled, data, stack, part.until):
            ended = time.perf_counter()
            own = self._setup.recipe.in_own_units(curves)
            name, lasts = state_name(part.runs, stack.epoch), stack.epoch == part.until
            lasts = lasts or self._checkpoints.survive
            if lasts:  # before anyone hears of the segment: who knows of it has its state
                self._checkpoints.save(name, stack.rows())
            yield Segment(part.runs, stack.epoch - epochs_in(own), own, rates, ended - started)
            if lasts:
                kept.append(name)
                yield Checkpointed(keys, stack.epoch, name)
                self._checkpoints.drop(kept[:-CHECKPOINTS_KEPT])
            started = time.perf_counter()
        self._checkpoints.drop(kept[:-1])
        yield Finished(keys, part.until)

    def _stack(self, part: Job, cohort: Cohort) -> Stack:
        replicas = [replica_of(run) for run in part.runs]
        if not part.first:
            return cohort.begin(replicas)
        names = dict.fromkeys(origin.checkpoint for origin in part.origins)
        states = {name: self._checkpoints.load(name) for name in names}
        found = [(states[one.checkpoint], one.row) for one in part.origins]
        rows = [(state, row) for state, row in found if state is not None]
        if len(rows) < len(part.runs):
            return cohort.begin(replicas)  # what a disk lost costs the epochs, no more
        return cohort.resume(replicas, joined_rows(rows), part.first)

    def _rate(self, run: Run) -> float:
        return run.condition.learning_rate or self._setup.learning_rate


def _failed(job: Job, epoch: int, error: BaseException) -> Failed:
    log.info("runs of %r failed", job.variant.name, exc_info=error)
    return Failed(tuple(run.key for run in job.runs), epoch, in_words(error))


def replica_of(run: Run) -> Replica:
    """The run as the engine knows it."""
    condition = run.condition
    return Replica(run.key.seed, condition.learning_rate, condition.initializer)


def _traced(cohort: Cohort) -> Any:
    with tracing(cohort.program.model, "training"):
        return cohort.lower()
