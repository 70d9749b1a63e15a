"""How a variant ends beside the baseline: better, worse, no worse, or open.

What is claimed is claimed of the typical seed, by the sign test: the median of the differences
seed by seed, whose interval holds for any distribution. Student's interval of a mean misses it in
most small studies in which a replica in ten collapses, and that of the signed-rank test where only
the variant's replicas collapse, which skews the differences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from normwise.analysis._bounds import bounds_of
from normwise.analysis._end_margin import default_end_margin
from normwise.analysis._end_power import seeds_for_ending
from normwise.analysis._final import final_gain, final_value
from normwise.analysis._groups import paired_seeds
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._order import typical
from normwise.domain import Ending, EndingKind, Estimate

__all__ = ["ending"]

_ROUNDING = 2.0**-22  # of the value: metrics are computed in single precision


def ending(variant: JudgedRuns, base: JudgedRuns, measures: Measures, confidence: float) -> Ending:
    """How a variant ends beside the baseline.

    Args:
        variant: The runs that judge it.
        base: Those of the baseline.
        measures: What all variants are measured by.
        confidence: Of the interval, in (0, 1).
    """
    target = measures.target
    gains, theirs = (_gains(one, measures) for one in (variant, base))
    shared = paired_seeds(gains, theirs)
    pairs = [_difference(gains[seed], theirs[seed]) for seed in shared]
    found = (
        typical(pairs, confidence)
        if shared
        else _of_medians([*gains.values()], [*theirs.values()], confidence)
    )
    middle = typical([*theirs.values()]).value
    margin = _margin(base, middle, measures)
    slack = 0.0 if math.isinf(middle) else _ROUNDING * abs(middle)
    lost, others = _diverged(variant), _diverged(base)
    one = Ending(
        _outcome(found, margin, slack),
        found if target.relation == ">=" else found.turned(),
        margin,
        confidence,
        lost,
        len(variant.runs),
        others,
        len(base.runs),
    )
    if one.diverges_more and one.outcome != "worse":
        return replace(one, outcome="open")
    if one.outcome != "open":
        return one
    needed = seeds_for_ending(pairs, margin + slack, confidence)
    return replace(one, seeds_needed=needed and needed * variant.seeds_a_judge)


def _gains(one: JudgedRuns, measures: Measures) -> dict[int, float]:
    """From seed to the final value, turned so that more is better, where it is known."""
    target = measures.target
    rising = target.relation == ">="
    found = {s: final_gain(run, target.metric, rising=rising) for s, run in one.runs.items()}
    return {seed: gain for seed, gain in found.items() if not math.isnan(gain)}


def _difference(ours: float, theirs: float) -> float:
    return 0.0 if ours == theirs else ours - theirs  # infinities, too


def _of_medians(ours: Sequence[float], theirs: Sequence[float], confidence: float) -> Estimate:
    """The difference of two samples' medians, whose intervals hold together."""
    each = 1 - (1 - confidence) / 2
    mine, other = typical(ours, each), typical(theirs, each)
    return Estimate(
        _difference(mine.value, other.value),
        -math.inf if math.isinf(mine.low) else mine.low - other.high,
        math.inf if math.isinf(other.low) else mine.high - other.low,
        mine.n + other.n,
        mine.censored + other.censored,
        f"difference of medians of other seeds, each a {mine.method}",
    )


def _margin(base: JudgedRuns, middle: float, measures: Measures) -> float:
    if measures.end_margin is not None:
        return measures.end_margin
    metric, rising = measures.target.metric, measures.target.relation == ">="
    seen = (final_value(run, metric) for run in base.runs.values())
    bounds = bounds_of(metric, filter(math.isfinite, seen))
    return default_end_margin(middle if rising else -middle, bounds, rising=rising)


def _outcome(found: Estimate, margin: float, slack: float) -> EndingKind:
    """What an interval says; what is not within rounding of a bound lies beyond it."""
    if found.low > slack:
        return "better"
    if found.low >= -margin - slack:
        return "no worse"
    return "worse" if found.high < -slack else "open"


def _diverged(one: JudgedRuns) -> int:
    return sum(run.diverged_at is not None for run in one.runs.values())
