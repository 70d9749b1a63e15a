"""Seconds and money: what an epoch takes a model that trains alone, and the way to the target."""

from __future__ import annotations

import math

from normwise.domain import Estimate, VariantSummary
from normwise.report import formatting as f
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]


def build(results: StudyResults) -> Section | None:
    """A row a variant, with its cost where a price was given; nothing where nothing was timed."""
    variants = results.summary.variants
    timed = [variant for variant in variants if math.isfinite(variant.seconds_per_epoch)]
    if not timed:
        return None
    has_costs = any(variant.cost is not None for variant in variants)
    sentence = f"Trained alone by Keras' own fit on this machine: {'; '.join(map(_paid, timed))}."
    return Section(
        f"Seconds{' and money' if has_costs else ''}",
        in_words=(sentence,),
        table=Table(
            _columns(results, has_costs=has_costs),
            tuple(_row(variant, results, has_costs=has_costs) for variant in variants),
        ),
        caption=(
            f"Of each model trained alone by Keras' own fit on this machine; compiling and "
            f"validation are not counted."
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
    )


def _row(variant: VariantSummary, results: StudyResults, *, has_costs: bool) -> tuple[Cell, ...]:
    compared = results.comparison(variant.name)
    ratio = compared.seconds_ratio if compared else None
    cost = variant.cost
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(f.seconds(variant.seconds_per_epoch)),
        _whole_cell(variant.seconds_to_target),
        *([Cell(f.ratio(ratio), (f.ratio_interval(ratio),))] if results.baseline else []),
        *([Cell(f.number(cost.value if cost else None), (f.cost_interval(cost),))]
          if has_costs else []),
    )  # fmt: skip


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
