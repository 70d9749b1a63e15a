"""Over how many decades of learning rates a variant works."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from normwise.analysis._mean import mean_estimate
from normwise.analysis._outcome import reaching
from normwise.domain import CONFIDENCE, Estimate, RunRecord, Target

__all__ = ["range_gain", "working_range"]


def working_range(
    records: Sequence[RunRecord],
    target: Target,
    confidence: float = CONFIDENCE,
    horizon: float = math.inf,
) -> Estimate | None:
    """Decades of learning rates at which a variant's replicas reach the target.

    For each seed this is the length on a logarithmic scale over which its replicas arrive:
    between two neighbouring rates of the grid all of it if both arrive, half of it if one does;
    with several initialisers or batch sizes, the mean over them. The estimate is the mean over
    seeds with Student's interval, limited to what the grid covers.

    Args:
        records: One variant's runs at all points of the grid.
        target: What to reach.
        confidence: Confidence of the interval, in (0, 1).
        horizon: Epochs within which a replica arrives.

    Returns:
        A number of decades; ``None`` where the grid has a single learning rate, or was pruned.

    >>> from normwise.domain import RunKey
    >>> def run(seed, rate, last):
    ...     return RunRecord(RunKey("none", seed, str(rate)), rate, {"val_loss": (0.9, last)})
    >>> runs = [run(s, rate, 0.1) for s in (0, 1) for rate in (0.01, 0.1)]
    >>> runs += [run(0, 1.0, 0.1), run(1, 1.0, 0.8)]
    >>> working_range(runs, Target.parse("val_loss<=0.4")).value
    1.75
    """
    widths = _widths(records, target, horizon)
    if widths is None:
        return None
    rates = [record.learning_rate or 0.0 for record in records]  # a grid has them all
    most = math.log10(max(rates) / min(rates))
    found = mean_estimate(list(widths.values()), confidence)
    return dataclasses.replace(
        found,
        low=max(0.0, found.low),
        high=min(most, found.high),
        method=f"decades of learning rates, {found.method}",
    )


def range_gain(
    records: Sequence[RunRecord],
    baseline: Sequence[RunRecord],
    target: Target,
    confidence: float = CONFIDENCE,
    horizon: float = math.inf,
) -> Estimate | None:
    """How many decades a variant's working range is wider than the baseline's, seed by seed.

    ``None`` where the grid has a single learning rate, or no seed is shared.
    """
    ours, theirs = _widths(records, target, horizon), _widths(baseline, target, horizon)
    if ours is None or theirs is None:
        return None
    gains = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    return mean_estimate(gains, confidence) if gains else None


def _widths(
    records: Sequence[RunRecord], target: Target, horizon: float
) -> dict[int, float] | None:
    """Decades by seed; ``None`` where there is a single learning rate, or the grid was pruned.

    In a pruned grid some points lack seeds, or replicas were stopped before they could arrive.
    """
    seeds: dict[object, set[int]] = {}
    for record in records:
        seeds.setdefault(record.condition, set()).add(record.key.seed)
    stopped = any(record.stopped_at is not None for record in records)
    pruned = stopped or len(set(map(frozenset, seeds.values()))) > 1
    rates = {record.learning_rate for record in records}
    if pruned or len(rates) < 2 or None in rates:
        return None
    lines: dict[int, dict[object, dict[float, bool]]] = {}
    for record in records:
        line = lines.setdefault(record.key.seed, {})
        arrived = bool(reaching([record], target, horizon))
        rest = (record.initializer, record.batch_size, record.depth)
        line.setdefault(rest, {})[record.learning_rate or 0.0] = arrived
    return {seed: statistics.fmean(map(_width, line.values())) for seed, line in lines.items()}


def _width(arrived: dict[float, bool]) -> float:
    return sum(
        math.log10(high / low) * (arrived[low] + arrived[high]) / 2
        for low, high in pairwise(sorted(arrived))
    )
