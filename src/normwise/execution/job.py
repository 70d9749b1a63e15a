"""Work for an executor, as plain data: it may cross to another process or machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from normwise.domain import Run, Variant

__all__ = ["Job", "Origin", "state_name"]


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
    """Runs of one variant and batch size, from one epoch to another.

    Attributes:
        variant: The plan of normalisation.
        batch_size: Examples in a batch.
        runs: Which runs, each with the same variant and batch size.
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

    @property
    def place(self) -> tuple[str, int]:
        """What is compiled for it: the variant's name and the batch size."""
        return self.variant.name, self.batch_size

    def after(self, epoch: int, checkpoint: str) -> Job:
        """What is left of this work once a checkpoint holds all of its runs, in their order."""
        origins = tuple(Origin(checkpoint, row) for row in range(len(self.runs)))
        return replace(self, first=epoch, origins=origins)

    def parts(self, size: int) -> Iterator[Job]:
        """The same work as jobs of at most ``size`` runs."""
        for start in range(0, len(self.runs), size):
            rows = slice(start, start + size)
            yield replace(self, runs=self.runs[rows], origins=self.origins[rows])


def state_name(runs: Iterable[Run], epoch: int) -> str:
    """What the checkpoint of these runs after so many epochs is called, wherever they train."""
    text = "|".join(run.key.digest for run in runs)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}-{epoch}"
