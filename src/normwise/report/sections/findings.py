"""What a check found: each finding with its place and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from normwise.domain import Finding
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]

# Of the square in front of a finding.
_COLORS = {"error": "#d02e1e", "warning": "#b97a00", "note": "#1292e6"}
_COLUMNS = (
    Column("rule"),
    Column("severity"),
    Column("place"),
    Column("what was found", is_prose=True),
    Column("what to do", is_prose=True),
)


def build(findings: Sequence[Finding], title: str) -> Section | None:
    """A table with a row for each; nothing where there are none."""
    rows = tuple(map(_row, findings))
    return Section(title, table=Table(_COLUMNS, rows)) if rows else None


def _row(finding: Finding) -> tuple[Cell, ...]:
    return (
        Cell(finding.rule, badge=finding.code, color=_COLORS[finding.severity]),
        Cell(finding.severity),
        Cell(finding.layer or "the model"),
        Cell(finding.message),
        Cell(finding.fix, ("nw.fix does it",) if finding.safe else ()),
    )
