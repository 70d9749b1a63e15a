"""How long an epoch takes a model that trains alone, by Keras' own ``fit``."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Hashable, Mapping
from typing import TypeVar

import keras
import numpy as np

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.models.optimizers import inner_optimizer

__all__ = ["seconds_per_epoch"]

# A timed epoch has as many batches as fit into this, or all; so many are timed, in so many turns.
EPOCH_SECONDS = 0.1
EPOCHS_A_TURN = 3
TURNS = 3

Name = TypeVar("Name", bound=Hashable)


def seconds_per_epoch(
    models: Mapping[Name, tuple[keras.Model, int]], dataset: Dataset
) -> dict[Name, float]:
    """Seconds of an epoch of each model, compiling and validation not counted.

    The models take turns, so that a machine that slows down slows all of them. Where an epoch
    is long, some of its batches stand for all. What is reported is the median.

    Args:
        models: Compiled models, each with its batch size; their weights change.
        dataset: What they train on.

    >>> import normwise.data
    >>> circles = normwise.data.find_dataset("circles")
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> 0 < seconds_per_epoch({"small": (model, 32)}, circles)["small"] < 10
    True
    """
    parts = {name: _part(*models[name], dataset) for name in models}
    timed: dict[Name, list[float]] = {name: [] for name in models}
    for _ in range(TURNS):
        for name, (model, size) in models.items():
            timed[name] += _epochs(model, dataset, size, parts[name], EPOCHS_A_TURN)
    return {
        name: statistics.median(timed[name]) * _batches(dataset, size) / parts[name]
        for name, (_, size) in models.items()
    }


def _batches(dataset: Dataset, size: int) -> int:
    return math.ceil(dataset.examples / size)


def _part(model: keras.Model, size: int, dataset: Dataset) -> int:
    """Batches to time; compiles the model on the way."""
    _epochs(model, dataset, size, batches=1, epochs=1)
    one = min(_epochs(model, dataset, size, batches=1, epochs=2))
    whole = max(1, dataset.examples // size)
    return max(1, min(int(EPOCH_SECONDS / one), whole))


def _epochs(
    model: keras.Model, dataset: Dataset, size: int, batches: int, epochs: int
) -> list[float]:
    clock = _Clock()
    if inner_optimizer(model.optimizer).use_ema:
        # A `fit` leaves weights and their averages in one buffer, which the next one would donate
        # twice (Keras 3.15).
        for variable in model.trainable_variables:
            variable.assign(np.array(variable.value))
    x, y, weights = rows(dataset.train, slice(batches * size))
    model.fit(
        x,
        y,
        sample_weight=weights,
        batch_size=size,
        epochs=epochs,
        callbacks=[clock],
        verbose=0,
    )
    return clock.seconds


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes how long each epoch took."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, *_: object) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, *_: object) -> None:
        self.seconds.append(time.perf_counter() - self._started)
