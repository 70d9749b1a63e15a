"""How much a variant depends on learning rates, initialisers, batch sizes or depths.

Along an axis each value stands at the best of the other axes. What is chosen looks better or worse
than it is on the seeds that it was chosen by, and the extremes of several medians lie apart even
where all values are alike. Every second seed therefore chooses: the best of the other axes, if
there are any, and which values are the quickest and the slowest. Only the others say how far apart
those two are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from normwise.analysis._compare import compare
from normwise.analysis._end_spread import EndLine, end_line
from normwise.analysis._grid import best_point, is_whole, rank
from normwise.analysis._groups import sides
from normwise.analysis._judged import JudgedRuns, Measures
from normwise.analysis._mean import bounded_mean
from normwise.analysis._median import median_epochs
from normwise.analysis._order import SHORTFALL, outer_rank
from normwise.analysis._outcome import arrival
from normwise.domain import (
    AxisPoint,
    Condition,
    Estimate,
    RunRecord,
    Sensitivity,
    Target,
    VariantSummary,
    holdout_seeds,
    selection_seeds,
)

__all__ = ["with_sensitivity"]

Value: TypeAlias = float | str | None
# Ends of what is known of a number: both the same where it is known.
Between: TypeAlias = tuple[float, float]


def with_sensitivity(
    variants: Sequence[VariantSummary],
    judged: Sequence[JudgedRuns],
    base: str,
    measures: Measures,
) -> tuple[VariantSummary, ...]:
    """Variants with how much each depends on every axis of its grid that has several values.

    Nothing is said where the grid was pruned or is not complete: points that were stopped say
    nothing of where a variant arrives.

    Args:
        variants: In numbers.
        judged: The runs of each.
        base: The baseline's name.
        measures: What all variants are measured by.
    """
    lines = {one.name: _lines(one, measures) for one in judged}

    def found(name: str) -> tuple[Sensitivity, ...]:
        theirs = {} if name == base else lines[base]
        return tuple(
            _sensitivity(axis, line, theirs.get(axis), measures)
            for axis, line in lines[name].items()
        )

    return tuple(
        dataclasses.replace(variant, sensitivity=found(variant.name) or None)
        for variant in variants
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A variant along an axis, each value at the best of the other axes.

    Attributes:
        epochs: Value to the epochs to the target by seed; of the seeds held out where there are
            other axes.
        held_out: Seeds that chose nothing.
        quickest: The value that was quickest for the seeds that choose.
        slowest: And the slowest.
        ends: Where the same runs end; ``None`` where some do not say.
    """

    epochs: Mapping[Value, Mapping[int, float]]
    held_out: Sequence[int]
    quickest: Value
    slowest: Value
    ends: EndLine | None

    @property
    def seeds(self) -> list[int]:
        return list(self.epochs[self.quickest])

    def share(self, seed: int) -> float:
        """Of how many values this seed arrives at."""
        arrived = [math.isfinite(epochs[seed]) for epochs in self.epochs.values()]
        return sum(arrived) / len(arrived)

    def slowdown(self, seed: int, horizon: int) -> Between:
        """Epochs at the slowest value over those at the quickest, as far as they are known."""
        return _over(self.epochs[self.slowest][seed], self.epochs[self.quickest][seed], horizon)


def _lines(variant: JudgedRuns, measures: Measures) -> dict[str, _Line]:
    """By the name of the axis; none where the grid is not whole."""
    if not is_whole(variant.all_runs):
        return {}
    values: dict[str, dict[Value, list[RunRecord]]] = {}
    for axis in (field.name for field in dataclasses.fields(Condition)):
        for record in variant.all_runs:
            own = values.setdefault(axis, {})
            own.setdefault(getattr(record.condition, axis), []).append(record)
    return {axis: _line(_ordered(own), measures) for axis, own in values.items() if len(own) > 1}


def _ordered(values: Mapping[Value, list[RunRecord]]) -> dict[Value, list[RunRecord]]:
    """Numbers from the smallest; names as they come."""
    is_number = all(isinstance(value, float | int) for value in values)
    return dict(sorted(values.items())) if is_number else dict(values)


def _line(values: Mapping[Value, Sequence[RunRecord]], measures: Measures) -> _Line:
    seeds = sorted({record.key.seed for records in values.values() for record in records})
    choosing, held_out = selection_seeds(seeds), holdout_seeds(seeds)
    has_others = any(len({one.condition for one in own}) > 1 for own in values.values())
    judging = held_out if has_others else seeds
    target, horizon = measures.target, measures.horizon
    runs = {value: _at_best(records, choosing, target) for value, records in values.items()}
    ranks = {
        value: rank([run for run in own if run.key.seed in choosing], target, horizon)
        for value, own in runs.items()
    }
    epochs = {
        value: {
            run.key.seed: arrival(run, target, horizon) for run in own if run.key.seed in judging
        }
        for value, own in runs.items()
    }
    quickest, slowest = (end(ranks, key=ranks.__getitem__) for end in (min, max))
    ends = end_line(runs, choosing, judging, held_out, target)
    return _Line(epochs, held_out, quickest, slowest, ends)


