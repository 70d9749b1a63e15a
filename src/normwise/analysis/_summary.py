"""From the records of a study to its answer.

The baseline is the variant ``none``, or the first where there is none. A comparison is paired over
the seeds that both variants have (unpaired if they share too few); several are decided together by
Holm's procedure, each in rounds of seeds if those are given. Diverged replicas count as never
reaching the target. Where runs were given different numbers of epochs, all are followed to the
shortest unless told. In a grid (learning rates, initialisers, batch sizes) each variant is judged
at its own best point, selected on one half of the seeds and judged on the other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from normwise.analysis._compare import Decision, compare
from normwise.analysis._grid import holdout_runs
from normwise.analysis._groups import baseline_of, by_variant, paired_seeds
from normwise.analysis._mean import mean_difference, mean_estimate, restricted_mean
from normwise.analysis._median import median_epochs
from normwise.analysis._outcome import best_value, outcome, reaching
from normwise.analysis._range import range_gain, working_range
from normwise.analysis._rounds import Look, decide_in_rounds
from normwise.analysis._stopping import early_stopping
from normwise.analysis._verdict import recommend, verdict
from normwise.domain import (
    CONFIDENCE,
    Comparison,
    Condition,
    EpochsToTarget,
    Estimate,
    Outcome,
    RunRecord,
    Summary,
    Target,
    VariantSummary,
)

__all__ = ["Seconds", "summarise"]

# From variant and batch size to the seconds of an epoch.
Seconds = Mapping[tuple[str, int | None], float]


@dataclass(frozen=True, slots=True)
class _VariantRuns:
    """One variant, and the runs it is judged by.

    Attributes:
        name: Name of the variant.
        point: Its best point of the grid.
        runs: From seed to run: those at that point, on the seeds that did not select it.
        outcomes: From seed to how that run ended.
        all_runs: All of its runs, at every point of the grid.
    """

    name: str
    point: Condition
    runs: Mapping[int, RunRecord]
    outcomes: Mapping[int, Outcome]
    all_runs: Sequence[RunRecord]

    @property
    def seeds_a_judge(self) -> int:
        """Seeds to train for each that judges: 2 where every second one selects."""
        seeds = {run.key.seed for run in self.all_runs}
        return 2 if len(seeds) > len(self.runs) else 1

    @property
    def horizon(self) -> int:
        return min(run.epochs for run in self.runs.values())


@dataclass(frozen=True, slots=True)
class _Measures:
    """What all variants are measured by.

    Attributes:
        target: What to reach.
        horizon: Epochs up to which all runs are followed.
        margin: Ratios within [1/margin, margin] make no difference, > 1.
        confidence: Confidence of every interval but the ratios', in (0, 1).
        seconds: From variant and batch size to the seconds of an epoch, where known.
    """

    target: Target
    horizon: int
    margin: float
    confidence: float
    seconds: Seconds

    def seconds_of(self, variant: _VariantRuns) -> float:
        """Seconds of an epoch, trained alone at the best point's batch size; NaN if unknown."""
        return self.seconds.get((variant.name, variant.point.batch_size or None), math.nan)


