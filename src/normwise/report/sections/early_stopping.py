"""Early stopping: what it would have saved, and where it would have ended."""

from __future__ import annotations

from collections.abc import Iterator

from normwise.domain import VariantSummary
from normwise.report.results import StudyResults
from normwise.report.section import Section

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A sentence a variant, if a patience was given."""
    text = tuple(s for variant in results.summary.variants for s in _saved(variant, results))
    return Section("Early stopping", text=text) if text else None


def _saved(variant: VariantSummary, results: StudyResults) -> Iterator[str]:
    found, metric = variant.early_stopping, results.summary.target.metric
    if found is not None:
        epochs = max(run.epochs for run in results.runs_of(variant.name))
        yield (
            f"{variant.name}: early stopping on {found.monitor} with a patience of "
            f"{found.patience} would have trained {found.epochs.value:.3g} of {epochs} epochs "
            f"(mean) and kept weights with a {metric} of "
            f"{found.final.value:.4g} instead of {variant.final[metric].value:.4g}."
        )
