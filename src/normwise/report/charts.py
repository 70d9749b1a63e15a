"""Vega-Lite charts of a page, as plain JSON values.

Altair's object layer would cost 0.6 s of import and validation at every run;
the tests hold every chart to Altair's schema instead. :func:`altair_chart`
hands out the Altair object to whoever works with it.
"""

from __future__ import annotations

import math
import random
import statistics
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normwise.report.colors import class_colors, variant_colors
from normwise.report.curves import Arrival, Curve, Panel
from normwise.report.page import DataPreview, Page
from normwise.report.wording import curves_key, metric_label, target_text

if TYPE_CHECKING:
    import altair as alt

__all__ = [
    "SCHEMA",
    "Spec",
    "Style",
    "all_charts",
    "altair_chart",
    "arrival_chart",
    "config",
    "curve_chart",
    "figure",
    "grid_chart",
    "preview_chart",
]

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
MOST_POINTS = 200
"""Epochs drawn of a curve; a longer one is thinned to about this many."""
MOST_DOTS = 1000
"""Points drawn of a data set."""

_FEW = 4  # variants of which all can be said at once
_HEIGHT, _WIDE, _SQUARE, _LINE = 260, 440, 280, 175
_GREY = "#888888"
_HIDDEN: Spec = {"name": "hidden", "value": []}
_SHOWN: Spec = {"filter": "indexof(hidden, datum.variant) < 0"}


@dataclass(frozen=True, slots=True)
class Style:
    """Where a chart will be seen.

    Attributes:
        legend: Whether it carries its own legend of the variants.
        pointer: Whether a pointer can move over it.
    """

    legend: bool
    pointer: bool


def curve_chart(page: Page, panel: Panel, style: Style) -> Spec:
    """One metric: a line (median) a variant, and a band over its replicas.

    The parameter ``hidden`` holds the names of variants not to draw.
    """
    step = _step(panel.curves)
    parts = sorted({curve.part for curve in panel.curves}, reverse=True)
    rows = [row for curve in panel.curves for row in _curve_rows(page, curve, step)]
    domain, cut = _domain(panel)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": metric_label(panel.metric, paired=False),
        "scale": {"domain": domain, "zero": False, "nice": False},
    }
    color = _color(page, style)
    drawn = [
        _band_layer(page, parts[0], color, clip=cut),
        _line_layer(page, parts, color, style, clip=cut),
    ]
    layers = [
        *([_target_layer(panel.target)] if panel.target is not None else []),
        {"encoding": {"x": _epoch_axis(), "y": y}, "layer": drawn},
        *([_reader_layer(page, parts)] if style.pointer else []),
    ]
    return {
        "name": "curves",
        "title": _title(
            metric_label(panel.metric, paired=False), _caption(panel, parts, step, cut=cut)
        ),
        "height": _HEIGHT,
        "data": {"values": rows},
        "params": [_HIDDEN],
        "layer": layers,
    }


def _step(curves: Sequence[Curve]) -> int:
    longest = max((len(curve.epochs) for curve in curves), default=0)
    return max(1, math.ceil(longest / MOST_POINTS))


def _curve_rows(page: Page, curve: Curve, step: int) -> list[Spec]:
    index = page.variants.index(curve.variant)
    last = len(curve.epochs) - 1
    return [
        {
            "variant": curve.variant,
            "part": curve.part,
            "key": f"{curve.part[0]}{index}",
            "epoch": curve.epochs[i],
            "value": _short(curve.median[i]),
            "low": _short(curve.low[i]),
            "high": _short(curve.high[i]),
        }
        for i in sorted({*range(0, last + 1, step), last})
    ]


def _short(value: float) -> float:
    """Five significant digits: more cannot be seen, and the file is smaller."""
    return float(f"{value:.5g}")


