"""Training the replicas that a study asks for: arm by arm, journalled chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from normwise.datasets import Dataset
from normwise.domain import Condition, RunKey, RunRecord, Variant
from normwise.engine import (
    Chunk,
    Keep,
    Replica,
    Schedule,
    run_halving,
    sample,
    seconds_per_epoch,
    train_alone,
)
from normwise.models.compiling import learning_rate_of
from normwise.study.plan import Arm, Plan
from normwise.study.winners import Weights, Winners

if TYPE_CHECKING:
    import keras

__all__ = ["Curves", "OnEpoch", "Place", "Trainer"]

# What a key means: its variant, and its point of the grid.
Place = tuple[Variant, Condition]
# Metric to one value an epoch.
Curves = dict[str, list[float]]
# Called with (variant, epochs done, replicas in the chunk).
OnEpoch = Callable[[str, int, int], None]


class Trainer:
    """Trains replicas, and keeps what training one of them again would need.

    Args:
        plan: Every variant, ready to be compiled.
        settings: A point of the grid to the hash that stands in its runs' keys.
        winners: Is offered every chunk.
    """

    def __init__(self, plan: Plan, settings: Mapping[Condition, str], winners: Winners) -> None:
        self._plan, self._settings, self._winners = plan, settings, winners
        self._arms: dict[tuple[str, int], Arm] = {}

    def prepare(self, wanted: Mapping[RunKey, Place]) -> list[Arm]:
        """What trains these replicas, in order, compiling side by side."""
        places = dict.fromkeys((variant, point.batch_size) for variant, point in wanted.values())
        new = [place for place in places if _name(place) not in self._arms]
        self._arms |= {_name((arm.variant, arm.batch_size)): arm for arm in self._plan.arms(new)}
        return [self._arms[_name(place)] for place in places]

    def train(
        self, wanted: Mapping[RunKey, Place], on_epoch: OnEpoch, keep: Keep | None = None
    ) -> Iterator[list[RunRecord]]:
        """Train these replicas; a chunk's records at a time.

        Args:
            wanted: Which.
            on_epoch: Called often.
            keep: Which of an arm's replicas go on when they are looked at; all unless told.
        """
        arms = self.prepare(wanted)
        for arm in arms:
            arm.compiled.result()
        for arm in arms:
            own = {key: place for key, place in wanted.items() if _is_of(arm, place)}
            yield from self._train_arm(arm, own, on_epoch, keep)

    def train_alone(
        self,
        key: RunKey,
        place: Place,
        dataset: Dataset | None = None,
        epochs: int | None = None,
        *,
        nudge: int = 0,
    ) -> Curves:
        """Curves of one replica, trained by Keras' own ``fit``.

        Args:
            key: Which.
            place: What it means.
            dataset: A part of the study's; all of it unless given.
            epochs: As many as the study's unless given.
            nudge: Above 0, start from weights that differ by rounding.
        """
        variant, point = place
        recipe = self._plan.recipe
        model, initial = self._plan.model(variant, point.learning_rate)
        curves = train_alone(
            model,
            initial,
            dataset or recipe.dataset,
            replica=_replica(key, point),
            epochs=epochs or recipe.spec.epochs,
            batch_size=point.batch_size,
            weights=recipe.weights,
            nudge=nudge,
        )
        return recipe.in_own_units(curves)

    def beginnings(self, record: RunRecord, place: Place) -> Iterator[tuple[Dataset, Curves]]:
        """The replica's first batches, and what the engine makes of them in an epoch.

        First the study's own first epoch, if that has no more than a few batches: it is known.
        Then whole batches alone, trained for this: a last one of few examples amplifies rounding.
        """
        variant, point = place
        dataset = self._plan.recipe.dataset
        few = sample(dataset, point.batch_size)
        if len(few.x_train) // point.batch_size >= len(dataset.x_train) // point.batch_size:
            yield dataset, {name: [values[0]] for name, values in record.curves.items()}
        cohort = self._plan.cohort(variant, point.batch_size, Schedule(1, 1), few, epochs=1)
        compiled = cohort.compile(cohort.lower())
        [chunk] = cohort.run(compiled, [_replica(record.key, point)], lambda *_: None)
        curves = self._plan.recipe.in_own_units(chunk.curves)
        yield few, {metric: values[0].tolist() for metric, values in curves.items()}

    def time_alone(
        self, places: Mapping[tuple[str, int | None], Variant]
    ) -> dict[tuple[str, int | None], float]:
        """Seconds of an epoch by Keras' own ``fit``, by variant and batch size."""
        models = {
            (name, size): (self._plan.model(variant)[0], size or 1)
            for (name, size), variant in places.items()
        }
        return seconds_per_epoch(models, self._plan.recipe.dataset)

    def trained_model(self, key: RunKey, place: Place) -> keras.Model:
        """The replica as a Keras model, trained, and compiled with the loss as it is recorded."""
        model = self._plan.recipe.compile(self._plan.model(place[0])[0], loss_unit=1)
        # The same seed gives the same weights, where they were not kept.
        weights = self._winners.weights(key) or self._trained_again(key, place)
        for variables, values in zip(
            (model.trainable_variables, model.non_trainable_variables), weights, strict=True
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return model

    def _train_arm(
        self, arm: Arm, wanted: Mapping[RunKey, Place], on_epoch: OnEpoch, keep: Keep | None
    ) -> Iterator[list[RunRecord]]:
        name, cohort, compiled = arm.variant.name, arm.cohort, arm.compiled.result()
        replicas = [_replica(key, point) for key, (_, point) in wanted.items()]

        def report(epoch: int, count: int) -> None:
            on_epoch(name, epoch, count)

        chunks = (
            cohort.run(compiled, replicas, report)
            if keep is None
            else run_halving(cohort, compiled, replicas, keep, report)
        )
        for chunk in chunks:
            records = list(self._chunk_records(arm, chunk))
            if chunk.curves["loss"].shape[1] == cohort.epochs:
                self._winners.offer([record.key for record in records], chunk)
            yield records

    def _chunk_records(self, arm: Arm, chunk: Chunk) -> Iterator[RunRecord]:
        compiled_rate = learning_rate_of(arm.cohort.program.model)
        done, epochs = chunk.curves["loss"].shape[1], arm.cohort.epochs
        own = self._plan.recipe.in_own_units(chunk.curves)
        for index, replica in enumerate(chunk.replicas):
            point = Condition(replica.learning_rate, replica.initializer, arm.batch_size)
            diverged = np.flatnonzero(~np.isfinite(chunk.curves["loss"][index]))
            first = int(diverged[0]) if len(diverged) else done
            curves = {
                metric: tuple(
                    float(values[index, epoch]) if epoch < first else math.nan
                    for epoch in range(epochs)
                )
                for metric, values in own.items()
            }
            yield RunRecord(
                key=RunKey(arm.variant.name, replica.seed, self._settings[point]),
                learning_rate=replica.learning_rate or compiled_rate,
                curves=curves,
                diverged_at=first + 1 if len(diverged) else None,
                seconds=chunk.seconds / len(chunk.replicas),
                initializer=point.initializer,
                batch_size=point.batch_size,
                stopped_at=done if done < epochs else None,
            )

    def _trained_again(self, key: RunKey, place: Place) -> Weights:
        [arm] = self.prepare({key: place})
        replica = _replica(key, place[1])
        chunk = next(arm.cohort.run(arm.compiled.result(), [replica], lambda *_: None))
        return [v[0] for v in chunk.trainable], [v[0] for v in chunk.non_trainable]


def _name(place: tuple[Variant, int]) -> tuple[str, int]:
    return place[0].name, place[1]


def _is_of(arm: Arm, place: Place) -> bool:
    variant, point = place
    return (variant, point.batch_size) == (arm.variant, arm.batch_size)


def _replica(key: RunKey, point: Condition) -> Replica:
    return Replica(key.seed, point.learning_rate, point.initializer)
