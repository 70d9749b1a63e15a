"""The curves: each metric over the epochs, in aggregate over the replicas."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from normwise.domain import POPULATION, VALIDATION, RunRecord, is_with_population
from normwise.report.aggregate import BAND, Curve, aggregate, thinned
from normwise.report.axes import epoch_axis, value_axis
from normwise.report.formatting import number
from normwise.report.line_labels import line_labels
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.strokes import PARTS, Part, stroke_by_part
from normwise.report.vega import (
    FAINT_RULE,
    GREY,
    HEIGHT,
    HIDDEN,
    SHOWN,
    chart_title,
    listed,
    short,
    variant_color,
)

__all__ = ["Curve", "CurveChart", "build", "curve_charts", "section"]

Groups = dict[str, dict[Part, str]]

_FEW = 4  # variants of which all can be said at once
_MANY = 20  # variants of which more than one line each cannot be seen


def build(results: StudyResults) -> Section | None:
    """A chart a metric: the target's first, then the loss, then the others."""
    target = results.summary.target
    charts = curve_charts(
        results.runs_shown, results.colors, target.metric, target.value, results.seeds_shown
    )
    return section(charts) if charts else None


def section(charts: Sequence[CurveChart]) -> Section:
    """The charts under their heading, and how to read them."""
    return Section("Curves", charts=tuple(charts), caption=_key(charts))


def _key(charts: Sequence[CurveChart]) -> str:
    """How to read the curves."""
    parts = {curve.part for chart in charts for curve in chart.curves}
    bands = "validation " if {"validation", "training"} <= parts else ""
    known = _ABOUT_POPULATION if "population statistics" in parts else ""
    low, high = BAND
    return f"Lines: the median replica. Bands: {high - low:.0f}% of the {bands}replicas.{known}"


_ABOUT_POPULATION = (
    " Population statistics: the same weights, normalised by the training part at that moment in "
    "place of moving averages; the difference is lag."
)


@dataclass(frozen=True, slots=True)
class CurveChart:
    """A training metric and its validation twin, of every variant.

    Attributes:
        metric: Name without the prefix ``val_``.
        curves: One per variant and part that has any finite value; at least one.
        colors: Each variant's colour.
        last_epoch: Where the axis ends.
        target: Value of the study's target if it is about this metric.
        seeds: Which seeds are counted; empty for all.
    """

    metric: str
    curves: tuple[Curve, ...]
    colors: Mapping[str, str]
    last_epoch: int
    target: float | None = None
    seeds: str = ""

    @property
    def parts(self) -> list[Part]:
        """``validation``, with either statistics, and ``training``: what there are curves of."""
        found = {curve.part for curve in self.curves}
        return [part for part in PARTS if part in found]

    @property
    def ends(self) -> dict[str, float]:
        """Where each variant's main line ends."""
        main = self.parts[0]
        return {one.variant: one.median[-1] for one in self.curves if one.part == main}

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        metric, aim = metric_text(self.metric, paired=False), self.target
        *others, last = self.parts
        parts = f"{', '.join(others)} and {last}" if others else last
        ends = listed(f"{name} ends at {number(end)}" for name, end in self.ends.items())
        return (
            f"Lines of {metric} over {self.last_epoch} epochs, {parts}"
            f"{'' if aim is None else f'; the target is {aim:g}'}. By {self.parts[0]}, {ends}."
        )

    @property
    def is_crowded(self) -> bool:
        """Whether there are more variants than can all be said at once."""
        return len(self.colors) > _FEW

    def spec(self, style: Style) -> Spec:
        """A line (median) a variant, and a band over its replicas."""
        step, places = thinned(self.curves)
        title = metric_text(self.metric, paired=False)
        domain, is_cut = _domain(self)
        y = value_axis("value", title, domain=domain)
        labels = line_labels(self.ends, y["scale"]["domain"])
        color = variant_color(self.colors, style, is_labelled=labels is not None)
        drawn = [
            _band_layer(self, color, clip=is_cut),
            _line_layer(self, color, clip=is_cut),
        ]
        layers = [
            *([] if self.target is None else [_target_layer(self.target)]),
            {"encoding": {"x": epoch_axis(self.last_epoch), "y": y}, "layer": drawn},
            *([labels.layer(color)] if labels else []),
            *([_reader_layer(self)] if style.pointer else []),
        ]
        return {
            "name": "curves",
            "description": self.description,
            "title": chart_title(title, _subtitle(self, step, is_cut=is_cut)),
            "height": HEIGHT,
            "data": {"values": _rows(self, places)},
            "params": [HIDDEN],
            "layer": layers,
        }


def curve_charts(
    records: Sequence[RunRecord],
    colors: Mapping[str, str],
    metric: str,
    aim: float | None,
    seeds: str = "",
) -> tuple[CurveChart, ...]:
    """A chart of each metric that is finite anywhere.

    Args:
        records: The runs to draw, of one point of the grid a variant.
        colors: Each variant's colour, in the order of the legend.
        metric: What replicas are timed to; its chart comes first.
        aim: Its target, if that is known.
        seeds: Which seeds these are of; empty for all.
    """
    first = metric.removeprefix(VALIDATION)
    groups = _metric_groups(records, first)
    order = sorted(groups, key=lambda name: (name != first, name != "loss"))
    last = max((record.epochs for record in records), default=0)
    curves = {name: _curves(records, list(colors), groups[name]) for name in order}
    charts = (
        CurveChart(name, found, colors, last, aim if name == first else None, seeds)
        for name, found in curves.items()
        if found
    )
    return tuple(map(_alone, charts) if len(colors) > _MANY else charts)


def _alone(chart: CurveChart) -> CurveChart:
    """With the main line of each variant alone."""
    main = chart.parts[0]
    return replace(chart, curves=tuple(one for one in chart.curves if one.part == main))


