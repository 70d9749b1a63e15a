"""The picture of a gap taken apart: the loss four ways, and how far each layer is off."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from normwise.report.charts import SCHEMA, Spec, config
from normwise.report.colors import variant_colors
from normwise.report.numbers import number

__all__ = ["gap_figure"]

_GREY, _INK = "#888888", "#222222"
_LINE = 165
_BARS, _DOTS = 320, 240
_HEIGHT = 220
# A layer's line, and the whole column of them.
_STEP, _MOST = 18, 900


def gap_figure(found: Mapping[str, Any], sentence: str) -> Spec:
    """A Vega-Lite picture of what ``normwise diagnose`` found.

    Args:
        found: The content of ``gap.json``.
        sentence: What it comes to, to stand above.
    """
    charts = [_losses(found["ways"])] if found["ways"] else []
    charts += [
        _distances(
            found["layers"],
            "Moving means",
            "deviations from the population mean",
            ("shift", "largest_shift", 0.0),
            {"zero": True},
        ),
        _distances(
            found["layers"],
            "Moving variances",
            "over the population variance",
            ("ratio", "farthest_ratio", 1.0),
            {"type": "log", "nice": False, "padding": 12},
        ),
    ]
    # The second panel of layers stands beside the first: the names are the same.
    charts[-1]["encoding"]["y"]["axis"] = {"labels": False, "ticks": False, "grid": True}
    return {
        "$schema": SCHEMA,
        "title": {
            "text": f"{found['model']}: training and inference",
            "subtitle": textwrap.wrap(sentence, _LINE),
            "fontSize": 18,
            "offset": 16,
        },
        "hconcat": charts,
        "spacing": 30,
        "resolve": {"scale": {"color": "independent"}},
        "config": config(),
    }


def _losses(ways: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Spec:
    colors = variant_colors(["training", "validation"])
    rows = [
        {"way": way, "part": part, "loss": scores["loss"], "said": number(scores["loss"])}
        for way, parts in ways.items()
        for part, scores in parts.items()
    ]
    return {
        "title": {"text": "Loss", "subtitle": ["the same weights, four ways of normalising"]},
        "width": _BARS,
        "height": _HEIGHT,
        "data": {"values": rows},
        "encoding": {
            "x": {
                "field": "way",
                "type": "nominal",
                "title": None,
                "sort": list(ways),
                "axis": {"labelAngle": 0, "domain": False, "ticks": False, "labelPadding": 8},
            },
            "xOffset": {"field": "part", "type": "nominal", "sort": list(colors)},
            "y": {"field": "loss", "type": "quantitative", "title": None, "axis": {"tickCount": 5}},
        },
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "color": {
                        "field": "part",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": list(colors), "range": list(colors.values())},
                        "legend": {"orient": "top", "direction": "horizontal", "offset": 16},
                    }
                },
            },
            {
                "mark": {"type": "text", "dy": -6, "fontSize": 10, "color": _INK},
                "encoding": {"text": {"field": "said", "type": "nominal"}},
            },
        ],
    }


def _distances(
    layers: Sequence[Mapping[str, Any]],
    title: str,
    subtitle: str,
    fields: tuple[str, str, float],
    scale: Spec,
) -> Spec:
    """A dot a layer for the median channel, a line to the channel that is farthest off."""
    median, farthest, none = fields
    dot = variant_colors(["layers"])["layers"]
    rows = [
        {"layer": layer["layer"], "median": layer[median], "farthest": layer[farthest]}
        for layer in layers
    ]
    names = [layer["layer"] for layer in layers]
    x = {"type": "quantitative", "title": None, "scale": scale, "axis": {"tickCount": 5}}
    y = {
        "field": "layer",
        "type": "nominal",
        "sort": names,
        "title": None,
        "axis": {"grid": True, "labelLimit": 170, "labelOverlap": True},
    }
    return {
        "title": {"text": title, "subtitle": [subtitle, "dot: median channel; end: farthest"]},
        "width": _DOTS,
        "height": min(_MOST, max(_HEIGHT, _STEP * len(names))),
        "data": {"values": rows},
        "encoding": {"y": y},
        "layer": [
            {
                "data": {"values": [{"none": none}]},
                "mark": {"type": "rule", "color": _GREY, "strokeDash": [2, 2]},
                "encoding": {
                    "x": {**x, "field": "none"},
                    "y": {"value": 0},
                    "y2": {"value": "height"},
                },
            },
            {
                "mark": {"type": "rule", "color": _GREY, "strokeWidth": 2},
                "encoding": {"x": {**x, "field": "median"}, "x2": {"field": "farthest"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": dot},
                "encoding": {"x": {**x, "field": "median"}},
            },
            {
                "mark": {"type": "tick", "color": _GREY, "thickness": 2, "size": 8},
                "encoding": {"x": {**x, "field": "farthest"}},
            },
        ],
    }  # fmt: skip
