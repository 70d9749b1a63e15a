"""The solo check: a study's replicas trained again by Keras' own ``fit``, to the same curves."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeAlias

from normwise.data import Dataset
from normwise.data.nested import rows
from normwise.domain import (
    EpochTimes,
    ProgramKey,
    Run,
    RunRecord,
    SoloCheck,
    is_with_population,
)
from normwise.engine import Fit, Schedule, fit_on, largest_relative_difference, sample
from normwise.execution.setup import replica_of
from normwise.study.allowance import Allowance
from normwise.study.fits import SHORT, Fits

__all__ = ["Trained", "verify"]

# Metric to one value an epoch.
Curves: TypeAlias = dict[str, list[float]]
# What losses differ by, and whether rounding explains it.
Start: TypeAlias = tuple[float, bool]
# Gives some data, and what the engine makes of them in an epoch.
Trains: TypeAlias = Callable[[], tuple[Dataset, Curves]]

log = logging.getLogger("normwise")

# Rounding explains this much over the first few batches in any network (guarantee 1), and so many
# times what it grows to in other `fit`s that start a rounding away.
ROUNDING, TIMES = 1e-4, 10
NUDGES = (1, 2, 3)
# The study's own first epoch is looked at where it is short and `fit` trains it in a moment, of so
# many seconds: a program for fewer batches would take longer to compile.
MOMENT = 1.0
# Of the replica that is trained as a whole, so many times the epochs before are trained at a time:
# what they took with all that `fit` does beside says how many more there may be.
AT_A_TIME = 3


class Trained(NamedTuple):
    """A run, and what training it has given."""

    run: Run
    record: RunRecord

    @property
    def epochs(self) -> int:
        """That count, of those that it trained."""
        return self.record.stopped_at or self.record.epochs


def verify(
    fits: Fits,
    whole: Trained,
    starts: Sequence[Trained],
    times: Mapping[ProgramKey, EpochTimes],
    allowance: Allowance,
) -> SoloCheck:
    """Train again by Keras' own ``fit``, one after another.

    Args:
        fits: The study's variants, by Keras' own ``fit``.
        whole: The replica that is trained to its end, as far as the allowance goes.
        starts: One of each variant, whose first batches are trained in any case.
        times: What an epoch takes by ``fit``, of the program of each of these.
        allowance: What that may take.
    """
    short = {one.run.program for one in starts if min(times[one.run.program].wall) < MOMENT}
    found = _starts(fits, starts, short)
    alone = _first_epochs(fits, whole, times[whole.run.program], allowance.for_whole_run())
    epochs = len(next(iter(alone.values()), ()))
    return SoloCheck(
        **_whole_run(whole, alone) if epochs else _its_first_batches(whole, starts, found),
        first_steps={name: difference for name, (difference, _) in found.items()},
        failed=tuple(name for name, (_, is_rounding) in found.items() if not is_rounding),
        epochs_checked=epochs,
        epochs_trained=whole.epochs,
    )


def _whole_run(whole: Trained, alone: Curves) -> dict[str, Any]:
    """What the epochs of a replica differ by."""
    key = whole.record.key
    stacked = {name: whole.record.curves[name][: len(values)] for name, values in alone.items()}
    return {
        "variant": key.variant,
        "seed": key.seed,
        "max_relative_difference": largest_relative_difference(alone, stacked),
        "first_epoch_difference": largest_relative_difference(alone, _losses(stacked)),
    }


def _its_first_batches(
    whole: Trained, starts: Sequence[Trained], found: Mapping[str, Start]
) -> dict[str, Any]:
    """The same over the first batches of its variant, where no epoch could be trained."""
    [key] = [one.record.key for one in starts if one.record.key.variant == whole.record.key.variant]
    names = ("max_relative_difference", "first_epoch_difference")
    return {
        "variant": key.variant,
        "seed": key.seed,
        **dict.fromkeys(names, found[key.variant][0]),
    }


def _first_epochs(fits: Fits, whole: Trained, times: EpochTimes, allowed: float) -> Curves:
    """Curves of a replica by ``fit``, of as many epochs as may be trained in so many seconds."""
    fit, replica = fits.of(whole.run.program), replica_of(whole.run)
    state, curves, done, pace = fit.begin(replica), Curves(), 0, min(times.wall)
    until = time.perf_counter() + allowed
    while done < whole.epochs:
        began = time.perf_counter()
        count = min(whole.epochs - done, max(1, AT_A_TIME * done), int((until - began) / pace))
        if count < 1:
            break
        fitted = fit.train(replica, state, range(done, done + count), of=whole.record.epochs)
        for name, values in fitted.curves.items():
            curves.setdefault(name, []).extend(values)
        state, done = fitted.state, done + count
        pace = (time.perf_counter() - began) / count
    return fits.setup.recipe.in_own_units(curves)


def _starts(
    fits: Fits, starts: Sequence[Trained], short: Collection[ProgramKey]
) -> dict[str, Start]:
    """What the first batches of each variant differ by.

    Args:
        fits: The study's variants, by Keras' own ``fit``.
        starts: One replica of each.
        short: Programs of which ``fit`` trains an epoch in a moment.
    """
    pool = ThreadPoolExecutor()
    try:
        begun = [(one, _beginnings(fits, one, short, pool)) for one in starts]
        return {one.record.key.variant: _start(fits, one, own) for one, own in begun}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for no compiler


def _start(fits: Fits, one: Trained, beginnings: Iterable[Trains]) -> Start:
    """What the losses of a replica's first batches differ by, and whether rounding explains it."""
    difference = math.inf
    fit = fits.of(one.run.program)
    for trained in beginnings:
        part, stacked = trained()
        alone = _epoch(fits, one.run, fit_on(fit, part))
        difference = largest_relative_difference(alone, _losses(stacked))
        if difference <= ROUNDING:
            return difference, True
        if _is_long(part, one.run.condition.batch_size):
            continue  # rounding may have grown: the first of these batches tell
        if not _repeats(fits, one, part):
            return difference, False
        nudged = [_epoch(fits, one.run, fit_on(fit, part), nudge) for nudge in NUDGES]
        grown = max(largest_relative_difference(alone, _losses(curves)) for curves in nudged)
        if difference > TIMES * grown:
            return difference, False
    return difference, True


