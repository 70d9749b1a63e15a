"""The variant that a study recommends."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.analysis._ending import gain
from normwise.domain import Comparison, Target

__all__ = ["recommend"]


def recommend(baseline: str, comparisons: Sequence[Comparison], target: Target) -> str:
    """The variant that helps most and does not end credibly worse; else the baseline.

    Args:
        baseline: Name of the baseline.
        comparisons: Every other variant against it.
        target: Says which metric counts at the end, and which way it is better.

    >>> recommend("none", [], Target.parse("val_accuracy>=0.8"))
    'none'
    """
    helping = [c for c in comparisons if c.outcome == "helps" and gain(c, target)[1] >= 0]
    best = max(helping, key=_rank, default=None)
    return best.variant if best else baseline


def _rank(comparison: Comparison) -> tuple[float, float]:
    return comparison.epochs_ratio.value, comparison.epochs_ratio.low
