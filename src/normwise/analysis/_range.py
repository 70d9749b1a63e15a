"""Over how many decades of learning rates a variant works."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from normwise.analysis._grid import is_whole
from normwise.analysis._mean import mean_estimate
from normwise.analysis._outcome import arrival
from normwise.domain import CONFIDENCE, Estimate, RunRecord, Target

__all__ = ["range_gain", "working_range"]


def working_range(
    records: Sequence[RunRecord],
    target: Target,
    confidence: float = CONFIDENCE,
    horizon: float = math.inf,
) -> Estimate | None:
    """Decades of learning rates at which a variant's replicas reach the target.

    A grid shows each end of the range only to lie between a rate that arrives and its neighbour
    that does not, so for each seed there is a least width, between the outermost rates of those
    that arrive, and a most, up to their neighbours; with several initialisers or batch sizes, the
    means over them. The interval goes from the lower end of Student's for the mean of the least to
    the upper end for the mean of the most, so however alike the replicas are, it keeps half a
    spacing for either end of the range. The estimate is the mean of the middles.

    Args:
        records: One variant's runs at all points of the grid.
        target: What to reach.
        confidence: Confidence of the interval, in (0, 1).
        horizon: Epochs within which a replica arrives.

    Returns:
        A number of decades, without an upper end (``inf``) where replicas arrive at the smallest
        or the largest rate of the grid, beyond which the range may go on. ``None`` where the grid
        has a single learning rate, or was pruned.

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
    found = _estimate(list(widths.values()), confidence)
    return dataclasses.replace(found, low=max(0.0, found.low))


def range_gain(
    records: Sequence[RunRecord],
    baseline: Sequence[RunRecord],
    target: Target,
    confidence: float = CONFIDENCE,
    horizon: float = math.inf,
) -> Estimate | None:
    """How many decades a variant's working range is wider than the baseline's, seed by seed.

    All four ends are known up to the spacing of the grid; the interval has room for them all.
    ``None`` where the grid has a single learning rate, or no seed is shared.
    """
    ours, theirs = _widths(records, target, horizon), _widths(baseline, target, horizon)
    if ours is None or theirs is None:
        return None
    gains = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    return _estimate(gains, confidence) if gains else None


@dataclass(frozen=True, slots=True)
class _Width:
    """A number of decades as a grid shows it.

    Attributes:
        least: No less than this.
        middle: Half-way between the rates that arrive and their neighbours that do not.
        most: No more than this; ``inf`` where the grid ends before the range.
    """

    least: float
    middle: float
    most: float

    def __sub__(self, other: _Width) -> _Width:
        return _Width(self.least - other.most, self.middle - other.middle, self.most - other.least)


def _estimate(widths: Sequence[_Width], confidence: float) -> Estimate:
    middle = mean_estimate([width.middle for width in widths], confidence)
    return dataclasses.replace(
        middle,
        low=_bound([width.least for width in widths], confidence).low,
        high=_bound([width.most for width in widths], confidence).high,
        method=f"decades of learning rates, censored by the grid's spacing, {middle.method}",
    )


def _bound(ends: Sequence[float], confidence: float) -> Estimate:
    """The mean of what is known from one side; unbounded where that is so of any replica."""
    is_open = any(map(math.isinf, ends))
    return Estimate(math.nan, -math.inf, math.inf) if is_open else mean_estimate(ends, confidence)


def _widths(
    records: Sequence[RunRecord], target: Target, horizon: float
) -> dict[int, _Width] | None:
    """Decades by seed; ``None`` where there is a single learning rate, or the grid was pruned."""
    rates = {record.learning_rate for record in records}
    if len(rates) < 2 or None in rates or not is_whole(records):
        return None
    lines: dict[int, dict[object, dict[float, bool]]] = {}
    for record in records:
        line = lines.setdefault(record.key.seed, {})
        arrived = math.isfinite(arrival(record, target, horizon))
        rest = (record.initializer, record.batch_size, record.depth)
        line.setdefault(rest, {})[record.learning_rate or 0.0] = arrived
    return {seed: _mean([_width(one) for one in line.values()]) for seed, line in lines.items()}


def _mean(widths: Sequence[_Width]) -> _Width:
    return _Width(
        *(fmean(getattr(width, part) for width in widths) for part in ("least", "middle", "most"))
    )


def _width(arrived: dict[float, bool]) -> _Width:
    rates = sorted(arrived)
    steps = [
        (math.log10(high / low), arrived[low] + arrived[high]) for low, high in pairwise(rates)
    ]
    least = math.fsum(step for step, ends in steps if ends == 2)
    edges = math.fsum(step for step, ends in steps if ends == 1)
    # Where no rate arrives, one between two of them may.
    room = edges if any(arrived.values()) else max(step for step, _ in steps)
    is_open = arrived[rates[0]] or arrived[rates[-1]]
    return _Width(least, least + edges / 2, math.inf if is_open else least + room)
