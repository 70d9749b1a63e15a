"""How long an epoch takes a model that trains alone, by Keras' own ``fit``."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import NamedTuple, TypeVar

import keras
import numpy as np
import psutil

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.domain import EpochTimes
from normwise.engine.contention import Moment, computes_on_cpu, is_calm, now
from normwise.models.optimizers import inner_optimizer

__all__ = ["Lap", "epoch_times", "in_rounds"]

# A timed epoch has about as many batches as fit into this, or all.
EPOCH_SECONDS = 0.04
# So many rounds in which the machine is free are wanted; after so many in which it is not, no more.
ROUNDS = 6
# So many are timed, however long they take: from fewer nothing is concluded.
FEWEST_ROUNDS = 4
# Epochs of one `fit`; the first of them waits for what `fit` sets up, and does not count.
EPOCHS_A_LAP = 3

Name = TypeVar("Name", bound=Hashable)


class Lap(NamedTuple):
    """What one model took in one round.

    Attributes:
        wall: Seconds of an epoch.
        processor: Processor seconds of that epoch.
        calm: Whether the machine was free meanwhile.
    """

    wall: float
    processor: float
    calm: bool


def epoch_times(
    models: Mapping[Name, tuple[keras.Model, int]],
    dataset: Dataset,
    allowed: Callable[[Mapping[Name, float]], float] = lambda _: math.inf,
) -> dict[Name, EpochTimes]:
    """Seconds of an epoch of each model, round by round; compiling and validation not counted.

    Where an epoch is long, some of its batches stand for all: as many of each model that has
    batches of one size, so that what an epoch costs beside its batches is in all alike.

    Args:
        models: Compiled models, each with its batch size; their weights change.
        dataset: What they train on.
        allowed: From what an epoch of each takes, roughly, the seconds that all rounds may take,
            > 0. Where they do not suffice, there are fewer batches and rounds, but not less than
            the fewest that tell anything.

    >>> import normwise.data
    >>> circles = normwise.data.find_dataset("circles")
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> 0 < epoch_times({"small": (model, 32)}, circles)["small"].seconds < 10
    True
    """

    def whole(size: int) -> int:
        return math.ceil(dataset.examples / size)

    # The first epoch compiles the step.
    steps = {name: _least_of(model, dataset, size, 1) for name, (model, size) in models.items()}
    seconds = allowed({name: step * whole(models[name][1]) for name, step in steps.items()})
    epoch = min(EPOCH_SECONDS, seconds / (ROUNDS * EPOCHS_A_LAP * len(models)))
    parts: dict[int, int] = {}
    for name, (model, size) in models.items():
        if size not in parts:
            parts[size] = _part(model, size, dataset, steps[name], epoch)

    def lap(name: Name) -> Lap:
        model, size = models[name]
        return _lap(model, size, dataset, parts[size], whole(size))

    return in_rounds(list(models), lap, seconds)


def in_rounds(
    names: Collection[Name], lap: Callable[[Name], Lap], seconds: float = math.inf
) -> dict[Name, EpochTimes]:
    """Time each of several in turn, in rounds that go back and forth.

    So a machine that slows down slows all of them, and whoever compares two of them does so round
    by round. Where the machine was busy in a round, another one is tried: not for ever.

    Args:
        names: Of what is timed.
        lap: Times one of them once.
        seconds: After which no further round begins, if there are enough.

    >>> found = in_rounds(["a", "b"], lambda name: Lap(1.0 if name == "a" else 2.0, 2.0, True))
    >>> found["b"].wall
    (2.0, 2.0, 2.0, 2.0, 2.0, 2.0)
    """
    laps: dict[Name, list[Lap]] = {name: [] for name in names}
    rounds = {True: 0, False: 0}
    begun = now()

    def goes_on() -> bool:
        is_late = sum(rounds.values()) >= FEWEST_ROUNDS and now().since(begun).wall >= seconds
        return max(rounds.values()) < ROUNDS and not is_late

    while goes_on():
        order = laps if sum(rounds.values()) % 2 == 0 else reversed(laps)
        for name in order:
            laps[name].append(lap(name))
        rounds[all(own[-1].calm for own in laps.values())] += 1
    return {name: EpochTimes(*map(tuple, zip(*own, strict=True))) for name, own in laps.items()}


def _part(model: keras.Model, size: int, dataset: Dataset, step: float, epoch: float) -> int:
    """How many batches to time, where a step takes so long and a timed epoch should."""
    whole = max(1, dataset.examples // size)
    batches, seconds = 1, step
    while batches < whole and seconds < epoch / 2:
        batches = min(whole, math.ceil(batches * min(8.0, epoch / seconds)))
        seconds = _least_of(model, dataset, size, batches)
    return batches


def _least_of(model: keras.Model, dataset: Dataset, size: int, batches: int) -> float:
    """Seconds of the faster of two epochs of so many batches, if they are alone."""
    epochs, _ = _fit(model, dataset, size, batches, epochs=2)
    return min(map(_least, epochs))


def _least(epoch: Moment) -> float:
    """Seconds of an epoch that would be alone: on a CPU no more than its processor time."""
    return min(epoch.wall, epoch.processor) if computes_on_cpu() else epoch.wall


def _lap(model: keras.Model, size: int, dataset: Dataset, batches: int, whole: int) -> Lap:
    epochs, passed = _fit(model, dataset, size, batches, EPOCHS_A_LAP)
    # The faster of them: what interrupts is shorter than an epoch, or slows both.
    fastest = min(epochs[1:])
    calm = is_calm(passed, psutil.cpu_count() or 1, on_cpu=computes_on_cpu())
    return Lap(fastest.wall * whole / batches, fastest.processor * whole / batches, calm)


def _fit(
    model: keras.Model, dataset: Dataset, size: int, batches: int, epochs: int
) -> tuple[list[Moment], Moment]:
    """What each epoch took, and all of them together."""
    if inner_optimizer(model.optimizer).use_ema:
        # A `fit` leaves weights and their averages in one buffer, which the next one would donate
        # twice (Keras 3.15).
        for variable in model.trainable_variables:
            variable.assign(np.array(variable.value))
    clock = _Clock()
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
    return clock.epochs, clock.ends[-1].since(clock.begins[0])


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes when each epoch began and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.begins: list[Moment] = []
        self.ends: list[Moment] = []

    @property
    def epochs(self) -> list[Moment]:
        """What each took."""
        return [end.since(begin) for begin, end in zip(self.begins, self.ends, strict=True)]

    def on_epoch_begin(self, *_: object) -> None:
        self.begins.append(now())

    def on_epoch_end(self, *_: object) -> None:
        self.ends.append(now())
