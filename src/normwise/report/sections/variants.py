"""The variants: how each one ends, when it reaches the target, and against the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from normwise.analysis import judging_runs
from normwise.domain import CONFIDENCE, Comparison, EpochsToTarget, Estimate, VariantSummary
from normwise.report import formatting as f
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build", "failed", "outcome_of"]


def build(results: StudyResults) -> Section:
    """A row a variant, and a sentence for each that lost replicas."""
    return Section(
        "Variants",
        text=tuple(s for variant in results.summary.variants for s in _lost(variant, results)),
        table=Table(
            _columns(results),
            tuple(_row(variant, results) for variant in results.summary.variants),
        ),
        caption=_caption(results),
    )


def _columns(results: StudyResults) -> tuple[Column, ...]:
    main = results.main_metrics[:1]
    return (
        Column("variant", is_main=True),
        *(Column(metric_text(name), is_main=name in main) for name in results.main_metrics),
        Column("epochs to target", is_main=True),
        Column("reached", is_main=True),
        *([Column(f"sooner than {results.baseline}", is_main=True)] if results.baseline else []),
        Column("outcome", is_main=bool(results.baseline)),
    )


def _row(variant: VariantSummary, results: StudyResults) -> tuple[Cell, ...]:
    times = variant.epochs_to_target
    compared = results.comparison(variant.name)
    finals = [variant.final_median.get(metric) for metric in results.main_metrics]
    badge = "recommended" if variant.name == results.summary.recommended else ""
    return (
        Cell(variant.name, badge=badge, color=results.colors[variant.name]),
        *(Cell(f.median(final), (f.value_interval(final),)) for final in finals),
        Cell(f.epochs(times.median.value), (f.epochs_interval(times.median),)),
        Cell(f"{times.reached}/{variant.seeds}", tuple(_counts(variant, times))),
        *([_ratio_cell(compared)] if results.baseline else []),
        Cell(outcome_of(variant.name, results)),
    )


def _counts(variant: VariantSummary, times: EpochsToTarget) -> Iterator[str]:
    """What became of the replicas that did not reach the target."""
    named = (
        (times.censored, "not yet"),
        (times.diverged, "diverged"),
        (failed(variant), "failed"),
    )
    yield from (f"{count} {name}" for count, name in named if count)


def _ratio_cell(compared: Comparison | None) -> Cell:
    ratio: Estimate | None = compared.epochs_ratio if compared else None
    return Cell(f.ratio(ratio), (f.ratio_interval(ratio),))


def outcome_of(variant: str, results: StudyResults) -> str:
    """``baseline``, the comparison's outcome, or ``not compared``."""
    compared = results.comparison(variant)
    if compared is not None:
        return compared.outcome
    return "baseline" if variant == results.baseline else "not compared"


def failed(variant: VariantSummary) -> int:
    """How many replicas could not be trained: neither reached, censored nor diverged."""
    times = variant.epochs_to_target
    return max(0, variant.seeds - times.reached - times.censored - times.diverged)


def _lost(variant: VariantSummary, results: StudyResults) -> Iterator[str]:
    """Replicas that the curves and final values do without."""
    own = judging_runs(variant, results.runs_of(variant.name))
    stopped = sum(run.diverged_at is not None for run in own)
    diverged = max(variant.epochs_to_target.diverged, stopped)
    counts = [(diverged, "diverged"), (failed(variant), "could not be trained")]
    lost = [f"{count} {what}" for count, what in counts if count > 0]
    if lost:
        yield (
            f"{variant.name}: of {variant.seeds} replicas {' and '.join(lost)}; "
            f"curves show them while they were finite; among final values they are the worst."
        )


def _caption(results: StudyResults) -> str:
    sooner = (
        f" Sooner: the epochs that {results.baseline} needs over those of the variant, so that "
        f"above 1 the variant gets there first."
    )
    return (
        f"Medians of the replicas, metrics at the last epoch; in brackets {f.percent(CONFIDENCE)} "
        f"intervals, of ratios those that hold for all comparisons together. Reached: how many "
        f"replicas reached the target.{sooner if results.baseline else ''}"
    )
