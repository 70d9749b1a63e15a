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

        A job that raises, or that is lost too often, ends in a :class:`Failed`; the others go on.
        A consumer may stop listening at any event: what was said until then has happened.

        Raises:
            UsageError: What was asked for cannot be honoured, as far as possible before this
                returns; nothing more is trained.
        """

    def cancel(self) -> None:
        """Stop what is running, and begin nothing more of these jobs.

        For who listens, at any event and more than once; jobs that come later are trained.
        """
