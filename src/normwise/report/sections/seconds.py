"""Seconds and money: what an epoch takes a model that trains alone, and the way to the target."""

from __future__ import annotations

import math
from collections.abc import Iterator

from normwise.domain import Comparison, Estimate, VariantSummary
from normwise.report import formatting as f
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table
from normwise.report.vega import listed

__all__ = ["build", "build_with_money"]

_TO_KNOW = "To know, run the study into a new folder while nothing else computes."


def build(results: StudyResults) -> Section | None:
    """A row a variant; nothing where nothing was timed, or a price was given."""
    return None if _has_costs(results) else _section("Seconds", results, has_costs=False)


def build_with_money(results: StudyResults) -> Section | None:
    """The same with costs, where a price was given."""
    return _section("Seconds and money", results, has_costs=True) if _has_costs(results) else None


def _has_costs(results: StudyResults) -> bool:
    return any(variant.cost is not None for variant in results.summary.variants)


def _section(title: str, results: StudyResults, *, has_costs: bool) -> Section | None:
    variants = results.summary.variants
    timed = [variant for variant in variants if math.isfinite(variant.seconds_per_epoch)]
    if not timed:
        return None
    sentence = f"Trained alone by Keras' own fit on this machine: {'; '.join(map(_paid, timed))}."
    compared = [_compared(one) for one in results.summary.comparisons]
    return Section(
        title,
        text=(*filter(None, compared), *_untold(timed, results)),
        in_words=(sentence,),
        table=Table(
            _columns(results, has_costs=has_costs),
            tuple(_row(variant, results, has_costs=has_costs) for variant in variants),
        ),
        caption=(
            f"Of each model trained alone by Keras' own fit on this machine, in turns with the "
            f"others; compiling and validation are not counted."
            f"{' Cost: of the way to the target, at the hourly price given.' if has_costs else ''}"
        ),
    )


def _columns(results: StudyResults, *, has_costs: bool) -> tuple[Column, ...]:
    return (
        Column("variant"),
        Column("one epoch"),
        Column("to target"),
        *([Column(f"sooner than {results.baseline}")] if results.baseline else []),
        *([Column("cost")] if has_costs else []),
        *([Column("saved")] if has_costs and results.baseline else []),
    )


def _row(variant: VariantSummary, results: StudyResults, *, has_costs: bool) -> tuple[Cell, ...]:
    compared = results.comparison(variant.name)
    ratio = compared.seconds_ratio if compared else None
    cost, saved = variant.cost, compared.cost_saved if compared else None
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        _epoch_cell(variant),
        _whole_cell(variant.seconds_to_target),
        *([Cell(f.ratio(ratio), (f.ratio_interval(ratio),))] if results.baseline else []),
        *([Cell(f.number(cost.value if cost else None), (f.cost_interval(cost),))]
          if has_costs else []),
        *([Cell(f.number(saved.value if saved else None), (f.cost_interval(saved),))]
          if has_costs and results.baseline else []),
    )  # fmt: skip


def _epoch_cell(variant: VariantSummary) -> Cell:
    found = variant.epoch_seconds
    lines = (f.seconds_interval(found),) if found else ()
    return Cell(f.seconds(variant.seconds_per_epoch), lines)


def _whole_cell(whole: Estimate) -> Cell:
    if math.isinf(whole.value):
        return Cell(f.NOT_REACHED)
    return Cell(f.seconds(whole.value), (f.seconds_interval(whole),))


def _paid(variant: VariantSummary) -> str:
    text = f"{variant.name} {f.seconds(variant.seconds_per_epoch)} an epoch"
    whole = variant.seconds_to_target.value
    if math.isfinite(whole):
        text += f", {f.seconds(whole)} to the target"
    if variant.cost is not None and math.isfinite(variant.cost.value):
        text += f", which costs {f.number(variant.cost.value)}"
    return text


def _compared(c: Comparison) -> str:
    """What an epoch of a variant takes against one of the baseline, and what the variant saves."""
    ratio = c.epoch_seconds_ratio
    if ratio is None or math.isnan(ratio.value):
        return ""
    times = Estimate(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
    as_long = (
        "about as long" if times.low <= 1 <= times.high else f"{f.ratio(times)[:-1]} times as long"
    )
    text = f"An epoch of {c.variant} takes {as_long} as one of {c.baseline}"
    return f"{text} {f.ratio_interval(times)}{_saved(c)}."


def _saved(c: Comparison) -> str:
    saved = c.cost_saved
    if saved is None or not math.isfinite(saved.value):
        return ""
    if saved.value < 0:
        saved = Estimate(-saved.value, -saved.high, -saved.low)
        return f"; to the target it costs {_amount(saved)} more"
    return f"; to the target it saves {_amount(saved)}"


def _amount(saved: Estimate) -> str:
    return " ".join(filter(None, (f.number(saved.value), f.cost_interval(saved))))


def _untold(timed: list[VariantSummary], results: StudyResults) -> Iterator[str]:
    """What is said of figures that were taken while other processes kept the machine busy."""
    found = [one.epoch_seconds for one in timed]
    apart = [
        one.variant
        for one in results.summary.comparisons
        if one.epoch_seconds_ratio is not None and math.isnan(one.epoch_seconds_ratio.value)
    ]
    if any(one is not None and not math.isfinite(one.low) for one in found):
        yield (
            f"The machine was busy with other processes while this was timed: a training alone "
            f"takes less, and what is sooner in seconds cannot be told. {_TO_KNOW}"
        )
    elif apart:
        yield (
            f"What an epoch of {listed(apart)} takes against one of {results.baseline} cannot be "
            f"told: in too few rounds the machine was free for both. {_TO_KNOW}"
        )
