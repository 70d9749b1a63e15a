"""The restricted mean: epochs to the target where a replica that never arrives counts, too."""

from __future__ import annotations

from normwise.domain import CONFIDENCE, VariantSummary
from normwise.report import formatting as f
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]


def build(results: StudyResults) -> Section:
    """A row a variant: its mean, and what it saves of the baseline's."""
    headers = [
        "variant",
        "restricted mean",
        *([f"saved, from {results.baseline}"] if results.baseline else []),
    ]
    return Section(
        "Mean epochs to the target",
        table=Table(
            tuple(map(Column, headers)),
            tuple(_row(variant, results) for variant in results.summary.variants),
        ),
        caption=(
            f"Restricted mean: the mean over the replicas, of which one that never arrived counts "
            f"as the whole run; with {f.percent(CONFIDENCE)} intervals that need no distribution."
        ),
    )


def _row(variant: VariantSummary, results: StudyResults) -> tuple[Cell, ...]:
    mean, compared = variant.epochs_to_target.restricted_mean, results.comparison(variant.name)
    saved = compared.epochs_saved if compared else None
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(f.epochs(mean.value), (f.epochs_interval(mean),)),
        *([Cell(f.saved(saved) if saved else f.NONE)] if results.baseline else []),
    )
