"""How far one run is: its curves so far, and where its state lies."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain import Run, RunRecord, is_of_training, is_with_population
from normwise.errors import StoreError, UnknownNameError
from normwise.execution.event import Segment, epochs_in
from normwise.execution.job import Origin

__all__ = ["RunProgress"]

# Checkpoints of a run that are remembered, as many as are kept of a stack that trains.
_STATES = 2


@dataclass
class RunProgress:
    """A run's curves so far, and where its state lies.

    Attributes:
        run: Which it is.
        learning_rate: The rate of its optimiser at the first step, > 0.
        pieces: The epoch before it, metric to ``(runs, epochs)``, and the run's row there.
        epochs: That are done.
        seconds: Its share of the time they took.
        states: Epoch and place of its newest checkpoints.
        ended_at: Epoch after which a callback ended it, or ``None``.
    """

    run: Run
    learning_rate: float
    pieces: list[tuple[int, Mapping[str, NDArray[Any]], int]] = field(default_factory=list)
    epochs: int = 0
    seconds: float = 0.0
    states: list[tuple[int, Origin]] = field(default_factory=list)
    ended_at: int | None = None

    @property
    def metrics(self) -> Collection[str]:
        """Names of what is known of its epochs, of some of them at least."""
        return dict.fromkeys(name for _, curves, _ in self.pieces for name in curves)

    @property
    def origin(self) -> tuple[int, Origin | None]:
        """Where it goes on: the epoch, and where its state after it lies; 0 at its beginning."""
        known = [one for one in self.states if one[0] <= self.epochs]
        # Of two at one epoch the newer: the older one goes.
        return max(reversed(known), key=lambda one: one[0], default=(0, None))

    def extend(self, event: Segment, row: int) -> None:
        """Take in a segment; epochs that were trained again replace what they repeat.

        Raises:
            StoreError: It does not follow what is known.
        """
        # Where a checkpoint was older than the curves.
        while self.pieces and self.pieces[-1][0] >= event.first:
            self.pieces.pop()
        known, names = 0, _always_known(event.curves)
        if self.pieces:
            begun, curves, _ = self.pieces[-1]
            known, names = begun + epochs_in(curves), _always_known(curves)
        if known < event.first or names != _always_known(event.curves):
            key = self.run.key
            raise StoreError(
                f"the journal has {known} epochs of variant {key.variant!r}, seed {key.seed}, and "
                f"then {', '.join(event.curves)} from epoch {event.first + 1}; expected what "
                f"follows; move the folder away and run the study again"
            )
        self.pieces.append((event.first, event.curves, row))
        self.epochs = event.until
        self.seconds += event.seconds / len(event.runs)
        self.ended_at = event.ended_at[row] if event.ended_at else None

    def checkpointed(self, epoch: int, origin: Origin) -> None:
        """Remember where its state after so many epochs lies."""
        self.states.append((epoch, origin))
        del self.states[:-_STATES]

    def curve(self, metric: str, until: int) -> NDArray[Any]:
        """The first epochs of a metric, ``(until,)``; NaN where it was not asked for.

        Raises:
            UnknownNameError: There is no such metric.
        """
        if metric not in self.metrics:
            raise UnknownNameError("metric", metric, self.metrics)
        values = [
            piece[metric][row] if metric in piece else np.full(epochs_in(piece), math.nan)
            for _, piece, row in self.pieces
        ]
        return np.concatenate(values)[:until]

    def value(self, metric: str, epoch: int) -> float:
        """A metric after that many epochs; NaN where the run has diverged by then."""
        if not self._is_finite(epoch).all():
            return math.nan
        return float(self.curve(metric, epoch)[-1])

    def _is_finite(self, until: int) -> NDArray[Any]:
        """Of the first epochs, whether training had not diverged: its loss says so."""
        training = [name for name in self.metrics if is_of_training(name)]
        # Steps of the user's own need not call it a loss.
        told = ["loss"] if "loss" in training else training
        found: NDArray[Any] = np.all(
            [np.isfinite(self.curve(name, until)) for name in told], axis=0
        )
        return found

    def record(self, until: int, epochs: int) -> RunRecord:
        """The run as far as it counts.

        Args:
            until: Epochs that count; it has as many or more.
            epochs: How many a run has that goes to its end.
        """
        lost = np.flatnonzero(~self._is_finite(until))
        finite = int(lost[0]) if len(lost) else until
        missing = (math.nan,) * (epochs - finite)
        condition = self.run.condition
        return RunRecord(
            key=self.run.key,
            learning_rate=self.learning_rate,
            curves={
                metric: (*self.curve(metric, finite).tolist(), *missing) for metric in self.metrics
            },
            diverged_at=finite + 1 if len(lost) else None,
            seconds=self.seconds,
            initializer=condition.initializer,
            batch_size=condition.batch_size or None,
            stopped_at=until if until < epochs else None,
            ended_at=self.ended_at,
            depth=condition.depth,
        )


def _always_known(curves: Mapping[str, Any]) -> set[str]:
    """Names of the curves that every epoch of a run has, whatever was asked for when it trained."""
    return {name for name in curves if not is_with_population(name)}
