"""The runs that something else trained: how they were read, and what was found in them."""

from __future__ import annotations

from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section:
    """A sentence for each."""
    return Section("Runs", text=results.notes)