def _domain(panel: Panel) -> tuple[list[float], bool]:
    """Bounds of the vertical axis, and whether they cut anything off.

    From the lowest band to the highest; but what rises far above the peak of a
    typical curve is cut: a few wild replicas must not flatten all others.
    """
    low = min(min(curve.low) for curve in panel.curves)
    top = max(max(curve.high) for curve in panel.curves)
    peak = statistics.median_low(max(curve.median) for curve in panel.curves)
    high = min(top, low + 3 * (peak - low)) if peak > low else top
    if panel.target is not None:
        low, high = min(low, panel.target), max(high, panel.target)
    margin = 0.03 * (high - low) or 0.5
    return [_short(low - margin), _short(high + margin)], high < top


def _caption(panel: Panel, parts: Sequence[str], step: int, *, cut: bool) -> str:
    """What is drawn, and what is not."""
    return "; ".join(
        [
            " and ".join(parts),
            *([f"dotted: target {panel.target:g}"] if panel.target is not None else []),
            *([f"one epoch in {step}"] if step > 1 else []),
            *(["cut at the top"] if cut else []),
        ]
    )


def _band_layer(page: Page, part: str, color: Spec, *, clip: bool) -> Spec:
    opacity = 0.18 if len(page.rows) <= _FEW else 0.09
    return {
        "transform": [_SHOWN, {"filter": f"datum.part === '{part}'"}],
        "mark": {"type": "area", "fillOpacity": opacity, "clip": clip},
        "encoding": {
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
            "color": color,
        },
    }


def _line_layer(page: Page, parts: Sequence[str], color: Spec, style: Style, *, clip: bool) -> Spec:
    few = len(page.rows) <= _FEW
    encoding = {"color": color}
    if len(parts) > 1:
        encoding["strokeDash"] = {
            "field": "part",
            "type": "nominal",
            "title": None,
            "scale": {"domain": list(parts), "range": [[1, 0], [4, 3]]},
            **_legend(style),
        }
        encoding["strokeOpacity"] = {
            "condition": {"test": f"datum.part === '{parts[0]}'", "value": 1},
            "value": 0.8 if few else 0.5,
        }
    return {
        "transform": [_SHOWN],
        "mark": {"type": "line", "strokeWidth": 1.8, "clip": clip},
        "encoding": encoding,
    }


def _target_layer(target: float) -> Spec:
    return {
        "data": {"values": [{"value": target}]},
        "mark": {"type": "rule", "strokeDash": [2, 2], "color": _GREY},
        "encoding": {"y": {"field": "value", "type": "quantitative"}},
    }


def _reader_layer(page: Page, parts: Sequence[str]) -> Spec:
    """A vertical rule at the nearest epoch, and every variant's median there."""
    tooltips: list[Spec] = [{"field": "epoch", "type": "quantitative", "title": "epoch"}]
    for part in parts if len(page.rows) <= _FEW else parts[:1]:
        for index, variant in enumerate(page.variants):
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
        "mark": {"type": "rule", "color": _GREY},
        "encoding": {
            "x": _epoch_axis(),
            "opacity": {"condition": {"param": "near", "empty": False, "value": 0.6}, "value": 0},
            "tooltip": tooltips,
        },
    }


def arrival_chart(page: Page, style: Style) -> Spec:
    """The share of each variant's replicas that had reached the target, as steps."""
    end = _arrivals_end(page)
    rows = [
        {"variant": item.variant, "epoch": epoch, "value": _short(share)}
        for item in page.arrivals
        for epoch, share in _steps(item, end)
    ]
    value = {
        "field": "value",
        "type": "quantitative",
        "title": "share of replicas",
        "scale": {"domain": [0, 1]},
        "axis": {"format": ".0%"},
    }
    tooltip = [
        {"field": "variant", "type": "nominal"},
        {"field": "epoch", "type": "quantitative"},
        {"field": "value", "type": "quantitative", "title": "reached", "format": ".0%"},
    ]
    return {
        "name": "arrivals",
        "title": _title(
            "replicas that reached the target", f"{target_text(page.target)}; dotted: half"
        ),
        "height": _HEIGHT,
        "data": {"values": rows},
        "params": [_HIDDEN],
        "layer": [
            {
                "data": {"values": [{"value": 0.5}]},
                "mark": {"type": "rule", "strokeDash": [2, 2], "color": _GREY},
                "encoding": {"y": value},
            },
            {
                "transform": [_SHOWN],
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.8},
                "encoding": {
                    "x": _epoch_axis(domain=[0, end]),
                    "y": value,
                    "color": _color(page, style),
                    "tooltip": tooltip,
                },
            },
        ],
    }


