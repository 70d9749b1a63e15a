"""Early stopping: what it would have saved, and where it would have ended."""

from __future__ import annotations

from normwise.domain import EarlyStopping, VariantSummary
from normwise.report import formatting as f
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A row a variant, if a patience was given."""
    metric = results.summary.target.metric
    found = [
        (variant, variant.early_stopping)
        for variant in results.summary.variants
        if variant.early_stopping is not None
    ]
    if not found:
        return None
    (_, first), *_ = found
    headers = ("variant", "epochs trained", f"{metric_text(metric)} then", "at the last epoch")
    return Section(
        "Early stopping",
        in_words=tuple(_sentence(variant, stop, results) for variant, stop in found),
        table=Table(
            tuple(map(Column, headers)),
            tuple(_row(variant, stop, results) for variant, stop in found),
        ),
        caption=(
            f"What Keras' early stopping on {first.monitor} with a patience of {first.patience} "
            f"would have done, and where the weights that it restores stand: means over the "
            f"replicas."
        ),
    )


def _row(variant: VariantSummary, stop: EarlyStopping, results: StudyResults) -> tuple[Cell, ...]:
    final = variant.final[results.summary.target.metric]
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(f.epochs(stop.epochs.value), (f.epochs_interval(stop.epochs),)),
        Cell(f.mean(stop.final), (f.spread(stop.final),)),
        Cell(f.mean(final), (f.spread(final),)),
    )


def _sentence(variant: VariantSummary, stop: EarlyStopping, results: StudyResults) -> str:
    metric = results.summary.target.metric
    epochs = max(run.epochs for run in results.runs_of(variant.name))
    return (
        f"{variant.name}, on {stop.monitor} with a patience of {stop.patience}, would have trained "
        f"{f.epochs(stop.epochs.value)} of {epochs} epochs (mean), and ended at a "
        f"{metric_text(metric)} of {f.mean(stop.final)} instead of {f.mean(variant.final[metric])}."
    )
