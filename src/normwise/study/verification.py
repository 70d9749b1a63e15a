"""What Keras' own ``fit`` makes of a study's replicas: the same curves, and in what time."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.domain import (
    EpochTimes,
    ProgramKey,
    Run,
    RunRecord,
    SoloCheck,
    Variant,
    is_with_population,
)
from normwise.engine import (
    Fit,
    Schedule,
    epoch_times,
    largest_relative_difference,
    sample,
    train_alone,
)
from normwise.execution.setup import Setup, replica_of
from normwise.execution.streaming import window_of

__all__ = ["Fits", "Trained", "times_alone", "verify"]

# Metric to one value an epoch.
Curves = dict[str, list[float]]

log = logging.getLogger("normwise")

# Rounding explains this much over the first few batches in any network (guarantee 1), and so many
# times what it grows to in other `fit`s that start a rounding away.
ROUNDING, TIMES = 1e-4, 10
NUDGES = (1, 2, 3)
# The study's own first epoch is looked at where it has at most so many batches: `fit` takes a
# second for them, and a program for fewer would take longer to compile.
KNOWN = 128


class Trained(NamedTuple):
    """A run, and what training it has given."""

    run: Run
    record: RunRecord


class Fits:
    """A study's variants as Keras' own ``fit`` trains them, each compiled once for all that asks.

    Args:
        setup: What the study's jobs share.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._fits: dict[ProgramKey, Fit] = {}

    def of(self, program: ProgramKey) -> Fit:
        """What trains such replicas on the study's data."""
        if program not in self._fits:
            self._fits[program] = self.anew(program)
        return self._fits[program]

    def anew(self, program: ProgramKey) -> Fit:
        """The same for who may change the model itself."""
        variant, size, depth = program
        return self.setup.fit(Variant.parse(variant), size or 1, depth)


def verify(fits: Fits, whole: Trained, starts: Sequence[Trained]) -> SoloCheck:
    """Train again by Keras' own ``fit``, one after another.

    Args:
        fits: The study's variants, by Keras' own ``fit``.
        whole: The replica that is trained to its end.
        starts: One of each variant, whose first batches are trained.
    """
    record = whole.record
    alone = _alone(fits, whole.run)
    stacked = {
        metric: values[: record.stopped_at]
        for metric, values in record.curves.items()
        if not is_with_population(metric)  # whose statistics do not come out of the training
    }
    found = {one.record.key.variant: _start(fits, one) for one in starts}
    return SoloCheck(
        variant=record.key.variant,
        seed=record.key.seed,
        max_relative_difference=largest_relative_difference(alone, stacked),
        first_epoch_difference=largest_relative_difference(alone, _losses(stacked)),
        first_steps={name: difference for name, (difference, _) in found.items()},
        failed=tuple(name for name, (_, is_rounding) in found.items() if not is_rounding),
    )


def times_alone(fits: Fits, programs: Collection[ProgramKey]) -> dict[ProgramKey, EpochTimes]:
    """What an epoch takes by Keras' own ``fit``, by program."""
    models = {one: (fits.of(one).model, one.batch_size or 1) for one in programs}
    return epoch_times(models, fits.setup.recipe.dataset)


def _start(fits: Fits, one: Trained) -> tuple[float, bool]:
    """What the losses of a replica's first batches differ by, and whether rounding explains it."""
    difference = math.inf
    for few, stacked in _beginnings(fits, one):
        alone = _alone(fits, one.run, few, epochs=1)
        difference = largest_relative_difference(alone, _losses(stacked))
        if difference <= ROUNDING:
            return difference, True
        if _is_long(few, one.run.condition.batch_size):
            continue  # rounding may have grown: the first of these batches tell
        if not _repeats(fits, one, few):
            return difference, False
        nudged = [_alone(fits, one.run, few, epochs=1, nudge=nudge) for nudge in NUDGES]
        grown = max(largest_relative_difference(alone, _losses(curves)) for curves in nudged)
        if difference > TIMES * grown:
            return difference, False
    return difference, True


def _repeats(fits: Fits, one: Trained, few: Dataset) -> bool:
    """Whether a batch has the same loss in two fits from the same weights.

    Where it has not, fits drift apart without any rounding: code of the user's draws or counts
    anew whenever it is traced.
    """
    size = one.run.condition.batch_size
    batch = few.of(rows(few.train, slice(size)), few.val)
    first, second = ({"loss": _alone(fits, one.run, batch, epochs=1)["loss"]} for _ in range(2))
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
    fits: Fits,
    run: Run,
    dataset: Dataset | None = None,
    epochs: int | None = None,
    *,
    nudge: int = 0,
) -> Curves:
    """Curves of one replica, trained by Keras' own ``fit``.

    Args:
        fits: The study's variants, by Keras' own ``fit``.
        run: Which replica.
        dataset: A part of the study's; all of it unless given.
        epochs: As many as the study's unless given.
        nudge: Above 0, start from weights that differ by rounding.
    """
    recipe, replica, size = fits.setup.recipe, replica_of(run), run.condition.batch_size
    epochs = epochs or recipe.spec.epochs
    if dataset is None or dataset is recipe.dataset:
        fit = fits.of(run.program)
        curves = fit.train(replica, fit.begin(replica, nudge), range(epochs)).curves
    else:
        rate, depth = run.condition.learning_rate, run.condition.depth
        model, initial = fits.setup.model(run.variant, size, rate, depth)
        curves = train_alone(
            model,
            initial,
            dataset,
            replica=replica,
            epochs=epochs,
            batch_size=size,
            nudge=nudge,
            window=window_of(recipe.spec, size),
        )
    return recipe.in_own_units(curves)


def _beginnings(fits: Fits, one: Trained) -> Iterator[tuple[Dataset, Curves]]:
    """The replica's first batches, and what the engine makes of them in an epoch.

    First the study's own first epoch, unless that is long: it is known. Then a few whole batches
    alone, for which a program is compiled: a last one of few examples amplifies rounding.
    """
    recipe, size = fits.setup.recipe, one.run.condition.batch_size
    dataset = recipe.dataset
    few = sample(dataset, size)
    if dataset.examples <= KNOWN * size:
        yield dataset, {name: [values[0]] for name, values in one.record.curves.items()}
    variant, depth = one.run.variant, one.run.condition.depth
    cohort = fits.setup.cohort(variant, size, Schedule(1, 1), few, epochs=1, depth=depth)
    [chunk] = cohort.run(cohort.compile(cohort.lower()), [replica_of(one.run)])
    curves = recipe.in_own_units(chunk.curves)
    yield few, {metric: values[0].tolist() for metric, values in curves.items()}


def _is_long(dataset: Dataset, batch_size: int) -> bool:
    """Whether an epoch has more batches than rounding is known to stay small over."""
    return sample(dataset, batch_size).examples // batch_size < dataset.examples // batch_size


def _losses(curves: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """Of the first epoch, but for those with population statistics."""
    return {
        metric: values[:1]
        for metric, values in curves.items()
        if "loss" in metric and not is_with_population(metric)
    }
