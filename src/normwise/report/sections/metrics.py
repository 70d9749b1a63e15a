"""All metrics at the last epoch, where there are more than the target's."""

from __future__ import annotations

from normwise.domain import CONFIDENCE, VariantSummary
from normwise.report import formatting as f
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A row a variant."""
    if len(results.metrics) == len(results.main_metrics):
        return None
    rates = [variant.learning_rate for variant in results.summary.variants]
    rated = any(rate is not None for rate in rates)
    headers = [*map(metric_text, results.metrics), *(["learning rate"] if rated else []), "seeds"]
    return Section(
        "All metrics at the last epoch",
        table=Table(
            (Column("variant"), *map(Column, headers)),
            tuple(_row(variant, results, rated=rated) for variant in results.summary.variants),
        ),
        caption=(
            f"Medians over the replicas with their {f.percent(CONFIDENCE)} intervals; one that "
            f"diverged is worse than any value."
        ),
    )


def _row(variant: VariantSummary, results: StudyResults, *, rated: bool) -> tuple[Cell, ...]:
    finals = [variant.final_median.get(metric) for metric in results.metrics]
    rate = variant.learning_rate
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        *(Cell(f.median(final), (f.value_interval(final),)) for final in finals),
        *([Cell(f.NONE if rate is None else f"{rate:g}")] if rated else []),
        Cell(str(variant.seeds)),
    )