def _repeats(fits: Fits, one: Trained, part: Dataset) -> bool:
    """Whether a batch has the same loss in two fits from the same weights, each traced anew.

    Where it has not, fits drift apart without any rounding: code of the user's draws or counts
    anew whenever it is traced.
    """
    size, program = one.run.condition.batch_size, one.run.program
    batch = part.of(rows(part.train, slice(size)), part.val)
    traced = (fit_on(fits.anew(program), batch) for _ in range(2))
    first, second = ({"loss": _epoch(fits, one.run, fit)["loss"]} for fit in traced)
    if largest_relative_difference(first, second) <= ROUNDING:
        return True
    log.warning(
        "The model of %r gives a batch another loss in each fit from the same weights: its code "
        "draws or counts outside of keras.ops, whenever it is traced. Draw by keras.random with a "
        "keras.random.SeedGenerator.",
        one.record.key.variant,
    )
    return False


def _epoch(fits: Fits, run: Run, fit: Fit, nudge: int = 0) -> Curves:
    """Curves of a replica's first epoch by ``fit``.

    Args:
        fits: The study's variants, by Keras' own ``fit``.
        run: Which replica.
        fit: Of its program, on the data of that epoch.
        nudge: Above 0, start from weights that differ by rounding, each number in another way.
    """
    replica = replica_of(run)
    fitted = fit.train(replica, fit.begin(replica, nudge), range(1))
    return fits.setup.recipe.in_own_units(fitted.curves)


def _beginnings(
    fits: Fits, one: Trained, short: Collection[ProgramKey], pool: ThreadPoolExecutor
) -> Iterable[Trains]:
    """What gives the replica's first batches, and what the engine makes of them in an epoch.

    First the study's own first epoch, unless that is long: it is known. Then a few whole batches
    alone, for which a program is compiled: a last one of few examples amplifies rounding.
    """
    dataset, size = fits.setup.recipe.dataset, one.run.condition.batch_size
    is_short = one.run.program in short or not _is_long(dataset, size)
    if dataset.examples <= SHORT * size and is_short:
        return _known_first(fits, one, pool)
    return [_few(fits, one, pool)]


def _known_first(fits: Fits, one: Trained, pool: ThreadPoolExecutor) -> Iterator[Trains]:
    """The program is compiled where that is asked for, and not before."""
    first = {name: [values[0]] for name, values in one.record.curves.items()}
    yield lambda: (fits.setup.recipe.dataset, first)
    yield _few(fits, one, pool)


def _few(fits: Fits, one: Trained, pool: ThreadPoolExecutor) -> Trains:
    """Begin to compile what trains a few batches of the replica."""
    recipe, condition = fits.setup.recipe, one.run.condition
    few, size, depth = (
        sample(recipe.dataset, condition.batch_size),
        condition.batch_size,
        condition.depth,
    )
    cohort = fits.setup.cohort(one.run.variant, size, Schedule(1, 1), few, epochs=1, depth=depth)
    compiled = pool.submit(cohort.compile, cohort.lower())

    def trained() -> tuple[Dataset, Curves]:
        [chunk] = cohort.run(compiled.result(), [replica_of(one.run)])
        curves = recipe.in_own_units(chunk.curves)
        return few, {metric: values[0].tolist() for metric, values in curves.items()}

    return trained


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
