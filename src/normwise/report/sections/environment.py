"""The environment: where a study ran."""

from __future__ import annotations

from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """Name and value of what a reader needs to run it again."""
    environment = results.summary.environment
    return Section("Environment", facts=environment) if environment else None
