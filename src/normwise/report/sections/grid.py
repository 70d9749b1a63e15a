"""The grid: where a variant works, and at which point it stands."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from normwise.analysis import best_point, outcome, split_seeds
from normwise.domain import CONFIDENCE, Estimate, RunRecord, Target, VariantSummary
from normwise.report.axis_names import axis_name, value_text, varied_axes
from normwise.report.formatting import percent
from normwise.report.line_labels import wrapped
from normwise.report.results import StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.vega import GREY, INK, chart_title, short

__all__ = ["GridCell", "GridChart", "build", "grid_charts"]

_CHOICE = "Every second seed chose the point of its variant, and the others judge it there."
_ROW, _LINE = 26, 14  # pixels of a row, and of a line of a name that takes several
_LETTERS = 24  # of such a line
# Along the width, where labels of numbers find room; names only where there is nothing else.
_ACROSS = ("learning_rate", "depth", "batch_size", "initializer")

Value = float | str | None


def build(results: StudyResults) -> Section | None:
    """Where each variant stands; heat maps of the axes that have several values, two at a time."""
    charts = grid_charts(
        results.records, results.variants, results.summary.target, results.seeds_shown
    )
    places = [_standing(one, results.runs_of(one.name)) for one in results.summary.variants]
    text = (*filter(None, places), *([_CHOICE] if any(places) else []), *_pruned(results.records))
    if not charts and not text:
        return None
    return Section("Where it works", text=text, charts=charts)


def _standing(variant: VariantSummary, records: Sequence[RunRecord]) -> str:
    """Which point of the grid it is judged at, and how wide it works; empty without a grid."""
    chosen = [_at(axis, variant) for axis in varied_axes(run.condition for run in records)]
    if not chosen:
        return ""
    points = len({record.condition for record in records})
    return (
        f"{variant.name} stands at {', '.join(chosen)}, the best of {points} points"
        f"{_width(variant.working_range)}."
    )


def _at(axis: str, variant: VariantSummary) -> str:
    """The value of an axis where a variant stands.

    >>> from normwise.domain import EpochsToTarget, Estimate
    >>> times = EpochsToTarget(Estimate(1, 1, 1), Estimate(1, 1, 1), 1, 0, 0)
    >>> _at("batch_size", VariantSummary("after", 1, {}, times, 0.1, 0.1, batch_size=32))
    'batches of 32'
    """
    value = getattr(variant, axis)
    if axis == "initializer":
        return value or "the layers' own initialisers"
    before = "batches of" if axis == "batch_size" else axis_name(axis)
    return f"{before} {value_text(value)}"


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
    """One variant at one value of each of a chart's axes, at the best of the others.

    Attributes:
        row: The variant, and its value of the second axis where there is one.
        column: Its value of the first.
        share: Share of its replicas that reached the target, in [0, 1].
        epochs: Median epochs of the replicas that did, ``None`` if none did.
        replicas: How many replicas there are.
    """

    row: str
    column: str
    share: float
    epochs: float | None
    replicas: int


@dataclass(frozen=True, slots=True)
class GridChart:
    """A heat map of the replicas that arrive, by variant and one or two axes.

    Attributes:
        across: The axis along the width.
        down: The other one; empty for the variants alone.
        is_best: Whether there are more axes, each at its best.
        cells: At least one, rows and columns in their order.
        seeds: Which seeds are counted; empty for all.
    """

    across: str
    down: str
    is_best: bool
    cells: tuple[GridCell, ...]
    seeds: str = ""

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """Colours say how many arrive, numbers when."""
        rows = [
            {
                "row": cell.row,
                "column": cell.column,
                "share": short(cell.share),
                "epochs": "–" if cell.epochs is None else f"{cell.epochs:.3g}",
                "replicas": cell.replicas,
            }
            for cell in self.cells
        ]
        names = list(dict.fromkeys(cell.row for cell in self.cells))
        lines = {name: wrapped(name, _LETTERS) for name in names}
        axes = " and ".join(map(axis_name, filter(None, [self.across, self.down])))
        more = [
            *(["each at the best of the other axes"] if self.is_best else []),
            *([f"of {self.seeds}, where these were trained"] if self.seeds else []),
        ]
        return {
            "name": "grid",
            "description": self.description,
            "title": chart_title(
                "where replicas arrive",
                [f"by {axes}", "numbers: median epochs of those that arrive", *more],
            ),
            "height": max(80, len(names) * max(_ROW, _LINE * max(map(len, lines.values())))),
            "data": {"values": rows},
            "encoding": {
                "x": _column_axis(self.across, list(dict.fromkeys(c.column for c in self.cells))),
                "y": {
                    "field": "row",
                    "type": "nominal",
                    "sort": names,
                    "title": None,
                    "axis": _names_axis(lines),
                },
            },
            "layer": [_share_layer(axis_name(self.across)), _epochs_layer()],
        }

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        axes = " and ".join(map(axis_name, filter(None, [self.across, self.down])))
        best = max(self.cells, key=lambda cell: cell.share)
        return (
            f"A heat map of the share of replicas that arrive, by variant and {axes}: from "
            f"{min(cell.share for cell in self.cells):.0%} to {best.share:.0%}, which "
            f"{best.row} has at {axis_name(self.across)} {best.column}."
        )


def grid_charts(
    records: Sequence[RunRecord], variants: Sequence[str], target: Target, seeds: str = ""
) -> tuple[GridChart, ...]:
    """A heat map for each two axes that have several values; of a single one, by the variants.

    Args:
        records: All runs, at all points.
        variants: Their names, in the order of the rows.
        target: What replicas are to reach.
        seeds: Which seeds are counted; empty for all.

    >>> from normwise.domain import RunKey
    >>> runs = [
    ...     RunRecord(RunKey("none", 0, str(rate)), rate, {"val_loss": (1.0, rate)})
    ...     for rate in (0.1, 1.0)
    ... ]
    >>> [chart] = grid_charts(runs, ["none"], Target.parse("val_loss<=0.5"))
    >>> [(cell.row, cell.column, cell.share) for cell in chart.cells]
    [('none', '0.1', 1.0), ('none', '1', 0.0)]
    """
    varied = sorted(varied_axes(record.condition for record in records), key=_ACROSS.index)
    pairs = list(itertools.combinations(varied, 2)) or [(axis, "") for axis in varied]
    own = {name: [one for one in records if one.key.variant == name] for name in variants}
    return tuple(
        GridChart(across, down, len(varied) > 2, tuple(_cells(own, across, down, target)), seeds)
        for across, down in pairs
    )


def _cells(
    own: Mapping[str, Sequence[RunRecord]], across: str, down: str, target: Target
) -> Iterator[GridCell]:
    everything = [record for records in own.values() for record in records]
    columns, rows = _values(everything, across), _values(everything, down) if down else [None]
    for name, records in own.items():
        seeds = split_seeds(records)
        for row, column in itertools.product(rows, columns):
            there = [
                one
                for one in records
                if getattr(one.condition, across) == column
                and (not down or getattr(one.condition, down) == row)
            ]
            if there:
                label = f"{name}, {_row_text(down, row)}" if down else name
                yield _cell(label, value_text(column), there, target, seeds)


def _values(records: Sequence[RunRecord], axis: str) -> list[Value]:
    """Of an axis: numbers from the smallest, names as they come."""
    found: list[Value] = list(dict.fromkeys(getattr(one.condition, axis) for one in records))
    numbers = [value for value in found if isinstance(value, float | int)]
    return [*sorted(numbers)] if len(numbers) == len(found) else found


def _row_text(axis: str, value: Value) -> str:
    before = {"batch_size": "batch ", "depth": "depth "}.get(axis, "")
    return f"{before}{value_text(value)}"


def _cell(
    row: str,
    column: str,
    records: Sequence[RunRecord],
    target: Target,
    seeds: tuple[Sequence[int], Sequence[int]],
) -> GridCell:
    """Of the best point among these, by the seeds that judge it; by all where these are not."""
    choosing, judging = seeds
    best = best_point([one for one in records if one.key.seed in choosing] or records, target)
    there = [one for one in records if one.condition == best]
    counted = [one for one in there if one.key.seed in judging] or there
    found = [outcome(record, target).epoch for record in counted]
    arrived = [epoch for epoch in found if math.isfinite(epoch)]
    share = len(arrived) / len(found)
    return GridCell(row, column, share, statistics.median(arrived) if arrived else None, len(found))


def _names_axis(lines: Mapping[str, list[str]]) -> Spec:
    """Names in their lines, around the middles of their rows."""
    several = [name for name, own in lines.items() if len(own) > 1]
    # Names are text inside these expressions: JSON quotes whatever they hold.
    return {
        "labelLimit": 200,
        "labelExpr": f"{json.dumps(lines)}[datum.label]",
        "labelBaseline": {
            "condition": {
                "test": f"indexof({json.dumps(several)}, datum.label) >= 0",
                "value": "bottom",
            },
            "value": "middle",
        },
    }


def _column_axis(axis: str, values: Sequence[str]) -> Spec:
    are_names = axis == "initializer"
    return {
        "field": "column",
        "type": "ordinal",
        "sort": list(values),
        "title": axis_name(axis),
        "axis": {"labelAngle": -30 if are_names else 0, "labelOverlap": not are_names},
    }


def _share_layer(across: str) -> Spec:
    share = {
        "field": "share",
        "type": "quantitative",
        "title": "arrived",
        "scale": {"domain": [0, 1], "scheme": "blues"},
        # Below, where it takes no width: a phone has little.
        "legend": {"format": ".0%", "orient": "bottom", "gradientLength": 120, "tickCount": 3},
    }
    tooltip = [
        {"field": "row", "type": "nominal", "title": "variant"},
        {"field": "column", "type": "nominal", "title": across},
        {"field": "share", "type": "quantitative", "title": "reached", "format": ".0%"},
        {"field": "epochs", "type": "nominal", "title": "median epochs of those"},
        {"field": "replicas", "type": "quantitative"},
    ]
    return {
        "mark": {"type": "rect", "stroke": GREY, "strokeWidth": 0.5},
        "encoding": {"fill": share, "tooltip": tooltip},
    }


def _epochs_layer() -> Spec:
    color = {"condition": {"test": "datum.share > 0.55", "value": "white"}, "value": INK}
    return {
        "mark": {"type": "text", "fontSize": 11},
        "encoding": {"text": {"field": "epochs", "type": "nominal"}, "color": color},
    }
