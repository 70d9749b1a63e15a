"""From a job to events by the stacked engine: compile, train, keep the states."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator

from normwise.engine import Stack, Stacked
from normwise.errors import UsageError, in_words, is_out_of_memory
from normwise.execution.checkpoint import Checkpoints
from normwise.execution.event import Checkpointed, Compiled, Compiling, Event, Segment
from normwise.execution.fit_worker import FitWorker
from normwise.execution.job import Job
from normwise.execution.part import Piece, failed, told, where_left
from normwise.execution.programs import Program, Programs
from normwise.execution.setup import Setup, replica_of

__all__ = ["Worker", "worker_of"]


def worker_of(setup: Setup, checkpoints: Checkpoints) -> Worker | FitWorker:
    """What trains jobs in this process, by the engine of their study.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """
    return (FitWorker if setup.engine.is_fit else Worker)(setup, checkpoints)


class Worker:
    """Trains jobs in this process, stacked, on its devices.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints) -> None:
        self._setup, self._checkpoints = setup, checkpoints
        self._programs = Programs(setup)

    def prepare(self, jobs: Iterable[Job]) -> Iterator[Compiling | Compiled]:
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
            yield failed(job, job.first, error)
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
            for event in self._train(part, program):
                if isinstance(event, Segment):
                    epoch = event.until
                elif isinstance(event, Checkpointed):
                    part = part.after(event.epoch, event.name)
                yield event
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever code of the user's raises)
            if not (is_out_of_memory(error) and program.is_divisible):
                yield failed(part, epoch, error)
                return None
            why = in_words(error)
        if not why:
            return None
        # Behind the block above: while an error is there, so is what its frames hold.
        self._programs.halve(part, why)
        return part

    def _train(self, part: Job, program: Program) -> Iterator[Event]:
        return told(part, self._pieces(part, program), self._setup, self._checkpoints)

    def _pieces(self, part: Job, program: Program) -> Iterator[Piece]:
        cohort = program.cohort
        data, stack = cohort.data(), self._stack(part, cohort)
        for curves in cohort.advance(program.compiled, data, stack, part.until):
            yield Piece(stack.epoch, curves, stack.rows)

    def _stack(self, part: Job, cohort: Stacked) -> Stack:
        replicas = [replica_of(run) for run in part.runs]
        rows = where_left(part, self._checkpoints)
        return cohort.begin(replicas) if rows is None else cohort.resume(replicas, rows, part.first)
