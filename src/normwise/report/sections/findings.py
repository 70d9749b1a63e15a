"""What a check found: each finding with its place and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.domain import Finding
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["findings_section"]

# Of the square in front of a finding.
_COLORS = {"error": "#d02e1e", "warning": "#b97a00", "note": "#1292e6"}


def findings_section(
    title: str, findings: Sequence[Finding], *, mended: bool = False
) -> Section | None:
    """A table with a row for each finding; nothing where there are none.

    Args:
        title: The section's heading.
        findings: What it shows.
        mended: Whether what there is to do about them was done.
    """
    columns = (
        Column("rule"),
        Column("severity"),
        Column("place"),
        Column("what was found", is_prose=True),
        Column("what was done" if mended else "what to do", is_prose=True),
    )
    rows = tuple(_row(finding, mended=mended) for finding in findings)
    return Section(title, table=Table(columns, rows)) if rows else None


def _row(finding: Finding, *, mended: bool) -> tuple[Cell, ...]:
    return (
        Cell(finding.rule, badge=finding.code, color=_COLORS[finding.severity]),
        Cell(finding.severity),
        Cell(finding.layer or "the model"),
        Cell(finding.message),
        Cell(finding.fix, ("nw.fix does it",) if finding.safe and not mended else ()),
    )
