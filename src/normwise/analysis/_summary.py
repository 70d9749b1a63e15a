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
from collections.abc import Sequence
from dataclasses import replace

from normwise.analysis._arrival import arrival_epoch, best_value
from normwise.analysis._comparison import comparisons
from normwise.analysis._groups import baseline_of, by_variant
from normwise.analysis._headline import headline
from normwise.analysis._judged import JudgedRuns, Measures, Times, judged_runs
from normwise.analysis._lag import lags
from normwise.analysis._outcome import reaching
from normwise.analysis._overfitting import with_overfitting
from normwise.analysis._recommend import recommend
from normwise.analysis._saving import with_cost_saved
from normwise.analysis._sensitivity import with_sensitivity
from normwise.analysis._target import certain_target
from normwise.analysis._variant_summary import variant_summary
from normwise.analysis._verdict import verdict
from normwise.domain import CONFIDENCE, RunRecord, Summary, Target

__all__ = ["summarise"]


def summarise(
    study: str,
    records: Sequence[RunRecord],
    target: Target,
    *,
    margin: float = 1.25,
    end_margin: float | None = None,
    confidence: float = CONFIDENCE,
    rounds: Sequence[int] = (),
    times: Times | None = None,
    price: float | None = None,
    patience: int | None = None,
    baseline: str | None = None,
    horizon: int | None = None,
    examples: int | None = None,
    elsewhere: bool = False,
    chance: float | None = None,
) -> Summary:
    """Every variant in numbers, each compared with the baseline, and one sentence.

    Args:
        study: The study's name.
        records: One a replica, in any order; variants are reported in order of first appearance.
        target: A metric among the records' curves and the value to reach.
        margin: A ratio within [1/margin, margin] makes no difference that matters, > 1.
        end_margin: A final value worse by at most this is no worse (see `default_end_margin`).
        confidence: That all decisions are right together, and of all other intervals, in (0, 1).
        rounds: Seeds at each of several looks (see `decide_in_rounds`); one at all unless given.
        times: From program to what an epoch takes trained alone, if known.
        price: Price of an hour, in any currency.
        patience: Also say what early stopping with this patience would have saved.
        baseline: The variant the others are measured against, where it has another name.
        horizon: Epochs to follow all to, also runs that end before; the shortest's unless given.
        examples: Of the training part, where known: they say how long moving statistics need.
        elsewhere: Whether something else trained the runs, so that no option of a study helps.
        chance: What guessing gives in the target's metric, where known.

    Raises:
        UnknownNameError: A record has no such metric.
        SpecError: No records, or two records of one variant, seed and point of the grid.

    >>> from normwise.domain import RunKey
    >>> slow = RunRecord(RunKey("none", 0, "a"), 0.1, {"val_loss": (0.9, 0.6, 0.3, 0.3)})
    >>> fast = RunRecord(RunKey("after", 0, "a"), 0.1, {"val_loss": (0.6, 0.3, 0.3, 0.3)})
    >>> summarise("two runs", [slow, fast], Target.parse("val_loss<=0.4")).recommended
    'none'
    """
    groups, rounds = by_variant(records), rounds or (1 + max(run.key.seed for run in records),)
    judged = [judged_runs(name, group, target) for name, group in groups.items()]
    horizon, base = horizon or min(one.horizon for one in judged), baseline or baseline_of(groups)
    measures = Measures(target, horizon, margin, end_margin, confidence, times or {})
    lag = lags(judged, measures, looks=len(rounds), examples=examples, elsewhere=elsewhere)
    say = functools.partial(variant_summary, measures=measures, patience=patience, price=price)
    told = [say(one, lag=lag.get(one.name)) for one in judged]
    among = judged, base, measures
    variants = with_overfitting(with_sensitivity(told, *among), *among)
    compared = with_cost_saved(comparisons(groups, base, measures, rounds), variants)
    best, looks = recommend(base, compared), tuple(rounds) if len(rounds) > 1 else ()
    summary = Summary(study, target, variants, compared, "", best, rounds=looks)
    return _with_verdict(summary, judged, horizon, records, elsewhere=elsewhere, chance=chance)


def _with_verdict(
    summary: Summary,
    judged: Sequence[JudgedRuns],
    horizon: int,
    records: Sequence[RunRecord],
    *,
    elsewhere: bool,
    chance: float | None,
) -> Summary:
    best = _best(judged, summary.target)
    said = verdict(
        summary.target,
        summary.variants,
        summary.comparisons,
        summary.recommended,
        best=best,
        certain=certain_target([[*one.runs.values()] for one in judged], summary.target),
        horizon=horizon,
        chance=chance,
        unjudged=reaching(records, summary.target, horizon),
        elsewhere=elsewhere,
        depths=len({run.depth for run in records}) > 1,
        halved=any(one.seeds_a_judge > 1 for one in judged),
    )
    short = headline(summary, best=best, horizon=horizon, elsewhere=elsewhere)
    return replace(summary, verdict=said, headline=short)


def _best(judged: Sequence[JudgedRuns], target: Target) -> tuple[str, float]:
    """The variant that came nearest to the target, and its best value."""
    sign = 1.0 if target.relation == ">=" else -1.0
    name, best = judged[0].name, math.nan
    for variant in judged:
        for run in variant.runs.values():
            curve = run.curves[target.metric]
            # Most come less near, as one look at the curve says.
            if math.isfinite(best) and math.isinf(
                arrival_epoch(curve, replace(target, value=best))
            ):
                continue
            value = best_value(curve, target)
            if math.isnan(best) or sign * value > sign * best:
                name, best = variant.name, value
    return name, best
