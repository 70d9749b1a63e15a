"""This process as an executor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from normwise.execution.checkpoint import Checkpoints
from normwise.execution.event import Event
from normwise.execution.job import Job
from normwise.execution.setup import Setup
from normwise.execution.worker import worker_of

__all__ = ["LocalExecutor"]


class LocalExecutor:
    """One job after another in this process, each on all of its devices.

    Args:
        setup: What all jobs share.
        checkpoints: Where states of runs are kept.
    """

    def __init__(self, setup: Setup, checkpoints: Checkpoints) -> None:
        self._worker, self._cancelled = worker_of(setup, checkpoints), False

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Train these jobs, in their order; their programs compile side by side first."""
        self._cancelled = False
        yield from self._worker.prepare(jobs)
        for job in jobs:
            for event in self._worker.run(job):
                yield event
                if self._cancelled:
                    return

    def cancel(self) -> None:
        """End after the event that was said last."""
        self._cancelled = True
