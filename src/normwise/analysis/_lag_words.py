"""What lagging statistics hide, and what to do about it, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from normwise.analysis._ratio_words import ratio_words
from normwise.domain import (
    Comparison,
    Estimate,
    Lag,
    Target,
    Variant,
    VariantSummary,
    VerdictKind,
    momentum_for,
    momentum_text,
)

__all__ = ["arrives", "lag_words", "lags_behind", "opening_of_lag"]

_ALREADY = "; `normwise recalibrate` mends a model that is trained already"


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


def lag_words(
    target: Target,
    variants: Sequence[VariantSummary],
    comparisons: Sequence[Comparison],
    arrivals: Mapping[str, str],
) -> Iterator[str]:
    """A part of the sentence for each variant whose lag decides.

    Args:
        target: What was to be reached.
        variants: All of the study.
        comparisons: Every variant but the baseline against it.
        arrivals: How variants arrive and end beside the baseline, in words, by name; of those that
            are missing it was said already.
    """
    table, compared = {one.name: one for one in variants}, {c.variant: c for c in comparisons}
    late = [(one, one.lag) for one in variants if one.lag is not None and one.lag.decides]
    for number, (one, lag) in enumerate(late, start=1):
        what = target if number == 1 else "it"
        learns = f"`{one.name}` learns {what} {_sooner(compared.get(one.name), lag)}"
        already = _ALREADY if number == len(late) and lag.momentum is not None else ""
        yield learns + arrivals.get(one.name, "") + _hidden(one, lag, table) + already


def arrives(c: Comparison) -> str:
    """How much sooner a variant arrives, to follow how much sooner it learns."""
    return f" and arrives {_speed(c.outcome, c.epochs_ratio, c.confidence)}"


def _sooner(c: Comparison | None, lag: Lag) -> str:
    if c is None or c.learning_ratio is None or c.learning_outcome is None:
        return _in_epochs(lag.learned)
    return _speed(c.learning_outcome, c.learning_ratio, c.learning_confidence or c.confidence)


def _speed(outcome: VerdictKind, ratio: Estimate, confidence: float) -> str:
    words = ratio_words(outcome, ratio, confidence)
    return f"with {words}" if words.startswith("a ") else words


def _in_epochs(median: Estimate) -> str:
    return f"in {median.value:g} {'epoch' if median.value == 1 else 'epochs'}"


def _hidden(variant: VariantSummary, lag: Lag, table: Mapping[str, VariantSummary]) -> str:
    arrival = variant.epochs_to_target.median.value
    until = f"until epoch {arrival:g}" if math.isfinite(arrival) else "to the end"
    if lag.momentum is None or lag.steps_needed is None:
        return f": its moving statistics hide it {until}; try a momentum that forgets sooner"
    needs = f"they need about {float(f'{lag.steps_needed:.2g}'):g} steps"
    has = f", an epoch has {lag.steps}" if lag.steps else ""
    momentum = momentum_text(lag.momentum)
    return (
        f": statistics with momentum {momentum} hide it {until} ({needs}{has})"
        f"; {_remedy(variant, lag, table)}"
    )


def _remedy(variant: VariantSummary, lag: Lag, table: Mapping[str, VariantSummary]) -> str:
    name = Variant.parse(variant.name).with_remedy.name
    remedy = f"`{name}`" + (f" ({momentum_text(momentum_for(lag.steps))})" if lag.steps else "")
    if name not in table:
        return f"try {remedy}"
    median = table[name].epochs_to_target.median
    if math.isinf(median.value):
        return f"{remedy} does not arrive"
    return f"{remedy} arrives {_in_epochs(median)}"
