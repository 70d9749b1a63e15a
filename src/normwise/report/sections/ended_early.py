"""Runs that callbacks ended early: how many of a variant, and when."""

from __future__ import annotations

import statistics

from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A sentence; nothing where none was."""
    ended: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for record in results.records:
        name = record.key.variant
        counts[name] = counts.get(name, 0) + 1
        if record.ended_at is not None:
            ended.setdefault(name, []).append(record.ended_at)
    if not ended:
        return None
    each = "; ".join(
        f"{name}: {len(epochs)} of {counts[name]} runs, after {statistics.median(epochs):g} epochs "
        f"(median)"
        for name, epochs in ended.items()
    )
    said = (
        f"Callbacks ended runs early. {each}. For the epochs that they did not train, their curves "
        f"keep the metrics of the weights that they ended with."
    )
    return Section("Ended early", text=(said,))
