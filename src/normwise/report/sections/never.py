"""Replicas that never arrive: how many, and how fast the others are."""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.domain import CONFIDENCE, Comparison, Estimate, VariantSummary
from normwise.report.formatting import percent
from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A sentence a comparison; nothing where all replicas arrive."""
    text = tuple(_sentences(results))
    return Section("Not arrived", text=text) if text else None


def _sentences(results: StudyResults) -> Iterator[str]:
    table = {variant.name: variant for variant in results.summary.variants}
    for one in results.summary.comparisons:
        if one.never_difference is not None:
            yield _sentence(table[one.variant], table[one.baseline], one, one.never_difference)


def _sentence(ours: VariantSummary, theirs: VariantSummary, c: Comparison, more: Estimate) -> str:
    interval = (
        ""
        if ours.never is None
        else (
            f" ({percent(CONFIDENCE)} interval {100 * ours.never.low:.0f} to "
            f"{100 * ours.never.high:.0f}%)"
        )
    )
    return (
        f"{ours.lost} of {ours.seeds} replicas of {ours.name} did not arrive{interval}, of "
        f"{theirs.name} {theirs.lost} of {theirs.seeds}: a difference of {100 * more.value:+.0f} "
        f"points ({100 * more.low:+.0f} to {100 * more.high:+.0f}){_learners(c)}."
    )


def _learners(c: Comparison) -> str:
    ratio = c.learners_ratio
    if ratio is None or not math.isfinite(ratio.value):
        return ""
    if math.isfinite(ratio.high):
        ends = f"{ratio.low:.3g} to {ratio.high:.3g}"
    else:
        ends = f"{ratio.low:.3g} and up" if ratio.low > 0 else "no bounds yet"
    return f"; among those that did, a ratio of {ratio.value:.3g} ({ends})"
