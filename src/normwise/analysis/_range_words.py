"""Over which learning rates a variant works, beside the baseline, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from normwise.domain import Comparison, Estimate, VariantSummary

__all__ = ["range_words"]


def range_words(table: Mapping[str, VariantSummary], c: Comparison) -> str:
    """Both working ranges in decades, and which is wider; nothing where one is not known.

    Args:
        table: The study's variants by name.
        c: The variant against the baseline.
    """
    ours, theirs = table[c.variant].working_range, table[c.baseline].working_range
    if ours is None or theirs is None or c.range_gain is None:
        return ""
    least = "at least " if math.isinf(ours.high) else ""
    return (
        f", and works over {least}{ours.value:.2g} decades of learning rates instead of "
        f"{theirs.value:.2g} ({_wider(c.range_gain)})"
    )


def _wider(gain: Estimate) -> str:
    """By how many decades a range is wider; without an end where it goes on beyond the grid.

    >>> _wider(Estimate(0.5, 0.1, 0.9)), _wider(Estimate(-0.3, -0.64, 0.04))
    ('wider by 0.1 to 0.9', 'open: from 0.64 narrower to 0.04 wider')
    """
    low, high = gain.low, gain.high
    if low > 0:
        return f"wider by {_between(low, high)}"
    if high < 0:
        return f"narrower by {_between(-high, -low)}"
    if math.isinf(low) and math.isinf(high):
        return "open: a range goes on beyond the grid"
    if math.isinf(low) or math.isinf(high):
        end = f"{high:.2g} wider" if math.isinf(low) else f"{0 - low:.2g} narrower"
        return f"open: at most {end}"
    return f"open: from {0 - low:.2g} narrower to {high:.2g} wider"


def _between(low: float, high: float) -> str:
    return f"{low:.2g} to {high:.2g}" if math.isfinite(high) else f"at least {low:.2g}"
