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
    headers = (
        "variant",
        "epochs trained",
        "epochs saved",
        f"{metric_text(metric)} then",
        "at the last epoch",
    )
    return Section(
        "Early stopping",
        in_words=tuple(_sentence(variant, stop, results) for variant, stop in found),
        table=Table(
            tuple(map(Column, headers)),
            tuple(_row(variant, stop, results) for variant, stop in found),
        ),
        caption=(
            f"What Keras' early stopping on {first.monitor} with a patience of {first.patience} "
            f"would have done, what it saves of all epochs that were trained, and where the "
            f"weights that it restores stand: means over the replicas."
        ),
    )


def _row(variant: VariantSummary, stop: EarlyStopping, results: StudyResults) -> tuple[Cell, ...]:
    final = variant.final[results.summary.target.metric]
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(f.epochs(stop.epochs.value), (f.epochs_interval(stop.epochs),)),
        _saved_cell(stop),
        Cell(f.mean(stop.final), (f.value_interval(stop.final),)),
        Cell(f.mean(final), (f.value_interval(final),)),
    )


def _sentence(variant: VariantSummary, stop: EarlyStopping, results: StudyResults) -> str:
    metric = results.summary.target.metric
    epochs = max(run.epochs for run in results.runs_of(variant.name))
    return (
        f"{_too_early(variant, stop, metric)}{variant.name}, on {stop.monitor} with a patience of "
        f"{stop.patience}, would have trained {f.epochs(stop.epochs.value)} of {epochs} epochs "
        f"(mean){_saving(stop)}, and ended at a {metric_text(metric)} of {f.mean(stop.final)} "
        f"instead of {f.mean(variant.final[metric])}."
    )


def _too_early(variant: VariantSummary, stop: EarlyStopping, metric: str) -> str:
    """What is lost, before what is saved."""
    if stop.lost is None:
        return ""
    hidden = variant.lag is not None and variant.lag.decides
    why = "; its moving statistics lag, which looks as if nothing improved" if hidden else ""
    return (
        f"{variant.name} stops too early: its {metric_text(metric)} is worse by {stop.lost:.2g} "
        f"than at the last epoch{why}. "
    )


def _saved_cell(stop: EarlyStopping) -> Cell:
    saved = stop.epochs_saved
    if saved is None:
        return Cell(f.NONE)
    return Cell(f.epochs(saved.value), (f.epochs_interval(saved),))


def _saving(stop: EarlyStopping) -> str:
    """What it saves against training every epoch."""
    if stop.epochs_saved is None:
        return ""
    saved = stop.epochs_saved
    parts = [f"which saves {_said(f.epochs(saved.value), 'epochs', f.epochs_interval(saved))}"]
    if stop.seconds_saved is not None:
        seconds = stop.seconds_saved
        parts.append(_said(f.seconds(seconds.value), f.seconds_interval(seconds)))
    if stop.cost_saved is not None:
        cost = stop.cost_saved
        parts.append(f"a cost of {_said(f.number(cost.value), f.cost_interval(cost))}")
    return f", {', '.join(parts)}"


def _said(*parts: str) -> str:
    return " ".join(filter(None, parts))
