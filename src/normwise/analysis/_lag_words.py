"""What lagging statistics hide, and what to do about it, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from normwise.analysis._ratio_words import ratio_words
from normwise.domain import (
    Comparison,
    Condition,
    Estimate,
    Lag,
    Variant,
    VariantSummary,
    VerdictKind,
    epochs_text,
    momentum_for,
    momentum_text,
)

__all__ = ["arrives", "hidden", "lags_behind", "learned_sooner", "learns", "opening_of_lag"]


def lags_behind(variant: VariantSummary) -> bool:
    """Whether a variant's arrival shows what its statistics let through, not what it learned."""
    return variant.lag is not None and variant.lag.decides


def learned_sooner(c: Comparison, table: Mapping[str, VariantSummary]) -> Estimate | None:
    """How much sooner a variant learns that helps and does not lag, in a study in which some do.

    Args:
        c: The variant against the baseline.
        table: The study's variants by name.
    """
    if c.outcome != "helps" or c.learning_outcome != "helps" or lags_behind(table[c.variant]):
        return None
    return c.learning_ratio if any(map(lags_behind, table.values())) else None


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
    name = _remedy(variant, lag)
    points = [variant.learns_at, variant.condition]
    points += [table[name].condition] if name in table else []
    stands, advice = _at(variant.condition, points), _advice(name, lag, table.get(name), points)
    if variant.learns_at == variant.condition:
        return f"{_statistics(lag)} hide it {_until(variant)}{stands}{_needs(lag)}; {advice}"
    soonest = _at(variant.learns_at, points).lstrip()
    arrival = _arrives_in(variant.epochs_to_target.median.value)
    return f"{soonest} {_statistics(lag)} hide it{_needs(lag)}, and{stands} it {arrival}; {advice}"


def _remedy(variant: VariantSummary, lag: Lag) -> str:
    """Its name; none where curves from elsewhere do not say what to change."""
    return "" if lag.momentum is None else Variant.parse(variant.name).with_remedy.name


def _at(point: Condition, points: Sequence[Condition]) -> str:
    """The point of the grid, as far as the points that are spoken of differ."""
    told = point.told_from(points)
    return f" at {told}" if told else ""


def _statistics(lag: Lag) -> str:
    if lag.momentum is None:
        return "its moving statistics"
    return f"statistics with momentum {momentum_text(lag.momentum)}"


def _until(variant: VariantSummary) -> str:
    arrival = variant.epochs_to_target.median.value
    return f"until epoch {arrival:g}" if math.isfinite(arrival) else "to the end"


def _needs(lag: Lag) -> str:
    if lag.steps_needed is None:
        return ""
    has = f", an epoch has {lag.steps}" if lag.steps else ""
    return f" (they need about {float(f'{lag.steps_needed:.2g}'):g} steps{has})"


def _advice(name: str, lag: Lag, remedy: VariantSummary | None, points: Sequence[Condition]) -> str:
    if not name:
        return "try a momentum that forgets sooner"
    if remedy is None:
        momentum = momentum_for(lag.steps) if lag.steps else None
        return f"try {_named(name, momentum)}, or `normwise recalibrate`"
    arrival = _arrives_in(remedy.epochs_to_target.median.value)
    there = _at(remedy.condition, points)
    return f"{_named(name, remedy.momentum)} {arrival}{there}, or `normwise recalibrate`"


def _named(name: str, momentum: float | None) -> str:
    return f"`{name}`" + ("" if momentum is None else f" ({momentum_text(momentum)})")


def _arrives_in(arrival: float) -> str:
    return "does not arrive" if math.isinf(arrival) else f"arrives in {epochs_text(arrival)}"
