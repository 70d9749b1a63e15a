"""One variant in numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from normwise.analysis._direction import higher_is_better
from normwise.analysis._final import final_gain, final_mean
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._mean import restricted_mean
from normwise.analysis._median import median_epochs
from normwise.analysis._never import never_of
from normwise.analysis._noise import median_noise
from normwise.analysis._order import SHORTFALL, typical
from normwise.analysis._pace import epoch_seconds
from normwise.analysis._range import working_range
from normwise.analysis._saving import with_savings
from normwise.analysis._stopping import early_stopping, lost_by_stopping
from normwise.domain import EarlyStopping, EpochsToTarget, Estimate, Lag, RunRecord, VariantSummary

__all__ = ["variant_summary"]


def variant_summary(
    variant: JudgedRuns,
    measures: Measures,
    *,
    patience: int | None,
    price: float | None,
    lag: Lag | None = None,
) -> VariantSummary:
    """One variant in numbers, from the runs that judge it.

    Args:
        variant: Its runs.
        measures: What all variants are measured by.
        patience: Also say what early stopping with this patience would have saved.
        price: Price of an hour, in any currency.
        lag: Of its moving statistics, where that was measured.
    """
    target, horizon, confidence = measures.target, measures.horizon, measures.confidence
    epochs = list(variant.epochs(horizon).values())
    reached = sum(map(math.isfinite, epochs))
    diverged = sum(found.kind == "diverged" for found in variant.outcomes.values())
    runs = list(variant.runs.values())
    point = variant.point
    metrics = dict.fromkeys(metric for run in runs for metric in run.curves)
    times = EpochsToTarget(
        median=median_epochs(epochs, horizon=horizon, confidence=confidence),
        restricted_mean=restricted_mean(epochs, horizon, confidence),
        reached=reached,
        censored=len(runs) - reached - diverged,
        diverged=diverged,
    )
    alone = epoch_seconds(measures.times_of(variant), confidence)
    seconds = measures.seconds_of(variant)
    return VariantSummary(
        name=variant.name,
        seeds=len(runs),
        final={metric: final_mean(runs, metric, confidence) for metric in metrics},
        epochs_to_target=times,
        never=never_of(variant, measures),
        seconds_per_epoch=seconds,
        # That of its runs, since a point of the grid may leave it open.
        learning_rate=runs[0].learning_rate,
        initializer=point.initializer,
        batch_size=point.batch_size or None,
        depth=point.depth,
        working_range=working_range(variant.all_runs, target, confidence, horizon),
        early_stopping=(
            None
            if patience is None
            else with_savings(_stopped(runs, measures, patience), alone or seconds, price)
        ),
        cost=None if price is None else times.median.times(alone or seconds).times(price / 3600),
        epoch_seconds=alone,
        epoch_noise=median_noise(run.curves[target.metric] for run in runs),
        lag=lag,
        final_median={metric: _median(runs, metric, measures) for metric in metrics},
    )


def _stopped(runs: Sequence[RunRecord], measures: Measures, patience: int) -> EarlyStopping:
    target = measures.target
    return replace(
        early_stopping(runs, target.metric, patience, measures.confidence),
        lost=lost_by_stopping(runs, target, patience, measures.end_margin),
    )


def _median(runs: Sequence[RunRecord], metric: str, measures: Measures) -> Estimate:
    target = measures.target
    rising = target.relation == ">=" if metric == target.metric else higher_is_better(metric)
    gains = [final_gain(run, metric, rising=rising) for run in runs]
    known = [gain for gain in gains if not math.isnan(gain)]
    found = typical(known, measures.confidence, SHORTFALL)
    return found if rising else found.turned()
