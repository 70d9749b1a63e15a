"""Work for an executor, as plain data: it may cross to another process or machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from normwise.domain import ProgramKey, Run, RunKey, Variant

__all__ = ["Job", "Origin", "jobs_from", "state_name"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the state of a run that has begun lies.

    Attributes:
        checkpoint: Name of the checkpoint.
        row: The run's place on its leading axis.
    """

    checkpoint: str
    row: int


@dataclass(frozen=True, slots=True)
class Job:
    """Runs of one variant, batch size and depth, from one epoch to another.

    Attributes:
        variant: The plan of normalisation.
        batch_size: Examples in a batch.
        runs: Which runs, at least one, each with the same variant, batch size and depth.
        first: Epochs that they have behind them, ≥ 0.
        until: Epochs that they are to have behind them, above ``first``.
        origins: Where the state of each run after ``first`` epochs lies; empty where they begin.
    """

    variant: Variant
    batch_size: int
    runs: tuple[Run, ...]
    first: int
    until: int
    origins: tuple[Origin, ...] = ()

    def __str__(self) -> str:
        """What is trained, in words."""
        runs = f"{len(self.runs)} run{'s' * (len(self.runs) > 1)}"
        return f"{runs} of {self.variant.name!r}, epochs {self.first + 1} to {self.until}"

    @property
    def depth(self) -> int | None:
        """Of the model that its runs train; ``None`` where no depth is asked for."""
        return self.runs[0].condition.depth

    @property
    def program(self) -> ProgramKey:
        """What is compiled for it."""
        return ProgramKey(self.variant.name, self.batch_size, self.depth)

    def after(self, epoch: int, checkpoint: str) -> Job:
        """What is left of this work once a checkpoint holds all of its runs, in their order."""
        origins = tuple(Origin(checkpoint, row) for row in range(len(self.runs)))
        return replace(self, first=epoch, origins=origins)

    @property
    def keys(self) -> tuple[RunKey, ...]:
        """Of its runs, in their order."""
        return tuple(run.key for run in self.runs)

    def rest(self, states: Mapping[RunKey, tuple[int, Origin | None]]) -> list[Job]:
        """What is left of the work, from the newest states of its runs.

        Args:
            states: Epochs behind a run, and where its state after them lies; a run that has none
                starts as the job says.
        """
        own = dict(zip(self.runs, self.origins, strict=False))
        return jobs_from(
            (run, *states.get(run.key, (self.first, own.get(run))), self.until) for run in self.runs
        )

    def parts(self, size: int) -> Iterator[Job]:
        """The same work as jobs of at most ``size`` runs."""
        for start in range(0, len(self.runs), size):
            rows = slice(start, start + size)
            yield replace(self, runs=self.runs[rows], origins=self.origins[rows])


def state_name(runs: Iterable[Run], epoch: int) -> str:
    """What the checkpoint of these runs after so many epochs is called, wherever they train."""
    text = "|".join(run.key.digest for run in runs)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}-{epoch}"


def jobs_from(standing: Iterable[tuple[Run, int, Origin | None, int]]) -> list[Job]:
    """One job for all runs of a variant, batch size and depth that go from one epoch to another.

    Args:
        standing: A run, the epochs that it has behind it, where its state lies (``None`` at its
            beginning), and the epochs that it is to have; one that has them is left out.
    """
    jobs: dict[tuple[ProgramKey, int, int], list[tuple[Run, Origin | None]]] = {}
    for run, epoch, origin, until in standing:
        if epoch < until:
            jobs.setdefault((run.program, epoch, until), []).append((run, origin))
    return [
        Job(
            variant=own[0][0].variant,
            batch_size=own[0][0].condition.batch_size,
            runs=tuple(run for run, _ in own),
            first=epoch,
            until=until,
            origins=tuple(origin for _, origin in own if origin is not None),
        )
        for (_, epoch, until), own in jobs.items()
    ]
