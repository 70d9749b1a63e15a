"""The point of the grid at which a variant is judged: best is compared with best."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from normwise.analysis._groups import by_seed
from normwise.analysis._outcome import arrival
from normwise.domain import (
    Condition,
    RunRecord,
    Target,
    VariantSummary,
    holdout_seeds,
    selection_seeds,
)

__all__ = [
    "best_point",
    "holdout_runs",
    "is_whole",
    "judging_runs",
    "rank",
    "runs_at_best",
    "split_seeds",
]


def best_point(records: Sequence[RunRecord], target: Target) -> Condition:
    """The point of the grid at which one variant's replicas do best.

    The lowest restricted mean of the epochs to the target (a replica that never arrives
    counts as the whole run), then the better median of the final metric, then the smaller
    learning rate.

    Args:
        records: Runs of one variant, at least one.
        target: What to reach.

    Raises:
        UnknownNameError: A record has no such metric.

    >>> from normwise.domain import RunKey
    >>> slow = RunRecord(RunKey("none", 0, "a"), 0.01, {"val_loss": (0.9, 0.5, 0.3)})
    >>> fast = RunRecord(RunKey("none", 0, "b"), 0.10, {"val_loss": (0.6, 0.3, 0.3)})
    >>> best_point([slow, fast], Target.parse("val_loss<=0.4")).learning_rate
    0.1
    """
    groups: dict[Condition, list[RunRecord]] = {}
    for record in sorted(records, key=lambda record: record.learning_rate or 0.0):
        groups.setdefault(record.condition, []).append(record)
    whole = max(record.epochs for record in records)
    return min(groups, key=lambda point: rank(groups[point], target, whole))


def rank(records: Sequence[RunRecord], target: Target, whole: int) -> tuple[float, float]:
    """How well replicas do, the smallest being best: restricted mean, then the final metric.

    Args:
        records: At least one.
        target: What to reach.
        whole: Epochs that one counts as which never arrives, also where it was stopped early.
    """
    epochs = [min(arrival(record, target), whole) for record in records]
    finals = [record.curves[target.metric][-1] for record in records]
    sign = 1.0 if target.relation == ">=" else -1.0
    worst_first = [-sign * value if math.isfinite(value) else math.inf for value in finals]
    return statistics.fmean(epochs), statistics.median_high(worst_first)


def is_whole(records: Sequence[RunRecord]) -> bool:
    """Whether every point of the grid was trained to its end, for the same seeds.

    In a pruned grid some points lack seeds, or replicas were stopped before they could arrive.

    Args:
        records: One variant's runs, at least one.
    """
    seeds: dict[Condition, set[int]] = {}
    for record in records:
        seeds.setdefault(record.condition, set()).add(record.key.seed)
    same = len(set(map(frozenset, seeds.values()))) == 1
    return same and all(record.stopped_at is None for record in records)


def holdout_runs(
    name: str, records: Sequence[RunRecord], target: Target
) -> tuple[Condition, dict[int, RunRecord]]:
    """A variant's best point, and its runs there on the seeds that did not select it.

    On the seeds that select it, the best of many points looks better than it is. In a grid
    every second seed therefore selects, and the others are held out. (Cross-fitting, in which
    each half also judges what the other selected, uses every seed, but told a network apart from
    itself in 12 to 18% of studies: two points in one sample correlate its replicas by halves.)

    Args:
        name: Name of the variant, for messages.
        records: All of its runs, at every point of the grid.
        target: What to reach.

    Returns:
        The point, and from seed to run. All runs of the point where there is no grid, or none
        of the seeds held out was trained there.

    Raises:
        SpecError: Two runs of one seed at one point.
        UnknownNameError: A record has no such metric.
    """
    selecting, held_out = split_seeds(records)
    best = best_point([run for run in records if run.key.seed in selecting], target)
    at_best = by_seed(name, [record for record in records if record.condition == best])
    runs = {seed: at_best[seed] for seed in held_out if seed in at_best}
    # A pruned variant whose best point was hopeless was not trained on the seeds held out. It is
    # then judged on those that selected it, which flatter it.
    return best, runs or at_best


def split_seeds(records: Sequence[RunRecord]) -> tuple[Sequence[int], Sequence[int]]:
    """The seeds that select a variant's point of the grid, and those that judge it there.

    Args:
        records: All runs of one variant.

    Returns:
        Both ascending; all seeds twice where there is no grid.
    """
    seeds = sorted({record.key.seed for record in records})
    is_grid = len({record.condition for record in records}) > 1
    return (selection_seeds(seeds), holdout_seeds(seeds)) if is_grid else (seeds, seeds)


def runs_at_best(variant: VariantSummary, records: Sequence[RunRecord]) -> list[RunRecord]:
    """The variant's runs at the point of the grid where it stands.

    >>> from normwise.domain import EpochsToTarget, Estimate, RunKey
    >>> times = EpochsToTarget(Estimate(1, 1, 1), Estimate(1, 1, 1), 1, 0, 0)
    >>> best = VariantSummary("after", 1, {}, times, 0.1, learning_rate=0.1)
    >>> runs = [RunRecord(RunKey("after", 0, ""), rate, {"loss": (1.0,)}) for rate in (0.1, 1.0)]
    >>> [record.learning_rate for record in runs_at_best(best, runs)]
    [0.1]
    """
    own = (record for record in records if record.key.variant == variant.name)
    return [record for record in own if record.condition == variant.condition]


def judging_runs(variant: VariantSummary, records: Sequence[RunRecord]) -> list[RunRecord]:
    """The variant's runs that its numbers count: where it stands, of the seeds that judge it.

    See :func:`holdout_runs`; :func:`runs_at_best` has those of the seeds that select it, too.

    >>> from normwise.domain import EpochsToTarget, Estimate, RunKey
    >>> times = EpochsToTarget(Estimate(1, 1, 1), Estimate(1, 1, 1), 1, 0, 0)
    >>> best = VariantSummary("after", 1, {}, times, 0.1, learning_rate=0.1)
    >>> runs = [
    ...     RunRecord(RunKey("after", seed, str(rate)), rate, {"loss": (1.0,)})
    ...     for rate in (0.1, 1.0)
    ...     for seed in range(5)
    ... ]
    >>> [record.key.seed for record in judging_runs(best, runs)]
    [1, 3]
    """
    at_best = runs_at_best(variant, records)
    _, judging = split_seeds([record for record in records if record.key.variant == variant.name])
    return [record for record in at_best if record.key.seed in judging] or at_best
