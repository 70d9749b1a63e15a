"""What the verdict says of how a variant ends."""

from __future__ import annotations

import math
from collections.abc import Mapping

from normwise.domain import Comparison, Ending, Target, VariantSummary

__all__ = ["ending_words"]

# How a variant ends, and what is said of its arrival that lets expect the contrary.
_CONTRARY = {"worse": ("helps", "no difference"), "better": ("hurts", "no difference")}


def ending_words(
    table: Mapping[str, VariantSummary], c: Comparison, target: Target, recommended: str = ""
) -> str:
    """How a variant ends: where that is shown to be otherwise than it arrives, or where it helps.

    Args:
        table: Name of each variant to its numbers.
        c: The variant against the baseline.
        target: Says which metric counts.
        recommended: Name of the variant that is, where the sentence is to say why.
    """
    one = c.ending
    if one is None:
        return ""
    values = _values(table, c, target.metric)
    if one.outcome in _CONTRARY:
        joined = "but" if c.outcome in _CONTRARY[one.outcome] else "and"
        return f", {joined} ends {one.outcome}, {values}"
    if c.outcome != "helps":
        return ""
    if one.outcome == "no worse":
        return ", and ends no worse"
    stays = f", so `{recommended}` stays recommended" if recommended == c.baseline else ""
    return f", but {_why_open(one, c.baseline, values)}{stays}"


def _why_open(one: Ending, baseline: str, values: str) -> str:
    if one.diverges_more:
        return (
            f"diverges more often than `{baseline}` ({one.diverged} of {one.replicas} replicas "
            f"instead of {one.baseline_diverged} of {one.baseline_replicas})"
        )
    if not one.difference.n:
        return "nothing says how it ends"
    needed = f"; about {one.seeds_needed} seeds would settle it" if one.seeds_needed else ""
    return f"its end is open ({values}{needed})"


def _values(table: Mapping[str, VariantSummary], c: Comparison, metric: str) -> str:
    ours, theirs = (_median(table[name], metric) for name in (c.variant, c.baseline))
    return f"at {ours} instead of {theirs}"


def _median(variant: VariantSummary, metric: str) -> str:
    found = variant.final_median.get(metric)
    if found is None or math.isnan(found.value):
        return "an unknown value"
    return f"{found.value:.4g}" if math.isfinite(found.value) else "nothing finite"
