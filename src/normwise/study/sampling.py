"""How far off a study's population statistics are, where they are of a sample: in one replica."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from normwise import analysis
from normwise.domain import PopulationSample, RunRecord, VariantSummary, is_with_population
from normwise.engine import SampleError, State, sample_error_of
from normwise.study.fits import Fits
from normwise.study.keeping import best_run, state_of
from normwise.study.training import Training

__all__ = ["population_samples"]

# A pass through the training part takes about a third of an epoch that trains: of a variant's runs
# this is some 3%. So many may be taken in any case.
PASSES_AN_EPOCH, FEW_PASSES = 0.1, 3


def population_samples(
    training: Training,
    records: Sequence[RunRecord],
    standing: Sequence[VariantSummary],
    fits: Fits,
) -> dict[str, PopulationSample]:
    """By variant, where its statistics are of a sample and the state of its best run is at hand.

    Args:
        training: Knows where states lie.
        records: All runs.
        standing: The variants, each where it stands in the grid.
        fits: Of the study's variants.
    """
    found = {}
    for variant in standing:
        own = analysis.runs_at_best(variant, records)
        state = _state_of_best(training, own)
        if state is not None and (error := sample_error_of(fits.of(variant.program))) is not None:
            epochs = len(own) * training.case.question.spec.epochs
            found[variant.name] = _sample(error, state, epochs, fits)
    return found


def _state_of_best(training: Training, runs: Sequence[RunRecord]) -> State | None:
    """Of a run that has curves with population statistics and did not diverge."""
    question = training.case.question
    best = best_run(runs, question.metric, rising=question.rising)
    if not any(map(is_with_population, best.curves)) or best.diverged_at is not None:
        return None
    return state_of(best.key, training.ledger, training.checkpoints)


def _sample(error: SampleError, state: State, epochs: int, fits: Fits) -> PopulationSample:
    counts = len(error.sample.rows), len(error.whole.rows)
    passes, most = error.whole.passes, max(FEW_PASSES, math.floor(PASSES_AN_EPOCH * epochs))
    if passes > most:
        why = f"it takes {passes} passes through the training part, and {most} are worth it"
        return PopulationSample(*counts, off={}, why=why)
    own, whole = map(fits.setup.recipe.in_own_units, error.metrics(state))
    return PopulationSample(*counts, off=_apart(own, whole))


def _apart(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: abs(float(one[name]) - float(other[name])) for name in one}
