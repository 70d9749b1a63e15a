"""A worker in another process than the study: its events go out with the states to keep.

Checkpoints live where the study runs, which may be another machine without a common disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from normwise import engine
from normwise.engine import Schedule, State
from normwise.execution.checkpoint import Checkpoints, MemoryCheckpoints
from normwise.execution.crossing import Crossing
from normwise.execution.event import Event
from normwise.execution.job import Job
from normwise.execution.worker import worker_of

__all__ = ["Message", "Task", "schedules", "train"]


@dataclass(frozen=True, eq=False)
class Message:
    """An event, and what is to be done with checkpoints before anyone hears of it.

    Attributes:
        event: What happened.
        saved: States to keep, by name.
        dropped: Names of those to forget.
    """

    event: Event
    saved: Mapping[str, State]
    dropped: Sequence[str]


@dataclass(frozen=True, eq=False)
class Task:
    """A job with what its study has decided and kept.

    Attributes:
        job: The work.
        schedules: How replicas train, by batch size: alike in all processes.
        states: The checkpoints that the job goes on from, by name.
    """

    job: Job
    schedules: Mapping[int, Schedule]
    states: Mapping[str, State]

    @classmethod
    def of(cls, job: Job, decided: Mapping[int, Schedule], kept: Checkpoints) -> Task:
        """The job with the checkpoints that it needs, as far as they are there."""
        names = {origin.checkpoint for origin in job.origins}
        found = {name: kept.load(name) for name in names}
        return cls(job, decided, {name: one for name, one in found.items() if one is not None})


def schedules(study: str, crossing: Crossing, devices: int) -> Mapping[int, Schedule]:
    """How replicas train fastest on this machine, by batch size.

    Args:
        study: A name that no other study has.
        crossing: What its jobs share.
        devices: How many a program uses.
    """
    setup = _worker(study, crossing, devices).setup
    return {size: setup.schedule(size) for size in crossing.spec.batch_size}


def train(study: str, crossing: Crossing, devices: int, task: Task) -> Iterator[Message]:
    """Train a job; what it needed compiled is kept for the study's next one.

    Args:
        study: A name that no other study has.
        crossing: What its jobs share.
        devices: How many a program uses.
        task: The job.
    """
    worker = _worker(study, crossing, devices)
    worker.setup.schedules |= task.schedules
    yield from worker.run(task)


class _RemoteWorker:
    """What a process has ready for the study that it works for."""

    def __init__(self, crossing: Crossing, devices: int) -> None:
        engine.configure()
        self.setup, self._outbox = crossing.setup(devices), _Outbox()
        self._worker = worker_of(self.setup, self._outbox)

    def run(self, task: Task) -> Iterator[Message]:
        self._outbox.fill(task.states)
        for event in self._worker.run(task.job):
            yield Message(event, *self._outbox.emptied())


class _Outbox(MemoryCheckpoints):
    """What is saved and dropped here goes out with the next event."""

    survive = True

    def __init__(self) -> None:
        super().__init__()
        self._saved: dict[str, State] = {}
        self._dropped: list[str] = []

    def fill(self, states: Mapping[str, State]) -> None:
        """Have these states, and no others."""
        super().drop(self.names())
        for name, rows in states.items():
            super().save(name, rows)

    def save(self, name: str, rows: State) -> None:
        super().save(name, rows)
        self._saved[name] = rows

    def drop(self, names: Iterable[str]) -> None:
        gone = list(names)
        super().drop(gone)
        self._dropped += gone

    def emptied(self) -> tuple[Mapping[str, State], Sequence[str]]:
        """What was saved and dropped since this was called last."""
        found = self._saved, self._dropped
        self._saved, self._dropped = {}, []
        return found


# Of this process: a study's model, data and programs take memory, so of one study alone.
_READY: dict[str, _RemoteWorker] = {}


def _worker(study: str, crossing: Crossing, devices: int) -> _RemoteWorker:
    if study not in _READY:
        _READY.clear()
        _READY[study] = _RemoteWorker(crossing, devices)
    return _READY[study]
