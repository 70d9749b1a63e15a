"""Looks inside some runs of each variant, which train once more for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np

from normwise import analysis
from normwise.domain import Inside, Run, RunRecord, VariantSummary
from normwise.engine import (
    Cohort,
    Looked,
    Schedule,
    StackLooks,
    largest_relative_difference,
    looked_at_by_fit,
    probed_in_fit,
)
from normwise.errors import ModelError, in_words, is_out_of_memory
from normwise.execution.setup import replica_of
from normwise.execution.streaming import window_of
from normwise.study.fits import Fits
from normwise.study.inside_files import read_inside, write_inside
from normwise.study.planners.plan import Goals
from normwise.study.store import Store
from normwise.study.training import Training

__all__ = ["looks"]

log = logging.getLogger("normwise")


def looks(
    training: Training,
    goals: Goals,
    records: Sequence[RunRecord],
    standing: Sequence[VariantSummary],
    fits: Fits,
    store: Store | None,
) -> list[Inside]:
    """What probes see inside the first runs of each variant, where that was asked.

    Args:
        training: The training of the study.
        goals: Its runs.
        records: What they left behind.
        standing: The variants, each where it stands in the grid.
        fits: The study's variants, by Keras' own ``fit``.
        store: The study's folder, if it has one.
    """
    spec = training.case.question.spec
    if not spec.probe:
        return []
    chosen = [_first_runs(variant, records, spec.probe_runs) for variant in standing]
    keys = [record.key for own in chosen for record in own]
    there = [] if store is None else read_inside(store.folder, keys)
    known = {seen.key: seen for seen in there}
    runs = {run.key: run for run in goals}
    missing = [{runs[one.key]: one for one in own if one.key not in known} for own in chosen]
    try:
        for seen in _seen([own for own in missing if own], training, fits):
            known[seen.key] = seen
            if store is not None:
                write_inside(store.folder, seen)
    except KeyboardInterrupt:
        log.warning(
            "Interrupted while looking inside: %d of %d runs are looked into. The study itself is "
            "done; the same command looks into the others.",
            len(known),
            len(keys),
        )
    return [known[key] for key in keys if key in known]


def _first_runs(
    variant: VariantSummary, records: Sequence[RunRecord], count: int
) -> list[RunRecord]:
    own = analysis.runs_at_best(variant, records)
    return sorted(own, key=lambda run: run.key.seed)[:count]


def _seen(
    wanted: Sequence[Mapping[Run, RunRecord]], training: Training, fits: Fits
) -> Iterator[Inside]:
    """What is seen in runs of each variant; nothing, and a word of it, where that cannot be.

    Programs compile beside each other, and beside the runs that are looked at already.
    """
    if wanted:
        training.begin()
        training.watch.stage("looking inside")
    pool = ThreadPoolExecutor()
    try:
        begun = [(own, _begun(list(own), fits, pool)) for own in wanted]
        for own, looked in begun:
            variant = next(iter(own)).key.variant
            training.watch.stage("looking inside", variant)
            # None, where that cannot be.
            for (run, record), one in zip(own.items(), _of(looked, variant), strict=False):
                yield Inside(run.key, one.names, one.series, _difference(one, record, fits))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for no compiler


def _of(looked: Callable[[], Sequence[Looked]], variant: str) -> Sequence[Looked]:
    """What is seen; nothing where memory does not suffice: the study's answer is there without."""
    try:
        return looked()
    except ModelError as error:
        _say(variant, str(error))
        return []
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _say(variant, f"memory does not suffice ({in_words(error)})")
        return []


def _say(variant: str, why: str) -> None:
    log.warning("%s is not looked into: %s.", variant, why)


def _begun(
    runs: Sequence[Run], fits: Fits, pool: ThreadPoolExecutor
) -> Callable[[], Sequence[Looked]]:
    """What looks at runs of one variant, as far as that can be begun beside other work."""
    first = runs[0]
    by_fit = fits.setup.engine.is_fit or window_of(fits.setup.spec, first.condition.batch_size)
    try:
        return _by_fit(runs, fits) if by_fit else _in_stack(runs, fits, pool)
    except ModelError as error:
        _say(first.key.variant, str(error))
        return list


def _in_stack(
    runs: Sequence[Run], fits: Fits, pool: ThreadPoolExecutor
) -> Callable[[], list[Looked]]:
    setup, first = fits.setup, runs[0]
    devices = min(setup.devices, len(runs))
    schedule = Schedule(devices, -(-len(runs) // devices))
    size, depth = first.condition.batch_size, first.condition.depth
    cohort = cast("Cohort", setup.cohort(first.variant, size, schedule, depth=depth))
    stack = StackLooks.of(cohort, size)
    compiled = pool.submit(stack.compile, stack.lower())
    replicas = [replica_of(run) for run in runs]
    return lambda: stack.looked_at(compiled.result(), replicas)


def _by_fit(runs: Sequence[Run], fits: Fits) -> Callable[[], list[Looked]]:
    setup, program = fits.setup, runs[0].program
    made = setup.engine.callbacks
    if made is None:
        fit = fits.of(program)
        probed = probed_in_fit(fit)
        return lambda: [
            looked_at_by_fit(fit, probed, replica_of(run), setup.spec.epochs) for run in runs
        ]

    def alone(run: Run) -> Looked:
        fit = fits.anew(program)  # callbacks may change the model itself
        callbacks = made.made(run.key.variant, run.key.seed)
        replica, epochs = replica_of(run), setup.spec.epochs
        return looked_at_by_fit(fit, probed_in_fit(fit), replica, epochs, callbacks)

    return lambda: list(map(alone, runs))


def _difference(looked: Looked, record: RunRecord, fits: Fits) -> float:
    """Of the losses of the first epoch, as the study trained it and as it was looked at."""
    curves = fits.setup.recipe.in_own_units(
        {name: np.asarray(values[:1]) for name, values in looked.curves.items() if "loss" in name}
    )
    own = {name: record.curves[name][:1] for name in curves}
    return largest_relative_difference(own, curves)
