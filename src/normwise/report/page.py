"""The page model: everything a report says, as plain data.

Built once from the summary and the records; terminal, HTML and PNG only draw it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normwise.analysis import runs_at_best
from normwise.domain import (
    Ablation,
    Comparison,
    RunRecord,
    SoloCheck,
    Summary,
    Target,
    VariantSummary,
)
from normwise.report.curves import Arrival, Panel, arrival, build_panels
from normwise.report.grid import Cell, grid_cells
from normwise.report.notes import own_notes

__all__ = ["DataPreview", "Page", "Row", "build_page"]


@dataclass(frozen=True, slots=True)
class DataPreview:
    """Points of two-dimensional data, to be drawn coloured by class.

    Attributes:
        feature_names: Names of the two axes.
        points: (n, 2) coordinates.
        labels: (n,) classes, as text.
        split: Which part of the data these are, ``training`` or ``validation``.
        caption: What the picture shows, in a sentence.

    >>> DataPreview(("x", "y"), ((0.0, 1.0),), ("inner",), "training", "One point.").labels
    ('inner',)
    """

    feature_names: tuple[str, str]
    points: tuple[tuple[float, float], ...]
    labels: tuple[str, ...]
    split: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One variant's line in the table.

    Attributes:
        summary: The variant in numbers.
        comparison: The variant against the baseline; ``None`` for the baseline.
        outcome: ``baseline``, the comparison's outcome, or ``not compared``.
        recommended: Whether this is the variant that the study recommends.
    """

    summary: VariantSummary
    comparison: Comparison | None
    outcome: str
    recommended: bool

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self.summary.name

    @property
    def failed(self) -> int:
        """Replicas that could not be trained: neither reached, censored nor diverged."""
        times = self.summary.epochs_to_target
        return max(0, self.summary.seeds - times.reached - times.censored - times.diverged)


@dataclass(frozen=True, slots=True)
class Page:
    """What the report says.

    Attributes:
        title: Name of the study.
        verdict: The answer, in a sentence.
        target: The metric and value that replicas are timed to.
        baseline: Name of the variant that the others are compared with, or
            ``""`` if nothing was compared.
        rows: One per variant, in the summary's order.
        metrics: Names of all final metrics, the target's pair first.
        panels: The curves, one panel a metric.
        arrivals: Share of replicas that had reached the target, by epoch.
        grid: How many arrived at each point of the grid; empty without learning rates.
        ablation: Which normalisation layers matter, if that was asked.
        preview: The data, if it is two-dimensional.
        settings: What was asked for, name to text.
        solo_check: One replica retrained alone by Keras' own ``fit``.
        environment: Where it ran, name to text.
        incomplete: Whether the study stopped before its end.
        notes: What the reader must know beside the numbers.
    """

    title: str
    verdict: str
    target: Target
    baseline: str
    rows: tuple[Row, ...]
    metrics: tuple[str, ...]
    panels: tuple[Panel, ...]
    arrivals: tuple[Arrival, ...]
    preview: DataPreview | None
    settings: Mapping[str, str]
    solo_check: SoloCheck | None
    environment: Mapping[str, str]
    incomplete: bool = False
    notes: tuple[str, ...] = ()
    grid: tuple[Cell, ...] = ()
    ablation: Ablation | None = None

    @property
    def has_seconds(self) -> bool:
        """Whether it is known how long an epoch takes."""
        return any(math.isfinite(row.summary.seconds_per_epoch) for row in self.rows)

    @property
    def has_costs(self) -> bool:
        """Whether a price was given."""
        return any(row.summary.cost is not None for row in self.rows)

    @property
    def variants(self) -> tuple[str, ...]:
        """Names of the variants, in the table's order."""
        return tuple(row.variant for row in self.rows)

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """The target's metric and its training or validation twin."""
        aim = self.target.metric.removeprefix("val_")
        return tuple(name for name in self.metrics if name.removeprefix("val_") == aim)


def build_page(
    summary: Summary,
    records: Sequence[RunRecord],
    *,
    settings: Mapping[str, str],
    preview: DataPreview | None,
    notes: Sequence[str] = (),
    incomplete: bool = False,
) -> Page:
    """Everything the report says, from the summary and its records.

    Args:
        summary: The study's answer.
        records: Finished training runs; curves are drawn from those at the
            learning rate at which the summary's variants stand.
        settings: What was asked for, name to text.
        preview: The data, if it is two-dimensional.
        notes: What the reader must know beside the numbers.
        incomplete: Whether the study stopped before its end.
    """
    used = [record for variant in summary.variants for record in runs_at_best(variant, records)]
    names = [variant.name for variant in summary.variants]
    arrivals = [arrival(used, name, summary.target) for name in names]
    return Page(
        title=summary.study,
        verdict=summary.verdict,
        target=summary.target,
        baseline=next((item.baseline for item in summary.comparisons), ""),
        rows=_rows(summary),
        metrics=_metrics(summary),
        panels=build_panels(used, names, summary.target),
        arrivals=tuple(item for item in arrivals if item is not None),
        preview=preview,
        settings=dict(settings),
        solo_check=summary.solo_check,
        environment=dict(summary.environment),
        incomplete=incomplete,
        notes=(*notes, *own_notes(summary, records)),
        grid=grid_cells(records, names, summary.target),
        ablation=summary.ablation,
    )


def _rows(summary: Summary) -> tuple[Row, ...]:
    by_name = {item.variant: item for item in summary.comparisons}
    baselines = {item.baseline for item in summary.comparisons}
    rows = []
    for variant in summary.variants:
        compared = by_name.get(variant.name)
        other = "baseline" if variant.name in baselines else "not compared"
        outcome = compared.outcome if compared else other
        rows.append(Row(variant, compared, outcome, variant.name == summary.recommended))
    return tuple(rows)


def _metrics(summary: Summary) -> tuple[str, ...]:
    """All final metrics: the target's, its twin, then the others."""
    names = dict.fromkeys(name for variant in summary.variants for name in variant.final)
    aim = summary.target.metric
    twin = aim.removeprefix("val_")
    return tuple(sorted(names, key=lambda n: (n != aim, n.removeprefix("val_") != twin)))
