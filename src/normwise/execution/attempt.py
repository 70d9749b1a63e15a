"""A job that may be lost on its way: how far it is, what is left of it, when to try again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from normwise.domain import RunKey
from normwise.execution.event import Checkpointed, Event, Failed, Finished
from normwise.execution.job import Job, Origin

__all__ = ["Attempt"]

# How often a job is tried that gets no further, and seconds before the second try; twice as many
# before each one after it.
TRIES, BACKOFF = 4, 1.0


@dataclass(order=True)
class Attempt:
    """One try at a job. Of several, that comes first which is due first.

    Attributes:
        due: When it may begin, by the monotonic clock, in seconds.
        number: The how manieth it is since the job last got further, from 1.
        job: The work.
    """

    due: float
    number: int
    job: Job = field(compare=False)
    _states: dict[RunKey, tuple[int, Origin | None]] = field(default_factory=dict, compare=False)

    @classmethod
    def first(cls, job: Job) -> Attempt:
        """The first try at a job, due at once."""
        return cls(0.0, 1, job)

    @property
    def is_due(self) -> bool:
        """Whether it may begin."""
        return self.due <= time.monotonic()

    def note(self, event: Event) -> None:
        """Hear what the job has said."""
        if isinstance(event, Checkpointed) and event.epoch < self.job.until:
            self.number = 1
            for row, key in enumerate(event.keys):
                self._states[key] = event.epoch, Origin(event.name, row)
        elif isinstance(event, Finished | Failed):
            self._states |= dict.fromkeys(event.keys, (self.job.until, None))

    def lost(self, why: str) -> list[Attempt] | list[Failed]:
        """What follows where the job is lost: tries at what is left of it, or that it has failed.

        Args:
            why: What became of it, in a line.
        """
        if self.number == TRIES:
            return self.failed(f"lost {TRIES} times, the last time by {why}")
        due = time.monotonic() + BACKOFF * 2 ** (self.number - 1)
        return [Attempt(due, self.number + 1, job) for job in self.job.rest(self._states)]

    def failed(self, why: str) -> list[Failed]:
        """That what is left of the job will not end."""
        return [Failed(job.keys, job.first, why) for job in self.job.rest(self._states)]
