"""Ablation: which normalisation layers of the recommended variant matter."""

from __future__ import annotations

from normwise.domain import Ablation, AblationStep
from normwise.report import formatting as f
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A row a subset of the layers, if that was asked."""
    found = results.summary.ablation
    if found is None:
        return None
    columns = (
        Column(f"layers kept of {found.variant}"),
        Column("restricted mean of epochs"),
        Column(metric_text(results.summary.target.metric)),
    )
    return Section(
        "Which normalisation layers matter",
        text=(_fewest(found),),
        table=Table(columns, tuple(_row(step, found) for step in found.tried)),
        caption="Suffices: the fewest layers whose mean lies within the interval of the best.",
    )


def _fewest(found: Ablation) -> str:
    steps = {step.layers: step.restricted_mean for step in found.tried}
    best = min(steps.values(), key=lambda mean: mean.value)
    fewest = ", ".join(found.kept) or "none of them"
    several = f"the {len(found.layers)} normalisation layers"
    of = several if len(found.layers) > 1 else "the one normalisation layer"
    return (
        f"Of {of} of {found.variant} ({len(steps)} subsets tried) the fewest that stay within the "
        f"interval of the best: {fewest}, with {steps[found.kept].value:.3g} epochs to the target "
        f"(restricted mean) against {best.value:.3g} [{best.low:.3g}, {best.high:.3g}]."
    )


def _row(step: AblationStep, found: Ablation) -> tuple[Cell, ...]:
    badge = "suffices" if step.layers == found.kept else ""
    mean = step.restricted_mean
    return (
        Cell(", ".join(step.layers) or "none", badge=badge),
        Cell(f.epochs(mean.value), (f.epochs_interval(mean),)),
        Cell(f.mean(step.final), (f.spread(step.final),)),
    )
