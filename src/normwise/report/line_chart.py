"""A line a variant against epochs, layers or sizes, with a band where there is one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.report.axes import Scale, epoch_axis, value_axis
from normwise.report.formatting import scientific
from normwise.report.line_labels import LineLabels, line_labels
from normwise.report.section import Spec, Style
from normwise.report.vega import (
    FAINT_RULE,
    HEIGHT,
    HIDDEN,
    SHOWN,
    chart_title,
    listed,
    short,
    variant_color,
)

__all__ = ["Line", "LineChart", "drawn", "line_of", "on_one_axis"]

# What horizontal axes count one after another, from 0.
_LOOKS = ("epoch", "look")

# Points drawn of a line, the first and the last among them.
_MOST = 40
# Share of the axis' length that is left free below and above logarithms.
_ROOM = 0.04
# Up to which factor from what is drawn an axis is made longer for a value to compare with.
_NEAR = 30.0
# Powers of ten that an axis has at most; what lies below is not drawn.
_DECADES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """Values of a variant.

    Attributes:
        variant: Its name.
        x: Epochs, layers or sizes, ascending.
        value: One a place, finite.
        low: Lower end of the band; empty without one.
        high: Its upper end.
    """

    variant: str
    x: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line a variant.

    Attributes:
        title: What is drawn.
        subtitle: Of what, and how.
        lines: One a variant, at least one, none of them empty.
        colors: Each variant's colour.
        across: What the horizontal axis counts, such as ``epoch`` or ``layer``.
        unit: What stands beside the vertical axis.
        scale: Of the vertical axis.
        domain: Its ends; where the lines end unless given.
        rule: A value to compare with, drawn as a faint line where the axis is near it.
        rule_name: What it is.
    """

    title: str
    subtitle: str
    lines: tuple[Line, ...]
    colors: Mapping[str, str]
    across: str = "epoch"
    unit: str = ""
    scale: Scale = "linear"
    domain: tuple[float, float] | None = None
    rule: float | None = None
    rule_name: str = ""

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        first, last = self.first, self.last
        said = listed(
            f"{line.variant} from {scientific(line.value[0])} to {scientific(line.value[-1])}"
            for line in self.lines
        )
        return (
            f"Lines of {self.title}, from {self.across} {first:g} to {last:g}; {self.subtitle}. "
            f"{said}."
        )

    @property
    def only(self) -> str | None:
        """The variant that it is of, where it is of no other one."""
        return next(iter(self.colors)) if len(self.colors) == 1 else None

    def spec(self, style: Style) -> Spec:
        """Lines named at their ends, on bands."""
        low, high = self.domain or _bounds([self])
        rule = self.rule if self.rule is not None and self._is_near(low, high) else None
        if rule is not None:
            low, high = min(low, rule), max(high, rule)
        y = self._axis(low, high)
        labels = self._labels(y["scale"]["domain"])
        is_named = labels is not None or self.only is not None
        color = variant_color(self.colors, style, is_labelled=is_named)
        has_bands = any(line.low for line in self.lines)
        drawn = [*([_band(color)] if has_bands else []), self._line(color)]
        return {
            "name": "lines",
            "description": self.description,
            "title": chart_title(
                self.title,
                self.subtitle
                if rule is None
                else f"{self.subtitle}; dash-dotted: {self.rule_name}",
            ),
            "height": HEIGHT,
            "data": {"values": list(self._rows(y["scale"]["domain"]))},
            "params": [HIDDEN],
            "layer": [
                *([] if rule is None else [_rule(rule)]),
                {"encoding": {"x": self._across(), "y": y}, "layer": drawn},
                *([labels.layer(color)] if labels else []),
            ],
        }

    def _is_near(self, low: float, high: float) -> bool:
        """Whether the rule is no farther from what is drawn than that is high, or a factor."""
        rule = self.rule or 0.0
        if self.scale == "log":
            return low / _NEAR <= rule <= high * _NEAR
        return low - (high - low) <= rule <= high + (high - low)

    @property
    def first(self) -> float:
        """Where the horizontal axis begins."""
        return min(line.x[0] for line in self.lines)

    @property
    def last(self) -> float:
        """Where it ends."""
        return max(line.x[-1] for line in self.lines)

    def _across(self) -> Spec:
        first, last = self.first, self.last
        if self.across in _LOOKS:
            return {**epoch_axis(int(last)), "field": "x", "title": self.across}
        settings = epoch_axis(int(last))
        scale = {**settings["scale"], "domain": [first, max(last, first + 1)]}
        return {**settings, "field": "x", "title": self.across, "scale": scale}

    def _axis(self, low: float, high: float) -> Spec:
        axis = value_axis("value", self.unit, scale=self.scale, domain=(low, high))
        if self.scale == "linear":
            return axis
        # Names at the lines' ends have to know where the axis ends.
        scale = {"type": "log", "domain": [short(end) for end in _roomy(low, high)], "nice": False}
        format_ = ".0e" if high / low > 1e4 else "~g"
        return {**axis, "scale": scale, "axis": {"tickCount": 6, "format": format_}}

    def _labels(self, domain: Sequence[float]) -> LineLabels | None:
        """None where all lines are of one variant, which the title or the page names."""
        if self.only is not None:
            return None
        ends = {line.variant: line.value[-1] for line in self.lines}
        if self.scale == "linear":
            return line_labels(ends, domain)
        found = line_labels(
            {name: math.log10(value) for name, value in ends.items()},
            [math.log10(end) for end in domain],
        )
        return found and replace(found, ends=_powers(found.ends), places=_powers(found.places))

    def _rows(self, domain: Sequence[float]) -> Iterator[Spec]:
        low, high = domain
        for line in self.lines:
            for i in _thinned(len(line.x)):
                row = {"variant": line.variant, "x": line.x[i], "value": short(line.value[i])}
                if line.low:
                    # Vega draws a whole band nowhere, if an end of it is 0 on a logarithmic axis.
                    ends = (min(high, max(low, end)) for end in (line.low[i], line.high[i]))
                    row |= zip(("low", "high"), map(short, ends), strict=True)
                yield row

    def _line(self, color: Spec) -> Spec:
        return {
            "transform": [SHOWN],
            "mark": {"type": "line", "clip": True, "strokeWidth": 2, "point": self._is_of_few},
            "encoding": {
                "color": color,
                "tooltip": [
                    {"field": "variant", "type": "nominal"},
                    {"field": "x", "type": "quantitative", "title": self.across},
                    {
                        "field": "value",
                        "type": "quantitative",
                        "title": self.unit,
                        "format": ".3~g",
                    },
                ],
            },
        }

    @property
    def _is_of_few(self) -> bool:
        return max(len(line.x) for line in self.lines) <= 12