def summarise(
    study: str,
    records: Sequence[RunRecord],
    target: Target,
    *,
    margin: float = 1.25,
    confidence: float = CONFIDENCE,
    rounds: Sequence[int] = (),
    seconds: Seconds | None = None,
    price: float | None = None,
    patience: int | None = None,
    baseline: str | None = None,
    horizon: int | None = None,
    elsewhere: bool = False,
) -> Summary:
    """Every variant in numbers, each compared with the baseline, and one sentence.

    Args:
        study: The study's name.
        records: One a replica, in any order; variants are reported in order of first appearance.
        target: A metric among the records' curves and the value to reach.
        margin: A ratio within [1/margin, margin] makes no difference that matters, > 1.
        confidence: That all decisions are right together, and of all other intervals, in (0, 1).
        rounds: Seeds at each of several looks, of which the first to decide a comparison
            counts (see `decide_in_rounds`); one look at all seeds unless given.
        seconds: From variant and batch size to the seconds of an epoch trained alone, if known.
        price: Price of an hour, in any currency.
        patience: Also say what early stopping with this patience would have saved.
        baseline: The variant the others are measured against, where it has another name.
        horizon: Epochs to follow all to, also runs that end before; the shortest's unless given.
        elsewhere: Whether something else trained the runs, so that no option of a study helps.

    Raises:
        UnknownNameError: A record has no such metric.
        SpecError: No records, or two records of one variant, seed and point of the grid.

    >>> from normwise.domain import RunKey
    >>> slow = RunRecord(RunKey("none", 0, "a"), 0.1, {"val_loss": (0.9, 0.6, 0.3, 0.3)})
    >>> fast = RunRecord(RunKey("after", 0, "a"), 0.1, {"val_loss": (0.6, 0.3, 0.3, 0.3)})
    >>> found = summarise("two runs", [slow, fast], Target.parse("val_loss<=0.4"))
    >>> round(found.comparisons[0].epochs_ratio.value, 3), found.comparisons[0].outcome
    (1.5, 'undecided')
    """
    groups = by_variant(records)
    rounds = rounds or (1 + max(record.key.seed for record in records),)
    judged = [_variant_runs(name, group, target) for name, group in groups.items()]
    horizon = horizon or min(variant.horizon for variant in judged)
    measures = _Measures(target, horizon, margin, confidence, seconds or {})
    base = baseline or baseline_of(groups)
    comparisons = _comparisons(groups, base, measures, rounds)
    summary = Summary(
        study,
        target,
        tuple(_variant_summary(one, measures, patience=patience, price=price) for one in judged),
        comparisons,
        verdict="",
        recommended=recommend(base, comparisons, target),
        rounds=tuple(rounds) if len(rounds) > 1 else (),
    )
    return _with_verdict(summary, judged, horizon, records, elsewhere=elsewhere)


def _with_verdict(
    summary: Summary,
    judged: Sequence[_VariantRuns],
    horizon: int,
    records: Sequence[RunRecord],
    *,
    elsewhere: bool,
) -> Summary:
    said = verdict(
        summary.target,
        summary.variants,
        summary.comparisons,
        summary.recommended,
        best=_best(judged, summary.target),
        horizon=horizon,
        unjudged=reaching(records, summary.target, horizon),
        elsewhere=elsewhere,
    )
    return replace(summary, verdict=said)


def _comparisons(
    groups: Mapping[str, Sequence[RunRecord]], base: str, measures: _Measures, rounds: Sequence[int]
) -> tuple[Comparison, ...]:
    """Every other variant against the baseline, decided together, in rounds of seeds."""

    @functools.cache
    def first(name: str, seeds: int) -> _VariantRuns:
        """A variant as its first seeds show it."""
        runs = [run for run in groups[name] if run.key.seed < seeds]
        return _variant_runs(name, runs, measures.target)

    looks = decide_in_rounds(
        lambda name, seeds, level: _decision(
            first(name, seeds), first(base, seeds), measures, confidence=level
        ),
        {name: len({run.key.seed for run in groups[name]}) for name in groups if name != base},
        rounds,
        measures.confidence,
    )
    return tuple(
        _comparison(
            first(name, look.seeds),
            first(base, look.seeds),
            measures,
            look,
            in_rounds=len(rounds) > 1,
        )
        for name, look in looks.items()
    )


def _variant_runs(name: str, records: Sequence[RunRecord], target: Target) -> _VariantRuns:
    point, runs = holdout_runs(name, records, target)
    outcomes = {seed: outcome(run, target) for seed, run in runs.items()}
    return _VariantRuns(name, point, runs, outcomes, records)


def _epochs(variant: _VariantRuns, horizon: int) -> dict[int, float]:
    """Epochs to the target by seed, ``inf`` beyond the horizon."""
    return {
        seed: found.epoch if found.epoch <= horizon else math.inf
        for seed, found in variant.outcomes.items()
    }


