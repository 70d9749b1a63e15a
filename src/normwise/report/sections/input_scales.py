"""The scales of the inputs, where they are far apart."""

from __future__ import annotations

from dataclasses import dataclass

from normwise.report.axes import value_axis
from normwise.report.formatting import number
from normwise.report.results import InputScale, StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.vega import chart_title, short

__all__ = ["InputScaleChart", "build"]

_MOST, _ROW = 40, 18  # rows, and pixels of each
_BLUE = "#4c78a8"


def build(results: StudyResults) -> Section | None:
    """A row an input; nothing where they are much alike, or are no columns."""
    if not results.scales:
        return None
    ordered = sorted(results.scales, key=lambda one: -one.middle)
    first, last = ordered[0], ordered[-1]
    said = (
        f"{first.name} is typically {number(first.middle)}, {last.name} {number(last.middle)}: "
        f"apart by a factor of {number(first.middle / last.middle)}."
    )
    return Section(
        "Scales of the inputs",
        in_words=(said,),
        charts=(InputScaleChart(_evenly(ordered), len(ordered)),),
        caption=(
            "Sizes of the values that are not zero, in the training part as the model gets it, "
            "signs left out: median, and from the 10% to the 90% quantile."
        ),
    )


def _evenly(ordered: list[InputScale]) -> tuple[InputScale, ...]:
    """As many as there is room for, both ends among them."""
    rest, kept = len(ordered) - 1, min(len(ordered), _MOST)
    return tuple(ordered[round(i * rest / max(1, kept - 1))] for i in range(kept))


@dataclass(frozen=True, slots=True)
class InputScaleChart:
    """The size of each input on one logarithmic axis.

    Attributes:
        scales: Those to draw, the largest first.
        total: How many inputs there are.
    """

    scales: tuple[InputScale, ...]
    total: int

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """A bar an input, with a point at its median."""
        left = f"; {len(self.scales)} of {self.total}" if len(self.scales) < self.total else ""
        names = [one.name for one in self.scales]
        row = {"field": "input", "type": "nominal", "sort": names, "title": None}
        low, high = min(one.low for one in self.scales), max(one.high for one in self.scales)
        size = value_axis("low", "size", scale="log", domain=(low, high))
        tooltip = [
            {"field": "input", "type": "nominal"},
            {"field": "middle", "type": "quantitative", "title": "median", "format": ".3~g"},
        ]
        return {
            "name": "scales",
            "description": self.description,
            "title": chart_title("scales of the inputs", f"median and 80% of the values{left}"),
            "height": max(60, _ROW * len(names)),
            "data": {"values": [_as_row(one) for one in self.scales]},
            "encoding": {"y": row, "color": {"value": _BLUE}},
            "layer": [
                {
                    "mark": {"type": "rule", "strokeWidth": 3},
                    "encoding": {"x": size, "x2": {"field": "high"}},
                },
                {
                    "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                    "encoding": {"x": {**size, "field": "middle"}, "tooltip": tooltip},
                },
            ],
        }

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        first, last = self.scales[0], self.scales[-1]
        return (
            f"Bars of the sizes of {len(self.scales)} inputs on a logarithmic axis, from "
            f"{first.name}, whose median is {number(first.middle)}, to {last.name}, whose median "
            f"is {number(last.middle)}."
        )


def _as_row(one: InputScale) -> Spec:
    sizes = {"low": one.low, "middle": one.middle, "high": one.high}
    return {"input": one.name, **{name: short(size) for name, size in sizes.items()}}