def line_of(
    variant: str,
    values: NDArray[Any],
    band: tuple[NDArray[Any], NDArray[Any]] | None = None,
    *,
    at: Sequence[float] = (),
    scale: Scale = "linear",
) -> Line | None:
    """The line of the values that can be drawn; ``None`` where there are none.

    Args:
        variant: Its name.
        values: One a place.
        band: Its lower and its upper end.
        at: What the axis calls the places, ascending; from 1 on unless given.
        scale: On which values must be above 0.

    >>> line_of("none", np.array([np.nan, 2.0, 0.0]), scale="log")
    Line(variant='none', x=(2.0,), value=(2.0,), low=(), high=())
    """
    is_drawn = np.isfinite(values) & ((values > 0) | (scale == "linear"))
    if band is not None:
        is_drawn &= np.isfinite(band[0]) & np.isfinite(band[1])
    places = np.flatnonzero(is_drawn)
    if not places.size:
        return None
    low, high = (tuple(end[places].tolist()) for end in band) if band else ((), ())
    x = np.asarray(at or range(1, len(values) + 1), float)[places]
    return Line(variant, tuple(x.tolist()), tuple(values[places].tolist()), low, high)


def drawn(
    title: str,
    subtitle: str,
    lines: Iterable[Line | None],
    colors: Mapping[str, str],
    **settings: Any,
) -> tuple[LineChart, ...]:
    """The chart of these lines; none where there are none, or over one layer alone.

    Args:
        title: What is drawn.
        subtitle: Of what, and how.
        lines: One a variant, or ``None``.
        colors: Each variant's colour.
        settings: The other attributes of a :class:`LineChart`.
    """
    found = tuple(line for line in lines if line is not None)
    if not found:
        return ()
    chart = LineChart(title, subtitle, found, colors, **settings)
    is_alone = chart.last == chart.first and chart.across not in _LOOKS
    return () if is_alone else (chart,)


def on_one_axis(charts: Sequence[LineChart]) -> tuple[LineChart, ...]:
    """The same charts with one vertical axis, which has room for all of their lines."""
    if not charts:
        return ()
    domain = _bounds(charts)
    return tuple(replace(chart, domain=domain) for chart in charts)


def _bounds(charts: Sequence[LineChart]) -> tuple[float, float]:
    """The ends of an axis that all these charts have in common."""
    every = [
        value
        for chart in charts
        for line in chart.lines
        for value in (*line.value, *line.low, *line.high)
        if chart.scale == "linear" or value > 0
    ]
    low, high = min(every), max(every)
    if charts[0].scale == "linear":
        return low, high
    low = max(low, high * 10.0**-_DECADES)
    return (low, high) if high > low else (low / 3, high * 3)


def _roomy(low: float, high: float) -> tuple[float, float]:
    factor = (high / low) ** _ROOM
    return low / factor, high * factor


def _powers(logarithms: Mapping[str, float]) -> dict[str, float]:
    return {name: short(10.0**value) for name, value in logarithms.items()}


def _thinned(count: int) -> list[int]:
    step = -(-count // _MOST)
    return sorted({*range(0, count, step), count - 1})


def _band(color: Spec) -> Spec:
    return {
        "transform": [SHOWN],
        "mark": {"type": "area", "fillOpacity": 0.18, "clip": True},
        "encoding": {
            "y": {"field": "low", "type": "quantitative"},
            "y2": {"field": "high"},
            "color": color,
        },
    }


def _rule(value: float) -> Spec:
    return {
        "data": {"values": [{"value": value}]},
        "mark": FAINT_RULE,
        "encoding": {"y": {"field": "value", "type": "quantitative"}},
    }