def _variant_summary(
    variant: _VariantRuns, measures: _Measures, *, patience: int | None, price: float | None
) -> VariantSummary:
    target, horizon, confidence = measures.target, measures.horizon, measures.confidence
    epochs = list(_epochs(variant, horizon).values())
    reached = sum(map(math.isfinite, epochs))
    diverged = sum(found.kind == "diverged" for found in variant.outcomes.values())
    runs = list(variant.runs.values())
    point = variant.point
    times = EpochsToTarget(
        median=median_epochs(epochs, horizon=horizon, confidence=confidence),
        restricted_mean=restricted_mean(epochs, horizon, confidence),
        reached=reached,
        censored=len(runs) - reached - diverged,
        diverged=diverged,
    )
    seconds = measures.seconds_of(variant)
    return VariantSummary(
        name=variant.name,
        seeds=len(runs),
        final={
            metric: mean_estimate([_final(run, metric) for run in runs], confidence)
            for metric in dict.fromkeys(metric for run in runs for metric in run.curves)
        },
        epochs_to_target=times,
        seconds_per_epoch=seconds,
        # That of its runs, since a point of the grid may leave it open.
        learning_rate=runs[0].learning_rate,
        initializer=point.initializer,
        batch_size=point.batch_size or None,
        working_range=working_range(variant.all_runs, target, confidence, horizon),
        early_stopping=(
            None if patience is None else early_stopping(runs, target.metric, patience, confidence)
        ),
        cost=None if price is None else times.median.times(seconds * price / 3600),
    )


def _final(run: RunRecord, metric: str) -> float:
    """The value at the last epoch; NaN once the run diverged, or without that metric."""
    return run.curves[metric][-1] if metric in run.curves and run.diverged_at is None else math.nan


def _decision(
    variant: _VariantRuns, base: _VariantRuns, measures: _Measures, *, confidence: float
) -> Decision:
    ours, theirs = _epochs(variant, measures.horizon), _epochs(base, measures.horizon)
    shared = paired_seeds(ours, theirs)
    return compare(
        [ours[seed] for seed in shared or ours],
        [theirs[seed] for seed in shared or theirs],
        horizon=measures.horizon,
        paired=bool(shared),
        margin=measures.margin,
        confidence=confidence,
    )


def _comparison(
    variant: _VariantRuns,
    base: _VariantRuns,
    measures: _Measures,
    look: Look[str],
    *,
    in_rounds: bool,
) -> Comparison:
    decision, target, confidence = look.decision, measures.target, measures.confidence
    ratio = Estimate(
        value=decision.ratio,
        low=decision.low,
        high=decision.high,
        n=decision.n,
        censored=decision.censored,
        method=decision.method,
    )
    return Comparison(
        variant=variant.name,
        baseline=base.name,
        outcome=decision.outcome,
        epochs_ratio=ratio,
        seconds_ratio=ratio.times(measures.seconds_of(base) / measures.seconds_of(variant)),
        seeds_needed=decision.seeds_needed and decision.seeds_needed * variant.seeds_a_judge,
        range_gain=range_gain(
            variant.all_runs, base.all_runs, target, confidence, measures.horizon
        ),
        confidence=look.confidence,
        final_difference=_difference(
            variant, base, confidence, lambda one, seed: _final(one.runs[seed], target.metric)
        ),
        epochs_saved=_difference(
            base,
            variant,
            confidence,
            lambda one, seed: min(one.outcomes[seed].epoch, measures.horizon),
        ),
        seeds=look.seeds if in_rounds else None,
    )


def _difference(
    variant: _VariantRuns,
    base: _VariantRuns,
    confidence: float,
    value: Callable[[_VariantRuns, int], float],
) -> Estimate:
    """Mean difference of a value, variant minus baseline, seed by seed where they are paired."""
    shared = paired_seeds(variant.runs, base.runs)
    if not shared:
        ours, theirs = ([value(one, seed) for seed in one.runs] for one in (variant, base))
        return mean_difference(ours, theirs, confidence)
    return mean_estimate([value(variant, seed) - value(base, seed) for seed in shared], confidence)


def _best(judged: Sequence[_VariantRuns], target: Target) -> tuple[str, float]:
    """The variant that came nearest to the target, and its best value."""
    sign = 1.0 if target.relation == ">=" else -1.0
    found = [
        (value, variant.name)
        for variant in judged
        for run in variant.runs.values()
        if not math.isnan(value := best_value(run.curves[target.metric], target))
    ]
    value, name = max(found, key=lambda item: sign * item[0], default=(math.nan, judged[0].name))
    return name, value
