"""What becomes of fewer epochs once each takes longer, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from normwise.domain import Comparison, Estimate, VariantSummary

__all__ = ["in_seconds"]


def in_seconds(table: Mapping[str, VariantSummary], c: Comparison) -> str:
    """Of a variant that helps, how much sooner it arrives in seconds of a training alone.

    Args:
        table: The study's variants by name.
        c: The variant against the baseline.

    Returns:
        A part of a sentence, or nothing where nothing was timed.
    """
    ratio, pace = c.seconds_ratio, c.epoch_seconds_ratio
    if c.outcome != "helps":
        return ""
    if pace is not None and math.isnan(pace.value):
        return ", in seconds it cannot be told (busy machine)"
    if not math.isfinite(ratio.value):
        return ""
    alike = pace is not None and pace.low <= 1 <= pace.high
    longer = _known(table, c) if pace is None else 1 / pace.value
    why = "an epoch takes about as long" if alike else f"an epoch takes {longer:.3g} times as long"
    if ratio.value < 1:
        return f", but in seconds only {ratio.value:.2g} times as fast{_open(ratio)}, since {why}"
    about = f" ({why})" if alike else ""
    return f", {ratio.value:.3g} times in seconds{_open(ratio)}{about}"


def _known(table: Mapping[str, VariantSummary], c: Comparison) -> float:
    """How many times as long an epoch takes, where no rounds were kept to pair."""
    return table[c.variant].seconds_per_epoch / table[c.baseline].seconds_per_epoch


def _open(ratio: Estimate) -> str:
    """Where seconds leave open what epochs tell, between which ratios."""
    if not ratio.low <= 1 <= ratio.high or math.isinf(ratio.high):
        return ""
    return f" (open: {ratio.low:.2g} to {ratio.high:.2g})"
