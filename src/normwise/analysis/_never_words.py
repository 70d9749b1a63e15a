"""What the verdict says where a variant helps, and more of its replicas never arrive."""

from __future__ import annotations

from collections.abc import Mapping

from normwise.domain import Comparison, VariantSummary

__all__ = ["never_words"]


def never_words(table: Mapping[str, VariantSummary], c: Comparison) -> str:
    """That it never arrives more often, where that is credible of a variant that helps."""
    more = c.never_difference
    if c.outcome != "helps" or more is None or more.low <= 0:
        return ""
    ours, theirs = (table[name] for name in (c.variant, c.baseline))
    return (
        f", but credibly more often never: {ours.lost} of {ours.seeds} replicas, of "
        f"`{c.baseline}` {theirs.lost} of {theirs.seeds}"
    )
