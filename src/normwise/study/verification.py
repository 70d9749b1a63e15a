"""What Keras' own ``fit`` makes of a study's replicas: the same curves, and in what time."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.domain import Run, RunRecord, SoloCheck, Variant
from normwise.engine import (
    Schedule,
    largest_relative_difference,
    sample,
    seconds_per_epoch,
    train_alone,
)
from normwise.execution.setup import Setup, replica_of

__all__ = ["Trained", "seconds_alone", "verify"]

# Metric to one value an epoch.
Curves = dict[str, list[float]]

log = logging.getLogger("normwise")

# Rounding explains this much over the first few batches in any network (guarantee 1), and so many
# times what it grows to in other `fit`s that start a rounding away.
ROUNDING, TIMES = 1e-4, 10
NUDGES = (1, 2, 3)


class Trained(NamedTuple):
    """A run, and what training it has given."""

    run: Run
    record: RunRecord


def verify(setup: Setup, whole: Trained, starts: Sequence[Trained]) -> SoloCheck:
    """Train again by Keras' own ``fit``, one after another.

    Args:
        setup: What the study's jobs share.
        whole: The replica that is trained to its end.
        starts: One of each variant, whose first batches are trained.
    """
    record = whole.record
    alone = _alone(setup, whole.run)
    stacked = {metric: values[: record.stopped_at] for metric, values in record.curves.items()}
    found = {one.record.key.variant: _start(setup, one) for one in starts}
    return SoloCheck(
        variant=record.key.variant,
        seed=record.key.seed,
        max_relative_difference=largest_relative_difference(alone, stacked),
        first_epoch_difference=largest_relative_difference(alone, _losses(stacked)),
        first_steps={name: difference for name, (difference, _) in found.items()},
        failed=tuple(name for name, (_, is_rounding) in found.items() if not is_rounding),
    )


def seconds_alone(
    setup: Setup, programs: Mapping[tuple[str, int | None], Variant]
) -> dict[tuple[str, int | None], float]:
    """Seconds of an epoch by Keras' own ``fit``, by variant and batch size."""
    models = {
        (name, size): (setup.model(variant)[0], size or 1)
        for (name, size), variant in programs.items()
    }
    return seconds_per_epoch(models, setup.recipe.dataset)


def _start(setup: Setup, one: Trained) -> tuple[float, bool]:
    """What the losses of a replica's first batches differ by, and whether rounding explains it."""
    difference = math.inf
    for few, stacked in _beginnings(setup, one):
        alone = _alone(setup, one.run, few, epochs=1)
        difference = largest_relative_difference(alone, _losses(stacked))
        if difference <= ROUNDING:
            return difference, True
        if not _repeats(setup, one, few):
            return difference, False
        nudged = [_alone(setup, one.run, few, epochs=1, nudge=nudge) for nudge in NUDGES]
        grown = max(largest_relative_difference(alone, _losses(curves)) for curves in nudged)
        if difference > TIMES * grown:
            return difference, False
    return difference, True


def _repeats(setup: Setup, one: Trained, few: Dataset) -> bool:
    """Whether a batch has the same loss in two fits from the same weights.

    Where it has not, fits drift apart without any rounding: code of the user's draws or counts
    anew whenever it is traced.
    """
    size = one.run.condition.batch_size
    batch = few.of(rows(few.train, slice(size)), few.val)
    first, second = ({"loss": _alone(setup, one.run, batch, epochs=1)["loss"]} for _ in range(2))
    if largest_relative_difference(first, second) <= ROUNDING:
        return True
    log.warning(
        "The model of %r gives a batch another loss in each fit from the same weights: its code "
        "draws or counts outside of keras.ops, whenever it is traced. Draw by keras.random with a "
        "keras.random.SeedGenerator.",
        one.record.key.variant,
    )
    return False


def _alone(
    setup: Setup,
    run: Run,
    dataset: Dataset | None = None,
    epochs: int | None = None,
    *,
    nudge: int = 0,
) -> Curves:
    """Curves of one replica, trained by Keras' own ``fit``.

    Args:
        setup: What the study's jobs share.
        run: Which replica.
        dataset: A part of the study's; all of it unless given.
        epochs: As many as the study's unless given.
        nudge: Above 0, start from weights that differ by rounding.
    """
    recipe = setup.recipe
    model, initial = setup.model(run.variant, run.condition.learning_rate)
    curves = train_alone(
        model,
        initial,
        dataset or recipe.dataset,
        replica=replica_of(run),
        epochs=epochs or recipe.spec.epochs,
        batch_size=run.condition.batch_size,
        nudge=nudge,
    )
    return recipe.in_own_units(curves)


def _beginnings(setup: Setup, one: Trained) -> Iterator[tuple[Dataset, Curves]]:
    """The replica's first batches, and what the engine makes of them in an epoch.

    First the study's own first epoch, if that has no more than a few batches: it is known.
    Then whole batches alone, trained for this: a last one of few examples amplifies rounding.
    """
    recipe, size = setup.recipe, one.run.condition.batch_size
    dataset = recipe.dataset
    few = sample(dataset, size)
    if few.examples // size >= dataset.examples // size:
        yield dataset, {name: [values[0]] for name, values in one.record.curves.items()}
    cohort = setup.cohort(one.run.variant, size, Schedule(1, 1), few, epochs=1)
    [chunk] = cohort.run(cohort.compile(cohort.lower()), [replica_of(one.run)])
    curves = recipe.in_own_units(chunk.curves)
    yield few, {metric: values[0].tolist() for metric, values in curves.items()}


def _losses(curves: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """Of the first epoch."""
    return {metric: values[:1] for metric, values in curves.items() if "loss" in metric}
