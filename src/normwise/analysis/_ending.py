"""How a variant ends beside the baseline, as numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from normwise.domain import Comparison, Target, VariantSummary

__all__ = ["ending", "gain"]

# A final value that is credibly worse by less than this share of the baseline's is "no worse".
TOLERANCE = 0.01


def gain(c: Comparison, target: Target) -> tuple[float, float]:
    """The interval of how much better the variant ends; without bounds where nothing is known."""
    found = c.final_difference
    if found is None or math.isnan(found.value):
        return -math.inf, math.inf
    return (found.low, found.high) if target.relation == ">=" else (-found.high, -found.low)


def ending(table: Mapping[str, VariantSummary], c: Comparison, target: Target) -> str:
    """How the variant ends: worse or better where that is shown, "no worse" where it helps."""
    low, high = gain(c, target)
    ours, theirs = (table[name].final[target.metric].value for name in (c.variant, c.baseline))
    values = f"at {ours:.4g} instead of {theirs:.4g}"
    if high < 0:
        return f", {'but' if c.outcome == 'helps' else 'and'} it ends worse, {values}"
    if c.outcome != "helps":
        return ""
    if low > 0:
        return f", and ends better, {values}"
    if low >= -TOLERANCE * abs(theirs):
        return ", and ends no worse"
    if math.isfinite(low):
        return f", but whether it ends worse is open ({values})"
    return ", but whether it ends worse cannot be told"
