"""Who runs jobs: the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from normwise.execution.event import Event
from normwise.execution.job import Job

__all__ = ["Executor"]


class Executor(Protocol):
    """Runs jobs and says what happens; in which order, and how many at once, is its own choice."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Train these jobs.

        A consumer may stop listening at any event: what was said until then has happened.
        """

    def cancel(self) -> None:
        """Begin nothing more; :meth:`run` ends after what is running."""
