"""One training run: its key, and the record that it leaves behind."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from normwise.domain.condition import Condition
from normwise.domain.program import ProgramKey
from normwise.domain.variant import Variant

__all__ = ["Run", "RunKey", "RunRecord"]


@dataclass(frozen=True, slots=True)
class RunKey:
    """What makes a training run the one it is.

    Attributes:
        variant: Canonical name of the variant.
        seed: The replica's seed, ≥ 0.
        setting: Hash of everything else that shapes the run: model, data,
            optimiser, learning rate, batch size, epochs.
    """

    variant: str
    seed: int
    setting: str

    @property
    def digest(self) -> str:
        """A stable 16-digit name, the same in every process and on every machine."""
        return hashlib.sha256(f"{self.variant}|{self.seed}|{self.setting}".encode()).hexdigest()[
            :16
        ]


@dataclass(frozen=True, slots=True)
class Run:
    """A training run that a study asks for: a replica of a variant at a point of the grid.

    Attributes:
        key: What makes it the one it is; runs are equal where their keys are.
        condition: The point of the grid behind the key's hash.
    """

    key: RunKey
    condition: Condition = field(compare=False)

    @property
    def variant(self) -> Variant:
        """The plan of normalisation."""
        return _variant(self.key.variant)

    @property
    def program(self) -> ProgramKey:
        """What trains it."""
        return ProgramKey(self.key.variant, self.condition.batch_size, self.condition.depth)


@functools.cache
def _variant(name: str) -> Variant:
    return Variant.parse(name)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one finished training run leaves behind.

    Attributes:
        key: Which run it was.
        learning_rate: The optimiser's learning rate at the first step, > 0; ``None`` where what
            trained it elsewhere does not say.
        curves: Metric name (``loss``, ``accuracy``, ``val_loss``, …) to one
            value an epoch, all of the same length. After a divergence the
            values are NaN.
        diverged_at: First epoch (from 1) whose training loss was not finite,
            or ``None``.
        seconds: This replica's share of its chunk's training time.
        initializer: Name of the initialiser of all kernels; ``None`` for each layer's own.
        batch_size: Examples in a batch; ``None`` in journals that do not say.
        stopped_at: Epoch after which it was stopped, because its point of the grid was not
            going to be the best, or ``None``. After it the values are NaN.
        ended_at: Epoch after which a callback ended it, or ``None``. After it the values are
            those of the weights that it ended with.
        depth: What the model's function got as its ``depth``; ``None`` where it was not asked for.
    """

    key: RunKey
    learning_rate: float | None
    curves: Mapping[str, tuple[float, ...]] = field(repr=False)
    diverged_at: int | None = None
    seconds: float = 0.0
    initializer: str | None = None
    batch_size: int | None = None
    stopped_at: int | None = None
    ended_at: int | None = None
    depth: int | None = None

    @property
    def condition(self) -> Condition:
        """The point of the grid at which it was trained, with the learning rate that it had.

        >>> run = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (1.0,)}, batch_size=32)
        >>> print(run.condition)
        learning rate 0.1, batch size 32
        """
        return Condition(self.learning_rate, self.initializer, self.batch_size or 0, self.depth)

    @property
    def epochs(self) -> int:
        """How many epochs the run was given."""
        return len(next(iter(self.curves.values())))
