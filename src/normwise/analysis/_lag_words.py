"""What lagging statistics hide, and what to do about it, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from normwise.analysis._ratio_words import ratio_words
from normwise.domain import (
    Comparison,
    Estimate,
    Lag,
    Variant,
    VariantSummary,
    VerdictKind,
    epochs_text,
    momentum_for,
    momentum_text,
)

__all__ = ["arrives", "hidden", "lags_behind", "learns", "opening_of_lag"]


def lags_behind(variant: VariantSummary) -> bool:
    """Whether a variant's arrival shows what its statistics let through, not what it learned."""
    return variant.lag is not None and variant.lag.decides


def opening_of_lag(subject: str, c: Comparison) -> str:
    """What is said first where a variant is no better, and its statistics may be why.

    Args:
        subject: What is compared, as it begins a sentence.
        c: A variant whose lag decides.
    """
    if c.learning_outcome == "helps":
        return f"{subject} helps learning here, and its statistics hide it"
    return f"{subject} has statistics that lag here"


def learns(lag: Lag, c: Comparison | None) -> str:
    """How soon a variant learns, whatever its statistics let through.

    Args:
        lag: The variant's.
        c: The variant against the baseline; ``None`` where it is the baseline, or alone.
    """
    if c is None or c.learning_ratio is None or c.learning_outcome is None:
        return f"learns in {epochs_text(lag.learned.value)}"
    return f"learns {_speed(c.learning_outcome, c.learning_ratio)}"


def arrives(c: Comparison) -> str:
    """How much sooner a variant arrives, to follow how much sooner it learns."""
    return f", arrives {_speed(c.outcome, c.epochs_ratio)}"


def _speed(outcome: VerdictKind, ratio: Estimate) -> str:
    words = ratio_words(outcome, ratio)
    return f"with {words}" if words.startswith("a ") else words


def hidden(variant: VariantSummary, lag: Lag, table: Mapping[str, VariantSummary]) -> str:
    """What hides what a variant has learned, until when, and what to do about it.

    Args:
        variant: One that lags.
        lag: Its lag.
        table: The study's variants by name, of which one may be the remedy.
    """
    arrival = variant.epochs_to_target.median.value
    until = f"until epoch {arrival:g}" if math.isfinite(arrival) else "to the end"
    if lag.momentum is None or lag.steps_needed is None:
        return f"its moving statistics hide it {until}; try a momentum that forgets sooner"
    needs = f"they need about {float(f'{lag.steps_needed:.2g}'):g} steps"
    has = f", an epoch has {lag.steps}" if lag.steps else ""
    return (
        f"statistics with momentum {momentum_text(lag.momentum)} hide it {until} ({needs}{has}); "
        f"{_remedy(variant, lag, table)}, or `normwise recalibrate`"
    )


def _remedy(variant: VariantSummary, lag: Lag, table: Mapping[str, VariantSummary]) -> str:
    name = Variant.parse(variant.name).with_remedy.name
    remedy = f"`{name}`" + (f" ({momentum_text(momentum_for(lag.steps))})" if lag.steps else "")
    if name not in table:
        return f"try {remedy}"
    median = table[name].epochs_to_target.median
    if math.isinf(median.value):
        return f"{remedy} does not arrive"
    return f"{remedy} arrives in {epochs_text(median.value)}"