def _arrivals_end(page: Page) -> int:
    """The last epoch; or somewhat after the last arrival, if all arrived."""
    last = max(item.epochs[-1] for item in page.arrivals)
    if any(item.share[-1] < 1 for item in page.arrivals):
        return last
    return min(last, math.ceil(1.3 * max(_full_at(item) for item in page.arrivals)))


def _full_at(item: Arrival) -> int:
    """The epoch by which the last replica had arrived."""
    return item.epochs[item.share.index(item.share[-1])]


def _steps(item: Arrival, end: int) -> Iterator[tuple[int, float]]:
    """(epoch, share) until ``end``, thinned where there are too many to be seen."""
    points = [point for point in zip(item.epochs, item.share, strict=True) if point[0] < end]
    yield from points[:: math.ceil(len(points) / MOST_POINTS) or 1]
    yield end, item.share[-1]


def grid_chart(page: Page) -> Spec:
    """A heat map: the share of replicas that arrive, by learning rate; in numbers, when."""
    rows = [
        {
            "row": cell.row,
            "rate": f"{cell.learning_rate:g}",
            "share": _short(cell.share),
            "epochs": "–" if cell.epochs is None else f"{cell.epochs:g}",
            "replicas": cell.replicas,
        }
        for cell in page.grid
    ]
    rates = sorted({cell.learning_rate for cell in page.grid})
    names = list(dict.fromkeys(cell.row for cell in page.grid))
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
    ink = {
        "condition": {"test": "datum.share > 0.55", "value": "white"},
        "value": "#222222",
    }
    return {
        "name": "grid",
        "title": _title(
            "where it works",
            f"share of replicas that reach a {target_text(page.target)}; numbers: median epochs",
        ),
        "height": max(80, min(_HEIGHT, 34 * len(names))),
        "data": {"values": rows},
        "encoding": {
            "x": {
                "field": "rate",
                "type": "ordinal",
                "sort": [f"{rate:g}" for rate in rates],
                "title": "learning rate",
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": {"field": "row", "type": "nominal", "sort": names, "title": None},
        },
        "layer": [
            {"mark": "rect", "encoding": {"fill": share, "tooltip": tooltip}},
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {"text": {"field": "epochs", "type": "nominal"}, "color": ink},
            },
        ],
    }


def preview_chart(preview: DataPreview) -> Spec:
    """Two-dimensional data, coloured and shaped by class."""
    total = len(preview.points)
    # A sample, not a stride: data often come sorted or alternating by class.
    kept = range(total) if total <= MOST_DOTS else _sample(total)
    classes = sorted(set(preview.labels))
    thinned = f"; {len(kept)} of {total} points" if len(kept) < total else ""
    rows = [
        {
            "x": _short(preview.points[i][0]),
            "y": _short(preview.points[i][1]),
            "class": preview.labels[i],
        }
        for i in kept
    ]
    first, second = preview.feature_names
    shared = {"field": "class", "type": "nominal", "title": "class"}
    legend = {"orient": "bottom", "columns": 5}
    colors = {"domain": classes, "range": class_colors(len(classes))}
    return {
        "name": "data",
        "title": _title("the data", f"{preview.split} part{thinned}"),
        "height": _HEIGHT,
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 22, "fillOpacity": 0.75},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": first, "scale": {"zero": False}},
            "y": {"field": "y", "type": "quantitative", "title": second, "scale": {"zero": False}},
            "fill": {**shared, "scale": colors, "legend": legend},
            "shape": {**shared, "scale": {"domain": classes}, "legend": legend},
        },
    }


