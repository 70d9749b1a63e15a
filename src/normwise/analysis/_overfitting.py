"""How much each variant overfits: the end of training against the end of validation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from normwise.analysis._direction import higher_is_better
from normwise.analysis._final import final_value
from normwise.analysis._groups import paired_seeds
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._order import SHORTFALL, typical
from normwise.domain import POPULATION, VALIDATION, Estimate, Overfitting, RunRecord, VariantSummary

__all__ = ["with_overfitting"]

# Values of training and validation, by seed.
Ends = Mapping[int, tuple[float, float]]


def with_overfitting(
    variants: Sequence[VariantSummary],
    judged: Sequence[JudgedRuns],
    base: str,
    measures: Measures,
) -> tuple[VariantSummary, ...]:
    """Variants with the gap of the loss and of the target's metric; of runs that have both parts.

    Args:
        variants: In numbers.
        judged: The runs of each.
        base: The baseline's name.
        measures: What all variants are measured by.
    """
    metrics = dict.fromkeys(["loss", measures.target.metric.removeprefix(VALIDATION)])
    ends = {one.name: {metric: _ends(one, metric) for metric in metrics} for one in judged}

    def found(name: str) -> tuple[Overfitting, ...]:
        theirs: Mapping[str, Ends] = {} if name == base else ends[base]
        return tuple(
            _overfitting(metric, own, theirs.get(metric, {}), measures.confidence)
            for metric, own in ends[name].items()
            if own
        )

    return tuple(
        dataclasses.replace(variant, overfitting=found(variant.name) or None)
        for variant in variants
    )


def _ends(variant: JudgedRuns, metric: str) -> Ends:
    """Of the runs that did not diverge; nothing where some run lacks a part."""
    own = [run for run in variant.runs.values() if run.diverged_at is None]
    if not all(metric in run.curves for run in own):
        return {}
    found = {run.key.seed: (final_value(run, metric), _validation(run, metric)) for run in own}
    return found if all(map(math.isfinite, _flat(found))) else {}


def _validation(run: RunRecord, metric: str) -> float:
    """By population statistics where they are known."""
    names = (f"{POPULATION}{VALIDATION}{metric}", f"{VALIDATION}{metric}")
    return next((run.curves[name][-1] for name in names if name in run.curves), math.nan)


def _flat(ends: Ends) -> list[float]:
    return [value for both in ends.values() for value in both]


def _overfitting(metric: str, own: Ends, theirs: Ends, confidence: float) -> Overfitting:
    sign = 1.0 if higher_is_better(metric) else -1.0

    def gap(ends: Ends, seed: int) -> float:
        training, validation = ends[seed]
        return sign * (training - validation)

    def median(values: Sequence[float]) -> Estimate:
        return typical(values, confidence, SHORTFALL)

    shared = paired_seeds(own, theirs)
    return Overfitting(
        metric=metric,
        training=median([training for training, _ in own.values()]),
        validation=median([validation for _, validation in own.values()]),
        gap=median([gap(own, seed) for seed in own]),
        gap_saved=median([gap(theirs, s) - gap(own, s) for s in shared]) if shared else None,
    )
