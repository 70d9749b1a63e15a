"""Overfitting: what each variant does on what it trained on, and on what it has not seen."""

from __future__ import annotations

from collections.abc import Iterator

from normwise.domain import CONFIDENCE, VALIDATION, Overfitting, VariantSummary, is_with_population
from normwise.report import formatting as f
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build", "build_where_large"]

# Times the training loss that the validation loss is where the gap is one of the answers.
_LARGE = 3.0


def build(results: StudyResults) -> Section | None:
    """A row for each variant and metric; nothing where it is small enough to come first."""
    return None if _is_large(results) else _section(results)


def build_where_large(results: StudyResults) -> Section | None:
    """The same where some network learns its training part by heart."""
    return _section(results) if _is_large(results) else None


def _is_large(results: StudyResults) -> bool:
    return any(
        one.metric == "loss" and one.validation.value > _LARGE * one.training.value > 0
        for _, one in _found(results)
    )


def _found(results: StudyResults) -> Iterator[tuple[VariantSummary, Overfitting]]:
    for variant in results.summary.variants:
        for one in variant.overfitting or ():
            yield variant, one


def _section(results: StudyResults) -> Section | None:
    found = list(_found(results))
    if not found:
        return None
    metrics = dict.fromkeys(one.metric for _, one in found)
    return Section(
        "Overfitting",
        in_words=tuple(
            _sentence(metric, [pair for pair in found if pair[1].metric == metric], results)
            for metric in metrics
        ),
        table=Table(_columns(results), tuple(_row(*pair, results) for pair in found)),
        caption=_caption(results),
    )


def _columns(results: StudyResults) -> tuple[Column, ...]:
    headers = ["variant", "of", "training", "validation", "gap"]
    less = [f"smaller than {results.baseline}'s by"] if results.baseline else []
    return tuple(map(Column, [*headers, *less]))


def _row(variant: VariantSummary, one: Overfitting, results: StudyResults) -> tuple[Cell, ...]:
    ends = (one.training, one.validation, one.gap)
    saved = f.signed(one.gap_saved) if one.gap_saved else (f.NONE, "")
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(metric_text(one.metric, paired=False)),
        *(Cell(f.median(end), (f.value_interval(end),)) for end in ends),
        *([Cell(saved[0], (saved[1],))] if results.baseline else []),
    )


def _sentence(
    metric: str, own: list[tuple[VariantSummary, Overfitting]], results: StudyResults
) -> str:
    each = "; ".join(_in_words(variant, one, results.baseline) for variant, one in own)
    return f"{metric_text(metric, paired=False).capitalize()}, training to validation: {each}."


def _in_words(variant: VariantSummary, one: Overfitting, baseline: str) -> str:
    saved = ""
    if one.gap_saved:
        value, interval = f.signed(one.gap_saved)
        saved = f" (smaller than {baseline}'s by {' '.join(filter(None, [value, interval]))})"
    return (
        f"{variant.name} {f.median(one.training)} to {f.median(one.validation)}, "
        f"a gap of {f.median(one.gap)}{saved}"
    )


def _caption(results: StudyResults) -> str:
    population = any(
        is_with_population(name) and f"{VALIDATION}loss" in name
        for variant in results.summary.variants
        for name in variant.final
    )
    by = ", by population statistics so that lag does not count" if population else ""
    return (
        f"At the last epoch, over replicas that did not diverge. Training: the mean over the "
        f"epoch's steps, in training mode, in which dropout and the noise of batches count. "
        f"Validation: in inference mode{by}. The gap is taken seed by seed; medians, each with its "
        f"{f.percent(CONFIDENCE)} interval by itself."
    )