def _at_best(
    records: Sequence[RunRecord], choosing: Sequence[int], target: Target
) -> list[RunRecord]:
    """Those at the best of the other axes, for the seeds that choose."""
    best = best_point([record for record in records if record.key.seed in choosing], target)
    return [record for record in records if record.condition == best]


def _sensitivity(axis: str, line: _Line, base: _Line | None, measures: Measures) -> Sensitivity:
    horizon, level = measures.horizon, measures.confidence
    found = Sensitivity(
        axis=axis,
        points=tuple(
            _point(value, line, base.epochs.get(value) if base else None, measures)
            for value in line.epochs
        ),
        arrived=bounded_mean([line.share(seed) for seed in line.seeds], (0.0, 1.0), level),
        slowdown=_median([line.slowdown(seed, horizon) for seed in line.held_out], level),
        end_spread=line.ends.spread(level) if line.ends else None,
    )
    if base is None or base.epochs.keys() != line.epochs.keys():
        return found
    gains = [line.share(seed) - base.share(seed) for seed in line.seeds if seed in base.seeds]
    ratios = [
        _divided(base.slowdown(seed, horizon), line.slowdown(seed, horizon))
        for seed in line.held_out
        if seed in base.held_out
    ]
    return dataclasses.replace(
        found,
        arrived_gain=bounded_mean(gains, (-1.0, 1.0), level) if gains else None,
        slowdown_ratio=_median(ratios, level) if ratios else None,
        end_spread_saved=(
            line.ends.spread_saved(base.ends, level) if line.ends and base.ends else None
        ),
    )


def _point(
    value: Value,
    line: _Line,
    baseline: Mapping[int, float] | None,
    measures: Measures,
) -> AxisPoint:
    epochs, horizon, level = line.epochs[value], measures.horizon, measures.confidence
    return AxisPoint(
        value=value,
        epochs=median_epochs(list(epochs.values()), horizon=horizon, confidence=level),
        reached=sum(map(math.isfinite, epochs.values())),
        replicas=len(epochs),
        epochs_ratio=_ratio(epochs, baseline, measures) if baseline else None,
        end=line.ends.end(value, level) if line.ends else None,
    )


def _ratio(ours: Mapping[int, float], theirs: Mapping[int, float], measures: Measures) -> Estimate:
    variant, baseline, paired = sides(ours, theirs)
    return compare(
        variant,
        baseline,
        horizon=measures.horizon,
        paired=paired,
        confidence=measures.confidence,
    ).estimate


def _over(slow: float, quick: float, horizon: int) -> Between:
    """A ratio of epochs; one that never arrives takes more than the horizon.

    >>> _over(12, 4, 20), _over(math.inf, 4, 20), _over(12, math.inf, 20)
    ((3.0, 3.0), (5.0, inf), (0.0, 0.6))
    """
    low = 0.0 if math.isinf(quick) else min(slow, horizon) / quick
    return low, slow / min(quick, horizon)


def _divided(above: Between, below: Between) -> Between:
    """A ratio of two numbers that are known to lie between ends.

    >>> _divided((2.0, 3.0), (1.0, 4.0)), _divided((5.0, math.inf), (2.0, 2.0))
    ((0.5, 3.0), (2.5, inf))
    """
    low = 0.0 if math.isinf(below[1]) else above[0] / below[1]
    return low, math.inf if below[0] == 0 else above[1] / below[0]


def _median(known: Sequence[Between], confidence: float) -> Estimate:
    """The median of numbers of which only the ends of where they lie may be known.

    Two order statistics enclose the median of the distribution with a binomial probability,
    whatever the distribution: of the lower ends from below, of the upper ends from above.

    >>> found = _median([(2, 2), (3, 3), (4, 4), (2.5, math.inf), (5, 5)], 0.95)
    >>> found.value, found.low, found.high
    (3.4641016151377544, 2, inf)
    """
    lows, highs = sorted(low for low, _ in known), sorted(high for _, high in known)
    n = len(known)
    at = outer_rank(n, confidence) or outer_rank(n, confidence - SHORTFALL)
    low, high = _middle(lows), _middle(highs)
    return Estimate(
        value=low if low == high else math.sqrt(low * high),
        low=lows[at - 1] if at else 0.0,
        high=highs[n - at] if at else math.inf,
        n=n,
        censored=sum(low != high for low, high in known),
        method=f"median over {n} seeds with order-statistic interval",
    )


def _middle(ordered: Sequence[float]) -> float:
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (lower + upper) / 2