def _sample(total: int) -> list[int]:
    return random.Random(0).sample(range(total), MOST_DOTS)  # noqa: S311 - a picture


def all_charts(page: Page, style: Style) -> list[Spec]:
    """All charts of the page, in reading order."""
    charts = [curve_chart(page, panel, style) for panel in page.panels if panel.curves]
    if page.arrivals:
        charts.insert(1, arrival_chart(page, style))
    if page.grid:
        charts.insert(0, grid_chart(page))
    if page.preview is not None:
        charts.append(preview_chart(page.preview))
    return charts


def figure(page: Page, *, pointer: bool = False) -> Spec:
    """All charts of the page in one picture, under the verdict."""
    charts = all_charts(page, Style(legend=True, pointer=pointer))
    for index, chart in enumerate(charts):
        chart["width"] = _SQUARE if chart["name"] == "data" else _WIDE
        _rename_params(chart, index)
    subtitle = textwrap.wrap(page.verdict, _LINE) + textwrap.wrap(curves_key(page), _LINE)
    return {
        "$schema": SCHEMA,
        "title": {"text": page.title, "subtitle": subtitle, "fontSize": 20, "offset": 16},
        "params": [_HIDDEN],
        "concat": charts,
        "columns": 2,
        "spacing": 36,
        "resolve": {"legend": {"fill": "independent", "shape": "independent"}},
        "config": config(),
    }


def _rename_params(chart: Spec, index: int) -> None:
    """One name a picture: ``hidden`` is the picture's, ``near`` each chart's own."""
    chart["name"] = f"{chart['name']}{index}"
    chart.pop("params", None)
    for layer in chart.get("layer", []):
        for param in layer.get("params", []):
            param["name"] = f"near{index}"
            layer["encoding"]["opacity"]["condition"]["param"] = f"near{index}"


def config(ink: str = "#222222", faint: str = "#e3e3e3", background: str | None = "white") -> Spec:
    """Fonts and colours of the surroundings."""
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": background,
        "font": "sans-serif",
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "gridColor": faint,
            "domainColor": _GREY,
            "tickColor": _GREY,
        },
        "legend": {**text, "labelLimit": 0, "symbolStrokeWidth": 3},
        "title": {
            "color": ink,
            "subtitleColor": ink,
            "fontSize": 15,
            "subtitleFontSize": 12,
            "anchor": "start",
        },
        "view": {"stroke": None},
    }


def altair_chart(page: Page) -> alt.ConcatChart:
    """The page's picture as an Altair chart, for notebooks and further work."""
    import altair as alt

    class Picture(alt.ConcatChart):
        def to_dict(self, validate: bool = False, **options: Any) -> Spec:  # noqa: FBT002
            return super().to_dict(validate, **options)

    # Altair would look at every row of the data several times, which takes seconds.
    spec = figure(page, pointer=True)
    data = [chart.pop("data") for chart in spec["concat"]]
    picture: alt.ConcatChart = Picture.from_dict(spec, validate=False)
    for chart, values in zip(picture.concat, data, strict=True):
        chart["data"] = values
    return picture


def _title(text: str, subtitle: str) -> Spec:
    return {"text": text[:1].upper() + text[1:], "subtitle": subtitle}


def _epoch_axis(**scale: Any) -> Spec:
    return {
        "field": "epoch",
        "type": "quantitative",
        "title": "epoch",
        "scale": {"nice": False, **scale},
        "axis": {"tickMinStep": 1, "tickCount": 6, "format": "d", "grid": False},
    }


def _color(page: Page, style: Style) -> Spec:
    colors = variant_colors(page.variants)
    return {
        "field": "variant",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(colors), "range": list(colors.values())},
        **_legend(style, symbolType="stroke", symbolOpacity=1),
    }


def _legend(style: Style, **settings: Any) -> Spec:
    """An entry for an encoding: the legend so set, or none."""
    if not style.legend:
        return {"legend": None}
    return {"legend": settings} if settings else {}
