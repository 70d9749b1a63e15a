"""Which points of a grid are worth training on."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from normwise.analysis import best_point, outcome, point_of
from normwise.domain import RunRecord, Target
from normwise.engine import Keep, Replica

__all__ = ["best_half", "is_hopeless"]


def best_half(metric: str, *, rising: bool) -> Keep:
    """Keeps the replicas at the better half of the points, by what they have reached so far.

    A point is judged by the median of its replicas; those that diverged come last.

    Args:
        metric: Its newest value counts.
        rising: Whether more of it is better.

    >>> keep = best_half("val_accuracy", rising=True)
    >>> slow, fast = Replica(0, 0.01), Replica(0, 0.1)
    >>> keep([slow, fast], {"val_accuracy": np.array([[0.5, 0.6], [0.7, 0.8]])})
    [1]
    """

    def keep(replicas: Sequence[Replica], curves: dict[str, np.ndarray]) -> list[int]:
        newest = np.nan_to_num(curves[metric][:, -1], nan=-math.inf if rising else math.inf)
        points: dict[object, list[int]] = {}
        for number, replica in enumerate(replicas):
            point = (replica.learning_rate, replica.initializer)
            points.setdefault(point, []).append(number)
        ranked = sorted(
            points.values(),
            key=lambda own: statistics.median_low(newest[own].tolist()),
            reverse=rising,
        )
        return sorted(number for own in ranked[: math.ceil(len(ranked) / 2)] for number in own)

    return keep


def is_hopeless(records: Sequence[RunRecord], target: Target) -> bool:
    """Whether no replica arrives even at the best point of the grid."""
    best = best_point(records, target)
    return not any(
        outcome(record, target).kind == "reached" for record in records if point_of(record) == best
    )
