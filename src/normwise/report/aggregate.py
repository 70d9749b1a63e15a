"""A metric over the epochs, in aggregate over the replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from normwise.report.strokes import Part
from normwise.report.vega import step_of

__all__ = ["BAND", "Curve", "aggregate", "thinned"]

BAND = (10.0, 90.0)
"""Percentiles of the replicas between which a curve's band lies."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of one variant over the epochs, in aggregate.

    Attributes:
        variant: Name of the variant.
        part: ``validation``; the same by ``population statistics``;
            or ``training``.
        epochs: Epochs (from 1) at which at least one replica was finite.
        median: Median over the finite replicas, one value an epoch.
        low: 10th percentile of the same.
        high: 90th percentile of the same.
        replicas: How many replicas were finite, one count an epoch.
    """

    variant: str
    part: Part
    epochs: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    replicas: tuple[int, ...]


def aggregate(variant: str, part: Part, stack: Sequence[Sequence[float]]) -> Curve | None:
    """The curve of these replicas; ``None`` where none was ever finite.

    Args:
        variant: Its name.
        part: What the metric is taken from.
        stack: One value an epoch of each replica, of lengths that may differ.

    >>> aggregate("none", "training", [(3.0, 1.0), (4.0, 2.0)]).median
    (3.5, 1.5)
    """
    if not stack:
        return None
    values = _matrix(stack)
    counts = np.isfinite(values).sum(axis=0)
    seen = np.flatnonzero(counts)
    if not seen.size:
        return None
    values = values[:, seen]
    percentile = np.percentile if counts[seen].min() == len(stack) else np.nanpercentile
    low, median, high = percentile(values, (BAND[0], 50.0, BAND[1]), axis=0)
    return Curve(
        variant,
        part,
        epochs=tuple((seen + 1).tolist()),
        median=tuple(median.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        replicas=tuple(counts[seen].tolist()),
    )


def _matrix(stack: Sequence[Sequence[float]]) -> np.ndarray:
    """(replicas, epochs), NaN where a replica is not finite or has ended."""
    values = np.full((len(stack), max(map(len, stack))), np.nan)
    for row, curve in zip(values, stack, strict=True):
        row[: len(curve)] = curve
    values[~np.isfinite(values)] = np.nan
    return values


def thinned(curves: Sequence[Curve]) -> tuple[int, list[list[int]]]:
    """Every how many epochs are drawn, and of each curve the places of its points.

    The last is among them.

    >>> thinned([aggregate("none", "training", [(3.0, 1.0)])])
    (1, [[0, 1]])
    """
    counts = [len(curve.epochs) for curve in curves]
    step = step_of(max(counts), len(counts))
    return step, [sorted({*range(0, count, step), count - 1}) for count in counts]
