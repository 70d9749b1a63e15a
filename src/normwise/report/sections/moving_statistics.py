"""Moving statistics: how far each layer's are from the population's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normwise.report.axes import Scale, value_axis
from normwise.report.colors import PART_COLORS
from normwise.report.section import Cell, Column, Section, Spec, Style, Table
from normwise.report.sections.gap import Found
from normwise.report.vega import FAINT_RULE, GREY, chart_title

__all__ = ["DistanceChart", "build"]

SHOWN_LAYERS = 5
"""Layers that are named in words: those that are farthest off."""
# Height of a layer's line, and bounds of the height of all, in pixels.
_LINE, _LEAST, _MOST = 18, 220, 900

_DOT = PART_COLORS["training"]

Layers = Sequence[Mapping[str, Any]]


def build(found: Found) -> Section:
    """A row a layer, in the order they run."""
    layers: Layers = found["layers"]
    headers = (
        "layer",
        "moving means off, in deviations",
        "moving variances over the population's",
    )
    means = DistanceChart(
        layers, "moving means", "deviations from the population mean", "shift", "largest_shift", 0.0
    )
    variances = DistanceChart(
        layers,
        "moving variances",
        "over the population variance",
        "ratio",
        "farthest_ratio",
        1.0,
        "log",
    )
    return Section(
        "Moving statistics",
        in_words=tuple(_in_words(layers)),
        table=Table(tuple(map(Column, headers)), tuple(map(_row, layers))),
        charts=(means, variances),
        caption=(
            "Of each layer the median channel (a dot) and the channel that is farthest off (the "
            "end of its line); population: the whole training part."
        ),
    )


def _row(layer: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        Cell(layer["layer"], badge="fixed" if layer["is_fixed"] else ""),
        Cell(f"{layer['shift']:.2g}", (f"at most {layer['largest_shift']:.2g}",)),
        Cell(f"{layer['ratio']:.3g}×", (f"farthest {layer['farthest_ratio']:.3g}×",)),
    )


def _in_words(layers: Layers) -> list[str]:
    far = sorted(layers, key=lambda layer: -layer["divergence"])
    lines = [
        f"{layer['layer']}: moving means {layer['shift']:.2g} deviations off (at most "
        f"{layer['largest_shift']:.2g}), variances {layer['ratio']:.3g} times the population's "
        f"(farthest {layer['farthest_ratio']:.3g})"
        for layer in far[:SHOWN_LAYERS]
    ]
    rest = len(far) - SHOWN_LAYERS
    return [*lines, f"and {rest} layers that are less far off"] if rest > 0 else lines


@dataclass(frozen=True, slots=True)
class DistanceChart:
    """How far a statistic of each layer is from the population's.

    Attributes:
        layers: The layers of ``gap.json``, in the order they run.
        title: Which statistic it is.
        unit: What the distance is measured in.
        median: Field of the median channel's distance.
        farthest: Field of the distance of the channel that is farthest off.
        neutral: The distance of statistics that are the population's.
        scale: The distances' scale, ``linear`` or ``log``.
    """

    layers: Layers
    title: str
    unit: str
    median: str
    farthest: str
    neutral: float
    scale: Scale = "linear"

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """A dot a layer for the median channel, a line to the channel that is farthest off."""
        rows = [
            {"layer": one["layer"], "median": one[self.median], "farthest": one[self.farthest]}
            for one in self.layers
        ]
        found = [row["median"] for row in rows]
        names = [layer["layer"] for layer in self.layers]
        axis = {"grid": True, "labelLimit": 170, "labelOverlap": True}
        return {
            "name": "distances",
            "description": (
                f"Dots, the median channel of each of {len(names)} layers: {self.title} in "
                f"{self.unit}, from {min(found):.3g} to {max(found):.3g}."
            ),
            "title": chart_title(self.title, self.unit),
            "height": min(_MOST, max(_LEAST, _LINE * len(names))),
            "data": {"values": rows},
            "encoding": {
                "y": {
                    "field": "layer",
                    "type": "nominal",
                    "sort": names,
                    "title": None,
                    "axis": axis,
                }
            },
            "layer": self._layers(),
        }

    def _layers(self) -> list[Spec]:
        neutral, median, farthest = map(self._axis, ("neutral", "median", "farthest"))
        return [
            {
                "data": {"values": [{"neutral": self.neutral}]},
                "mark": FAINT_RULE,
                "encoding": {"x": neutral, "y": {"value": 0}, "y2": {"value": "height"}},
            },
            {
                "mark": {"type": "rule", "color": GREY, "strokeWidth": 2},
                "encoding": {"x": median, "x2": {"field": "farthest"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": _DOT},
                "encoding": {"x": median},
            },
            {
                "mark": {"type": "tick", "color": GREY, "thickness": 2, "size": 8},
                "encoding": {"x": farthest},
            },
        ]

    def _axis(self, field: str) -> Spec:
        axis = value_axis(field, None, scale=self.scale, zero=True)
        return {**axis, "axis": {"tickCount": 5}}
