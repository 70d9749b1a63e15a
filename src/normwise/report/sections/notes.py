"""What a diagnosis left out, and why."""

from __future__ import annotations

from normwise.report.section import Section
from normwise.report.sections.gap import Found

__all__ = ["build"]


def build(found: Found) -> Section | None:
    """Sentences; nothing where nothing was left out."""
    return Section("Notes", text=tuple(found["notes"])) if found["notes"] else None
