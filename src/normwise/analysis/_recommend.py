"""The variant that a study recommends."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.domain import Comparison

__all__ = ["recommend"]


def recommend(baseline: str, comparisons: Sequence[Comparison]) -> str:
    """The variant that helps most, of those shown to end no worse; else the baseline.

    Args:
        baseline: Name of the baseline.
        comparisons: Every other variant against it.

    >>> recommend("none", [])
    'none'
    """
    helping = [c for c in comparisons if c.outcome == "helps" and _ends_well(c)]
    best = max(helping, key=_rank, default=None)
    return best.variant if best else baseline


def _ends_well(comparison: Comparison) -> bool:
    ending = comparison.ending
    return ending is not None and ending.outcome in ("better", "no worse")


def _rank(comparison: Comparison) -> tuple[float, float]:
    return comparison.epochs_ratio.value, comparison.epochs_ratio.low
