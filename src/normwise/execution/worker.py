"""From a job to events: compile, train, keep the states."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from normwise.domain import Run
from normwise.engine import Cohort, Replica, Stack
from normwise.errors import UsageError, in_words, is_out_of_memory
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
from normwise.execution.programs import Programs
from normwise.execution.setup import Setup

__all__ = ["Worker", "replica_of"]

log = logging.getLogger("normwise")

# Of a stack that trains: the newest could be the one that a disk did not write to its end.
CHECKPOINTS_KEPT = 2


class Worker:
    """Trains jobs in this process, on its devices.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints) -> None:
        self._setup, self._checkpoints = setup, checkpoints
        self._programs = Programs(setup)

    def prepare(self, jobs: Iterable[Job]) -> Iterator[Compiled]:
        """Compile what these jobs need and is not compiled yet, side by side.

        Of what cannot be compiled, :meth:`run` says so.

        Raises:
            ModelError: There is no memory for one run at a time.
        """
        yield from self._programs.prepare(jobs)

    def run(self, job: Job) -> Iterator[Event]:
        """Train a job, as many runs at a time as stand side by side.

        Where memory does not suffice after all, half as many go on from the last checkpoint.

        Yields:
            For each part a :class:`Segment` and a :class:`Checkpointed` at the ends of segments,
            and :class:`Finished`, or :class:`Failed` where it raises.
        """
        yield from self.prepare([job])
        if (error := self._programs.error(job)) is not None:
            yield _failed(job, job.first, error)
            return
        waiting = deque([job])
        while waiting:
            part, *rest = waiting.popleft().parts(self._programs.of(job).cohort.width)
            waiting.extendleft(reversed(rest))
            left = yield from self._attempt(part)
            if left is not None:
                waiting.appendleft(left)

    def _attempt(self, part: Job) -> Generator[Event, None, Job | None]:
        """Train runs side by side; returned is what memory did not suffice for."""
        epoch, why, program = part.first, "", self._programs.of(part)
        try:
            for event in self._train(part, program.cohort, program.compiled):
                if isinstance(event, Segment):
                    epoch = event.until
                elif isinstance(event, Checkpointed):
                    part = part.after(event.epoch, event.name)
                yield event
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
            if not (is_out_of_memory(error) and program.is_divisible):
                yield _failed(part, epoch, error)
                return None
            why = in_words(error)
        if not why:
            return None
        # Behind the block above: while an error is there, so is what its frames hold.
        self._programs.halve(part, why)
        return part

    def _train(self, part: Job, cohort: Cohort, compiled: Any) -> Iterator[Event]:
        started = time.perf_counter()
        rates = tuple(self._rate(run) for run in part.runs)
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
                yield Checkpointed(part.keys, stack.epoch, name)
                self._checkpoints.drop(kept[:-CHECKPOINTS_KEPT])
            started = time.perf_counter()
        self._checkpoints.drop(kept[:-1])
        yield Finished(part.keys, part.until)

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
    return Failed(job.keys, epoch, in_words(error))


def replica_of(run: Run) -> Replica:
    """The run as the engine knows it."""
    condition = run.condition
    return Replica(run.key.seed, condition.learning_rate, condition.initializer)
