"""The settings: what was asked for."""

from __future__ import annotations

from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """Name and value of each."""
    return Section("Settings", facts=results.settings) if results.settings else None
