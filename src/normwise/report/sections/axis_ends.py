"""Where each variant ends along an axis of the grid, and how far apart its best and worst lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from normwise.domain import CONFIDENCE, AxisPoint, Estimate, Sensitivity, VariantSummary
from normwise.report import formatting as f
from normwise.report.axes import value_axis
from normwise.report.axis_names import axis_name, value_text
from normwise.report.line_labels import line_labels
from normwise.report.metric_text import metric_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Spec, Style, Table
from normwise.report.vega import (
    HEIGHT,
    HIDDEN,
    SHOWN,
    chart_title,
    listed,
    short,
    variant_color,
)

__all__ = ["AxisEnd", "AxisEndChart", "build"]

Found = tuple[VariantSummary, Sensitivity]


def build(results: StudyResults) -> Section | None:
    """A chart and a sentence an axis, a row for each variant along it."""
    found = [
        (variant, one)
        for variant in results.summary.variants
        for one in variant.sensitivity or ()
        if one.end_spread is not None
    ]
    if not found:
        return None
    by_axis = {
        axis: [pair for pair in found if pair[1].axis == axis]
        for axis in dict.fromkeys(one.axis for _, one in found)
    }
    return Section(
        "Where it ends",
        in_words=tuple(_sentence(own, results) for own in by_axis.values()),
        table=Table(_columns(results), tuple(_row(*pair, results) for pair in found)),
        charts=tuple(filter(None, (_chart(own, results) for own in by_axis.values()))),
        caption=_caption(results),
    )


def _columns(results: StudyResults) -> tuple[Column, ...]:
    headers = ["variant", "over", "ends worst", "ends best", "apart"]
    less = [f"less apart than {results.baseline}"] if results.baseline else []
    return tuple(map(Column, [*headers, *less]))


def _row(variant: VariantSummary, one: Sensitivity, results: StudyResults) -> tuple[Cell, ...]:
    worst, best = _ends(one, results)
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(f"{len(one.points)} {axis_name(one.axis, several=True)}"),
        *(Cell(f.median(end.end), (value_text(end.value),)) for end in (worst, best)),
        _apart(one.end_spread),
        *([_apart(one.end_spread_saved)] if results.baseline else []),
    )


def _apart(estimate: Estimate | None) -> Cell:
    return Cell(_spread(estimate), (f.value_interval(estimate),))


def _spread(estimate: Estimate | None) -> str:
    """A distance of two ends; they are as far apart as can be where one diverged."""
    if estimate is not None and math.isinf(estimate.value):
        return "diverged" if estimate.value > 0 else "baseline's diverged less"
    return f.mean(_tidied(estimate))


def _tidied(estimate: Estimate | None) -> Estimate | None:
    """Without what single precision leaves of a difference of equals.

    What that is the interval says; too few seeds have none.
    """
    if estimate is None or not math.isfinite(estimate.high - estimate.low):
        return estimate
    if abs(estimate.value) >= 1e-4 * (estimate.high - estimate.low):
        return estimate
    return replace(estimate, value=0.0)


def _ends(one: Sensitivity, results: StudyResults) -> tuple[AxisPoint, AxisPoint]:
    """The points that end worst and best."""
    sign = 1.0 if results.summary.target.relation == ">=" else -1.0
    ordered = sorted(one.points, key=lambda point: sign * (point.end.value if point.end else 0.0))
    return ordered[0], ordered[-1]


def _sentence(own: Sequence[Found], results: StudyResults) -> str:
    (_, first), *_ = own
    each = "; ".join(_in_words(variant, one, results) for variant, one in own)
    return (
        f"Over {len(first.points)} {axis_name(first.axis, several=True)}, "
        f"{metric_text(results.summary.target.metric)}: {each}."
    )


def _in_words(variant: VariantSummary, one: Sensitivity, results: StudyResults) -> str:
    worst, best = _ends(one, results)
    apart = _whole(one.end_spread)
    less = _whole(one.end_spread_saved)
    return (
        f"{variant.name} {f.median(worst.end)} at {value_text(worst.value)} to "
        f"{f.median(best.end)} at {value_text(best.value)}"
        f"{f', {apart} apart' if apart else ''}"
        f"{f' ({less} less than {results.baseline})' if apart and less else ''}"
    )


def _whole(estimate: Estimate | None) -> str:
    """A distance and its interval; empty where a replica diverged, and there is none."""
    if estimate is None or not math.isfinite(estimate.value):
        return ""
    return " ".join(filter(None, [_spread(estimate), f.value_interval(estimate)]))


def _caption(results: StudyResults) -> str:
    base = results.baseline
    less = f"; less apart than {base}: over the same seeds" if base else ""
    return (
        f"Median of {metric_text(results.summary.target.metric)} at the last epoch over the "
        f"replicas, each value at the best of the other axes; bars: its interval. Apart: how much "
        f"better the value ends that every second seed found best than the one it found worst, "
        f"over the other seeds (median){less}. What matters here is not the best, but how little a "
        f"variant depends on the axis. Each interval holds at {f.percent(CONFIDENCE)} by itself."
    )


@dataclass(frozen=True, slots=True)
class AxisEnd:
    """A variant's end at one value of the axis.

    Attributes:
        variant: Its name.
        value: The axis' value, as it is shown.
        end: The median of the metric over replicas, finite.
        low: Where its interval begins; the end itself where it has none.
        high: Where it ends.
    """

    variant: str
    value: str
    end: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AxisEndChart:
    """Where each variant ends, by the value of an axis.

    Attributes:
        axis: Name of the axis.
        metric: What is drawn, in words.
        values: All values of the axis as they are shown, in their order.
        ends: Of the variants that did not diverge, by variant and in the order of the values.
        colors: Each variant's colour.
    """

    axis: str
    metric: str
    values: tuple[str, ...]
    ends: tuple[AxisEnd, ...]
    colors: Mapping[str, str]

    def spec(self, style: Style) -> Spec:
        """A line a variant, with a bar at each value."""
        y = value_axis("end", self.metric, domain=self._domain)
        labels = line_labels(self._last, y["scale"]["domain"]) if self._all_arrive else None
        color = variant_color(self.colors, style, is_labelled=labels is not None)
        shared = {"x": self._value_axis(), "color": color}
        bars = {
            "transform": [SHOWN],
            "mark": {"type": "rule"},
            "encoding": {**shared, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        }
        line = {
            "transform": [SHOWN],
            "mark": {"type": "line", "point": True},
            "encoding": {**shared, "y": y, "tooltip": self._tooltip()},
        }
        return {
            "name": "ends",
            "description": self.description,
            "title": chart_title(
                f"{self.metric} at the end, by {axis_name(self.axis)}",
                "median over replicas; bars: its interval",
            ),
            "height": HEIGHT,
            "data": {"values": self._rows()},
            "params": [HIDDEN],
            "layer": [bars, line, *([labels.layer(color)] if labels else [])],
        }

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        lowest = min(self.ends, key=lambda one: one.end)
        highest = max(self.ends, key=lambda one: one.end)
        return (
            f"Lines of {self.metric} at the last epoch over {len(self.values)} "
            f"{axis_name(self.axis, several=True)}, a line a variant, from {_at(lowest)} to "
            f"{_at(highest)}. They end at "
            f"{listed(f'{name} {f.number(end)}' for name, end in self._last.items())}."
        )

    @property
    def _last(self) -> dict[str, float]:
        """Where each line ends."""
        return {one.variant: one.end for one in self.ends}

    @property
    def _all_arrive(self) -> bool:
        """Whether no line ends before the last value, where its replicas diverged."""
        at_last = {one.variant for one in self.ends if one.value == self.values[-1]}
        return at_last == set(self.colors)

    @property
    def _domain(self) -> tuple[float, float]:
        return min(one.low for one in self.ends), max(one.high for one in self.ends)

    def _rows(self) -> list[Spec]:
        return [
            {
                "variant": one.variant,
                "value": one.value,
                "end": short(one.end),
                "low": short(one.low),
                "high": short(one.high),
            }
            for one in self.ends
        ]

    def _value_axis(self) -> Spec:
        are_names = self.axis == "initializer"
        return {
            "field": "value",
            "type": "ordinal",
            "sort": list(self.values),
            "title": axis_name(self.axis),
            "scale": {"domain": list(self.values)},
            "axis": {"labelAngle": -30 if are_names else 0, "labelOverlap": not are_names},
        }

    def _tooltip(self) -> list[Spec]:
        return [
            {"field": "variant", "type": "nominal"},
            {"field": "value", "type": "nominal", "title": axis_name(self.axis)},
            {"field": "end", "type": "quantitative", "title": self.metric, "format": ".3~g"},
        ]


def _at(one: AxisEnd) -> str:
    return f"{f.number(one.end)} ({one.variant} at {one.value})"


def _chart(own: Sequence[Found], results: StudyResults) -> AxisEndChart | None:
    (_, first), *_ = own
    ends = tuple(
        _axis_end(variant.name, point.value, point.end)
        for variant, one in own
        for point in one.points
        if point.end is not None and math.isfinite(point.end.value)
    )
    if not ends:
        return None
    return AxisEndChart(
        first.axis,
        metric_text(results.summary.target.metric),
        tuple(value_text(point.value) for point in first.points),
        ends,
        {name: results.colors[name] for name in dict.fromkeys(one.variant for one in ends)},
    )


def _axis_end(variant: str, value: float | str | None, end: Estimate) -> AxisEnd:
    low, high = (at if math.isfinite(at) else end.value for at in (end.low, end.high))
    return AxisEnd(variant, value_text(value), end.value, low, high)
