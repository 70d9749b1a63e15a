"""The grid: where a variant works, at which learning rates, and where it stands."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from normwise.analysis import outcome
from normwise.domain import CONFIDENCE, Estimate, RunRecord, Target, VariantSummary
from normwise.report.formatting import percent
from normwise.report.results import StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.vega import HEIGHT, INK, chart_title, short

__all__ = ["GridCell", "GridChart", "build", "grid_cells"]

_CHOICE = "Every second seed chose the point of its variant, and the others judge it there."


def build(results: StudyResults) -> Section | None:
    """Where each variant stands; a heat map where there are several learning rates."""
    cells = grid_cells(results.records, results.variants, results.summary.target)
    places = [_standing(one, results.runs_of(one.name)) for one in results.summary.variants]
    text = (*filter(None, places), *([_CHOICE] if any(places) else []), *_pruned(results.records))
    if not cells and not text:
        return None
    charts = (GridChart(cells),) if cells else ()
    return Section("Where it works", text=text, charts=charts)


def _standing(variant: VariantSummary, records: Sequence[RunRecord]) -> str:
    """Which point of the grid it is judged at, and how wide it works; empty without a grid."""
    rate = variant.learning_rate
    axes: list[tuple[str, set[object]]] = [
        (f"learning rate {rate:g}" if rate else "", {run.learning_rate for run in records}),
        (variant.initializer or "the layers' own initialisers", {r.initializer for r in records}),
        (f"batches of {variant.batch_size}", {run.batch_size for run in records}),
        (f"depth {variant.depth}", {run.depth for run in records}),
    ]
    chosen = [text for text, values in axes if len(values) > 1]
    if not chosen:
        return ""
    points = len({record.condition for record in records})
    return (
        f"{variant.name} stands at {', '.join(chosen)}, the best of {points} points"
        f"{_width(variant.working_range)}."
    )


def _width(decades: Estimate | None) -> str:
    """How wide it works, between the rates of the grid and at its ends."""
    if decades is None:
        return ""
    is_open = math.isinf(decades.high)
    span = f"{decades.low:.2f} {'and up' if is_open else f'to {decades.high:.2f}'}"
    beyond = ", since it does at an end of the grid" if is_open else ""
    return (
        f"; it reaches the target over {'at least ' if is_open else ''}{decades.value:.2f} decades "
        f"of learning rates ({percent(CONFIDENCE)} interval, of each variant by itself: "
        f"{span}{beyond})"
    )


def _pruned(records: Sequence[RunRecord]) -> Iterator[str]:
    """That points of the grid were stopped early, and what that means."""
    stopped = [record for record in records if record.stopped_at is not None]
    if stopped:
        yield (
            f"{len(stopped)} of {len(records)} replicas were stopped early, at points of the grid "
            f"that were not going to be the best (successive halving among the seeds that choose; "
            f"the seeds that judge train at the chosen point alone). Where a variant works cannot "
            f"be told then."
        )


@dataclass(frozen=True, slots=True)
class GridCell:
    """One variant at one point of the grid.

    Attributes:
        row: The variant, and what else than the learning rate tells points apart.
        learning_rate: The learning rate of the point, > 0.
        share: Share of its replicas that reached the target, in [0, 1].
        epochs: Median epochs of the replicas that did, ``None`` if none did.
        replicas: How many replicas there are.
    """

    row: str
    learning_rate: float
    share: float
    epochs: float | None
    replicas: int


def grid_cells(
    records: Sequence[RunRecord], variants: Sequence[str], target: Target
) -> tuple[GridCell, ...]:
    """The cells of every variant in order; none where there is a single learning rate.

    >>> from normwise.domain import RunKey
    >>> runs = [
    ...     RunRecord(RunKey("none", 0, str(rate)), rate, {"val_loss": (1.0, rate)})
    ...     for rate in (0.1, 1.0)
    ... ]
    >>> cells = grid_cells(runs, ["none"], Target.parse("val_loss<=0.5"))
    >>> [(cell.row, cell.share) for cell in cells]
    [('none', 1.0), ('none', 0.0)]
    """
    rates = {record.learning_rate for record in records}
    if len(rates) < 2 or None in rates:
        return ()
    varied = [
        name
        for name in ("initializer", "batch_size", "depth")
        if len({getattr(record, name) for record in records}) > 1
    ]
    groups: dict[tuple[int, str, float], list[RunRecord]] = {}
    for record in records:
        row = ", ".join([record.key.variant, *(_text(record, name) for name in varied)])
        position = variants.index(record.key.variant), row, record.learning_rate or 0.0
        groups.setdefault(position, []).append(record)
    return tuple(
        _cell(row, rate, groups[order, row, rate], target) for order, row, rate in sorted(groups)
    )


def _text(record: RunRecord, name: str) -> str:
    if name == "batch_size":
        return f"batch {record.batch_size}"
    if name == "depth":
        return f"depth {record.depth}"
    return record.initializer or "own initialisers"


def _cell(row: str, rate: float, records: Sequence[RunRecord], target: Target) -> GridCell:
    found = [outcome(record, target) for record in records]
    arrived = [one.epoch for one in found if one.kind == "reached"]
    share = len(arrived) / len(found)
    return GridCell(row, rate, share, statistics.median(arrived) if arrived else None, len(found))


@dataclass(frozen=True, slots=True)
class GridChart:
    """A heat map of the replicas that arrive, by variant and learning rate.

    Attributes:
        cells: At least one.
    """

    cells: tuple[GridCell, ...]

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """Colours say how many arrive, numbers when."""
        rows = [
            {
                "row": cell.row,
                "rate": f"{cell.learning_rate:g}",
                "share": short(cell.share),
                "epochs": "–" if cell.epochs is None else f"{cell.epochs:g}",
                "replicas": cell.replicas,
            }
            for cell in self.cells
        ]
        names = list(dict.fromkeys(cell.row for cell in self.cells))
        return {
            "name": "grid",
            "title": chart_title(
                "replicas that arrive, by learning rate",
                "numbers: median epochs to the target of those that do",
            ),
            "height": max(80, min(HEIGHT, 34 * len(names))),
            "data": {"values": rows},
            "encoding": {
                "x": _rate_axis(self.cells),
                "y": {"field": "row", "type": "nominal", "sort": names, "title": None},
            },
            "layer": [_share_layer(), _epochs_layer()],
        }


def _rate_axis(cells: Sequence[GridCell]) -> Spec:
    rates = sorted({cell.learning_rate for cell in cells})
    return {
        "field": "rate",
        "type": "ordinal",
        "sort": [f"{rate:g}" for rate in rates],
        "title": "learning rate",
        "axis": {"labelAngle": 0, "labelOverlap": True},
    }


def _share_layer() -> Spec:
    share = {
        "field": "share",
        "type": "quantitative",
        "title": "arrived",
        "scale": {"domain": [0, 1], "scheme": "blues"},
        "legend": {"format": ".0%"},
    }
    tooltip = [
        {"field": "row", "type": "nominal", "title": "variant"},
        {"field": "rate", "type": "nominal", "title": "learning rate"},
        {"field": "share", "type": "quantitative", "title": "reached", "format": ".0%"},
        {"field": "epochs", "type": "nominal", "title": "median epochs of those"},
        {"field": "replicas", "type": "quantitative"},
    ]
    return {"mark": "rect", "encoding": {"fill": share, "tooltip": tooltip}}


def _epochs_layer() -> Spec:
    color = {"condition": {"test": "datum.share > 0.55", "value": "white"}, "value": INK}
    return {
        "mark": {"type": "text", "fontSize": 11},
        "encoding": {"text": {"field": "epochs", "type": "nominal"}, "color": color},
    }
