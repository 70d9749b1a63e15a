"""What an executor says of its jobs while they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from normwise.domain import Run, RunKey

__all__ = [
    "Checkpointed",
    "Compiled",
    "Compiling",
    "Event",
    "Failed",
    "Finished",
    "Segment",
    "epochs_in",
]


@dataclass(frozen=True, slots=True)
class Compiling:
    """Programs are being compiled; said again once it is known how long that will take.

    Attributes:
        programs: How many.
        seconds: About how long, from now until all are ready, by what was measured before on this
            machine; ``None`` where nothing was, or where JAX keeps them compiled.
    """

    programs: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program is ready.

    Attributes:
        variant: Name of the variant it trains.
        batch_size: Examples in a batch.
        depth: Of the model; ``None`` where no depth is asked for.
    """

    variant: str
    batch_size: int | None
    depth: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Some runs have trained some epochs side by side.

    Attributes:
        runs: Which runs, all of one variant, batch size and depth.
        first: Epochs that they had behind them before.
        curves: Metric to ``(runs, epochs)``, in the data's own units.
        learning_rates: The rate of each run's optimiser at the first step, > 0.
        seconds: Wall time of all of them together, without compiling; Keras' own ``fit`` compiles
            on the way.
        ended_at: Of each run the epochs behind it when a callback ended it; ``None`` where none
            did. Empty where none can. Its curves then keep what it ended with.
    """

    runs: tuple[Run, ...]
    first: int
    curves: Mapping[str, NDArray[Any]]
    learning_rates: tuple[float, ...]
    seconds: float
    ended_at: tuple[int | None, ...] = ()

    @property
    def until(self) -> int:
        """Epochs that they have behind them now."""
        return self.first + epochs_in(self.curves)


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """The state of some runs is kept; from here on they can go on.

    Attributes:
        keys: Which runs, in the order of the checkpoint's rows.
        epoch: Epochs that they have behind them.
        name: The checkpoint's name.
    """

    keys: tuple[RunKey, ...]
    epoch: int
    name: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Some runs of a job have reached its end, and their states are kept.

    Attributes:
        keys: Which runs.
        epoch: Epochs that they have behind them.
    """

    keys: tuple[RunKey, ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Some runs of a job will not reach its end, however often they are tried now.

    Attributes:
        keys: Which runs.
        epoch: Epochs that they have behind them.
        why: What was raised, or what was lost, in a line.
    """

    keys: tuple[RunKey, ...]
    epoch: int
    why: str


Event: TypeAlias = Compiling | Compiled | Segment | Checkpointed | Finished | Failed


def epochs_in(curves: Mapping[str, NDArray[Any]]) -> int:
    """How many epochs curves have, metric to ``(runs, epochs)``."""
    return int(next(iter(curves.values())).shape[1])
