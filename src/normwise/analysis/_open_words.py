"""What would decide a comparison that is open, in words."""

from __future__ import annotations

from collections.abc import Iterable

from normwise.domain import Comparison, Target, VariantSummary

__all__ = ["open_words"]


def open_words(
    c: Comparison, sides: Iterable[VariantSummary], target: Target, certain: Target | None
) -> str:
    """How many seeds would decide a comparison, or else what to change.

    Args:
        c: The variant against the baseline.
        sides: Both of them.
        target: What was to be reached.
        certain: Where the typical replica of the best variant ends (see `certain_target`).

    Returns:
        A part of a sentence, or nothing where it is decided.
    """
    if c.outcome != "undecided":
        return ""
    if c.seeds_needed:
        return f"; about {c.seeds_needed} seeds would decide it"
    unknown = "; how many seeds would decide it cannot be foreseen"
    # An epoch is the unit: of replicas that arrive within the first, none is seen to be sooner.
    if all(one.epochs_to_target.median.value <= 1 for one in sides):
        why = "since most replicas of both arrive in the first epoch"
        return f"{unknown}, {why}: {_harder(target, certain)}"
    return f"{unknown}: try more seeds or epochs"


def _harder(target: Target, certain: Target | None) -> str:
    if certain is None or target.surplus(certain.value) <= 0:
        return "try a harder --target"
    return f"try a harder --target, such as '{certain}', where a typical replica ends"
