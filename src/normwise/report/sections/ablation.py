"""Ablation: which normalisation layers of the recommended variant matter."""

from __future__ import annotations

from normwise.domain import CONFIDENCE, Ablation, AblationStep
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
        caption=_caption(found),
    )


def _fewest(found: Ablation) -> str:
    several = f"the {len(found.layers)} normalisation layers"
    of = several if len(found.layers) > 1 else "the one normalisation layer"
    return f"Of {of} of {found.variant} ({len(found.tried)} subsets tried) {_answer(found)}."


def _answer(found: Ablation) -> str:
    steps = {step.layers: step.restricted_mean for step in found.tried}
    best = min(steps.values(), key=lambda mean: mean.value)
    names = ", ".join(found.kept) or "none of them"
    means = (
        f"with {steps[found.kept].value:.3g} epochs to the target (restricted mean) against "
        f"{best.value:.3g} [{best.low:.3g}, {best.high:.3g}]"
    )
    if found.margin is None:
        return f"the fewest that stay within the interval of the best: {names}, {means}"
    as_good = f"no more than {found.margin:g} times slower than the best subset"
    if found.is_open:
        return (
            f"it is open whether fewer would do: none with fewer is shown to be {as_good}, so all "
            f"stay, {means}; more seeds may tell"
        )
    if found.kept == found.layers:
        return (
            f"all matter: each subset with fewer is more than {found.margin:g} times slower than "
            f"another, {means}"
        )
    return f"the fewest that are shown to be {as_good}: {names}, {means}"


def _caption(found: Ablation) -> str:
    if found.margin is None:
        return "Suffices: the fewest layers whose mean lies within the interval of the best."
    return (
        f"Suffices: the fewest layers that are shown to be no more than {found.margin:g} times "
        f"slower than the best, seed by seed, all subsets together at {f.percent(CONFIDENCE)}."
    )


def _row(step: AblationStep, found: Ablation) -> tuple[Cell, ...]:
    badge = "suffices" if step.layers == found.kept else ""
    mean = step.restricted_mean
    return (
        Cell(", ".join(step.layers) or "none", badge=badge),
        Cell(f.epochs(mean.value), (f.epochs_interval(mean),)),
        Cell(f.mean(step.final), (f.spread(step.final),)),
    )
