"""From a job to events: compile, train, keep the states."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from normwise.domain import Run
from normwise.engine import Cohort, Replica, Stack
from normwise.execution.checkpoint import Checkpoints, joined_rows
from normwise.execution.event import Checkpointed, Compiled, Event, Finished, Segment, epochs_in
from normwise.execution.job import Job
from normwise.execution.setup import Setup
from normwise.models.tracing import tracing

__all__ = ["Worker", "replica_of"]

# Of a stack that trains: the newest could be the one that a disk did not write to its end.
CHECKPOINTS_KEPT = 2


@dataclass(frozen=True)
class _Program:
    """A cohort, and its compiled program, which may still be compiling."""

    cohort: Cohort
    compiled: Future[Any]


class Worker:
    """Trains jobs in this process, on its devices.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints) -> None:
        self._setup, self._checkpoints = setup, checkpoints
        self._programs: dict[tuple[str, int], _Program] = {}

    def prepare(self, jobs: Iterable[Job]) -> Iterator[Compiled]:
        """Compile what these jobs need and is not compiled yet, side by side."""
        new = {job.place: job for job in jobs if job.place not in self._programs}
        pool = ThreadPoolExecutor()
        for place, job in new.items():
            cohort = self._setup.cohort(job.variant, job.batch_size)
            # Tracing is Python and takes turns; compiling is not, and runs beside it.
            self._programs[place] = _Program(cohort, pool.submit(cohort.compile, _traced(cohort)))
        pool.shutdown(wait=False)
        for place in new:
            self._programs[place].compiled.result()
            yield Compiled(*place)

    def run(self, job: Job) -> Iterator[Event]:
        """Train a job, as many runs at a time as stand side by side.

        Yields:
            For each part a :class:`Segment` and a :class:`Checkpointed` at the ends of segments,
            and :class:`Finished`.
        """
        yield from self.prepare([job])
        program = self._programs[job.place]
        for part in job.parts(program.cohort.width):
            yield from self._train(part, program.cohort, program.compiled.result())

    def _train(self, part: Job, cohort: Cohort, compiled: Any) -> Iterator[Event]:
        started = time.perf_counter()
        rates = tuple(self._rate(run) for run in part.runs)
        keys = tuple(run.key for run in part.runs)
        data, stack = cohort.data(), self._stack(part, cohort)
        kept: list[str] = []
        for curves in cohort.advance(compiled, data, stack, part.until):
            ended = time.perf_counter()
            own = self._setup.recipe.in_own_units(curves)
            yield Segment(part.runs, stack.epoch - epochs_in(own), own, rates, ended - started)
            if self._checkpoints.survive or stack.epoch == part.until:
                kept.append(f"{part.digest}-{stack.epoch}")
                self._checkpoints.save(kept[-1], stack.rows())
                yield Checkpointed(keys, stack.epoch, kept[-1])
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


def replica_of(run: Run) -> Replica:
    """The run as the engine knows it."""
    condition = run.condition
    return Replica(run.key.seed, condition.learning_rate, condition.initializer)


def _traced(cohort: Cohort) -> Any:
    with tracing(cohort.program.model, "training"):
        return cohort.lower()