def _metric_groups(records: Sequence[RunRecord], aim: str) -> Groups:
    """Metrics paired as training and validation, in order of appearance.

    Those with population statistics are drawn of what replicas are timed to alone.

    >>> from normwise.domain import RunKey
    >>> curves = {"loss": (1.0,), "mae": (1.0,), "val_loss": (1.0,)}
    >>> _metric_groups([RunRecord(RunKey("none", 0, ""), 0.1, curves)], "loss")
    {'loss': {'training': 'loss', 'validation': 'val_loss'}, 'mae': {'training': 'mae'}}
    """
    groups: Groups = {}
    for name in dict.fromkeys(name for record in records for name in record.curves):
        metric = name.removeprefix(POPULATION).removeprefix(VALIDATION)
        if metric == aim or not is_with_population(name):
            groups.setdefault(metric, {})[_part(name)] = name
    return groups


def _part(name: str) -> Part:
    if is_with_population(name):
        return "population statistics"
    return "validation" if name.startswith(VALIDATION) else "training"


def _curves(
    records: Sequence[RunRecord], variants: Sequence[str], parts: dict[Part, str]
) -> tuple[Curve, ...]:
    found: list[Curve] = []
    for variant in variants:
        own = [record.curves for record in records if record.key.variant == variant]
        for part, name in parts.items():
            stack = [curves[name] for curves in own if name in curves]
            if (curve := aggregate(variant, part, stack)) is not None:
                found.append(curve)
    return tuple(found)


def _rows(chart: CurveChart, places: Sequence[Sequence[int]]) -> list[Spec]:
    return [
        row
        for curve, kept in zip(chart.curves, places, strict=True)
        for row in _curve_rows(chart, curve, kept)
    ]


def _curve_rows(chart: CurveChart, curve: Curve, kept: Sequence[int]) -> Iterator[Spec]:
    index, is_main = list(chart.colors).index(curve.variant), curve.part == chart.parts[0]
    for i in kept:
        row: Spec = {
            "variant": curve.variant,
            "part": curve.part,
            "epoch": curve.epochs[i],
            "value": short(curve.median[i]),
        }
        if is_main or not chart.is_crowded:
            row["key"] = f"{curve.part[0]}{index}"
        if is_main:
            row |= {"low": short(curve.low[i]), "high": short(curve.high[i])}
        yield row


def _domain(chart: CurveChart) -> tuple[tuple[float, float], bool]:
    """Bounds of the vertical axis, and whether they cut anything off.

    From the lowest band to the highest; but what rises far above the peak of a
    typical curve is cut: a few wild replicas must not flatten all others.
    """
    low = min(min(curve.low) for curve in chart.curves)
    top = max(max(curve.high) for curve in chart.curves)
    peak = statistics.median_low(max(curve.median) for curve in chart.curves)
    high = min(top, low + 3 * (peak - low)) if peak > low else top
    if chart.target is not None:
        low, high = min(low, chart.target), max(high, chart.target)
    return (low, high), high < top


def _subtitle(chart: CurveChart, step: int, *, is_cut: bool) -> str:
    """What is drawn, and what is not."""
    return "; ".join(
        [
            " and ".join(part for part in chart.parts if part in ("validation", "training")),
            *([f"dash-dotted: target {chart.target:g}"] if chart.target is not None else []),
            *([chart.seeds] if chart.seeds else []),
            *([f"one epoch in {step}"] if step > 1 else []),
            *(["cut at the top"] if is_cut else []),
        ]
    )


def _band_layer(chart: CurveChart, color: Spec, *, clip: bool) -> Spec:
    opacity = 0.09 if chart.is_crowded else 0.18
    return {
        "transform": [SHOWN, {"filter": f"datum.part === '{chart.parts[0]}'"}],
        "mark": {"type": "area", "fillOpacity": opacity, "clip": clip},
        "encoding": {
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
            "color": color,
        },
    }


def _line_layer(chart: CurveChart, color: Spec, *, clip: bool) -> Spec:
    return {
        "transform": [SHOWN],
        "mark": {"type": "line", "clip": clip},
        "encoding": {"color": color, **stroke_by_part(chart.parts)},
    }


def _target_layer(target: float) -> Spec:
    return {
        "data": {"values": [{"value": target}]},
        "mark": FAINT_RULE,
        "encoding": {"y": {"field": "value", "type": "quantitative"}},
    }


def _reader_layer(chart: CurveChart) -> Spec:
    """A vertical rule at the nearest epoch, and every variant's median there."""
    tooltips: list[Spec] = [{"field": "epoch", "type": "quantitative", "title": "epoch"}]
    parts, drawn = chart.parts, {(curve.part, curve.variant) for curve in chart.curves}
    for part in parts[:1] if chart.is_crowded else parts:
        for index, variant in enumerate(chart.colors):
            if (part, variant) not in drawn:
                continue
            title = variant if part == parts[0] else f"{variant}, {part}"
            tooltips.append(
                {
                    "field": f"{part[0]}{index}",
                    "type": "quantitative",
                    "title": title,
                    "format": ".3~g",
                }
            )
    return {
        "transform": [{"pivot": "key", "value": "value", "groupby": ["epoch"]}],
        "params": [
            {
                "name": "near",
                "select": {
                    "type": "point",
                    "fields": ["epoch"],
                    "nearest": True,
                    "on": "pointermove",
                    "clear": "pointerout",
                },
            }
        ],
        "mark": {"type": "rule", "color": GREY},
        "encoding": {
            "x": epoch_axis(chart.last_epoch),
            "opacity": {"condition": {"param": "near", "empty": False, "value": 0.6}, "value": 0},
            "tooltip": tooltips,
        },
    }
