"""Names at the right ends of lines, moved apart where lines end close together."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normwise.report.section import Spec
from normwise.report.vega import HEIGHT, SHOWN

__all__ = ["LineLabels", "line_labels", "wrapped"]

_MOST = 6  # lines that can be told by names at their ends
_LINE = 13  # pixels of a line of text
_LETTERS = 18  # of a line, where a name can be cut
_WIDEST = 160  # pixels of a line that cannot be cut
_TO_TEXT = 12  # pixels between a line's end and its name


@dataclass(frozen=True, slots=True)
class LineLabels:
    """Where each line's name stands.

    Attributes:
        names: Name to its lines of text, from the top.
        ends: The value at which each line ends, inside the axis.
        places: The value at whose height the first line of each name stands.
    """

    names: Mapping[str, list[str]]
    ends: Mapping[str, float]
    places: Mapping[str, float]

    def layer(self, color: Spec) -> Spec:
        """The names, each with a stroke in its colour that leads to its line.

        Args:
            color: The encoding, by the field ``variant`` or of all.
        """
        rows = [
            {"variant": name, "text": lines, "end": self.ends[name], "place": self.places[name]}
            for name, lines in self.names.items()
        ]
        at = {"field": "place", "type": "quantitative"}
        return {
            "data": {"values": rows},
            "transform": [SHOWN],
            "encoding": {"x": {"value": "width"}},
            "layer": [
                {
                    "mark": {
                        "type": "rule",
                        "strokeWidth": 2,
                        "xOffset": 1,
                        "x2Offset": _TO_TEXT - 3,
                    },
                    "encoding": {
                        "y": {"field": "end", "type": "quantitative"},
                        "x2": {"value": "width"},
                        "y2": {"field": "place"},
                        "color": color,
                    },
                },
                {
                    "mark": {
                        "type": "text",
                        "align": "left",
                        "baseline": "middle",
                        "dx": _TO_TEXT,
                        "fontSize": 12,
                        "lineHeight": _LINE,
                        "limit": _WIDEST,
                    },
                    "encoding": {"y": at, "text": {"field": "text", "type": "nominal"}},
                },
            ],
        }


def line_labels(ends: Mapping[str, float], domain: Sequence[float]) -> LineLabels | None:
    """Names beside the ends of their lines, none over another; ``None`` where they do not fit.

    Args:
        ends: The value at which each line ends.
        domain: Values at the bottom and the top of the axis, which is linear.

    >>> line_labels({"none": 0.5, "after": 0.5}, (0.0, 1.0)).places
    {'none': 0.525, 'after': 0.475}
    """
    low, high = domain
    names = {name: wrapped(name) for name in sorted(ends, key=lambda name: -ends[name])}
    heights = [_LINE * len(lines) for lines in names.values()]
    if not names or len(names) > _MOST or sum(heights) > HEIGHT or high == low:
        return None
    inside = {name: min(high, max(low, ends[name])) for name in names}
    wanted = [HEIGHT * (high - value) / (high - low) for value in inside.values()]
    places = (high - y / HEIGHT * (high - low) for y in _apart(wanted, heights))
    return LineLabels(names, inside, dict(zip(names, places, strict=True)))


def _apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Middles of first lines, as close to where they are wanted as their heights let them be.

    Args:
        wanted: Pixels from the top, ascending.
        heights: Pixels that each takes.

    >>> _apart([0.0, 100.0, 104.0], [13, 13, 13])
    [6.5, 95.5, 108.5]
    """
    above = [sum(heights[:i]) for i in range(len(heights))]
    tops = _ascending([y - _LINE / 2 - up for y, up in zip(wanted, above, strict=True)])
    room = HEIGHT - sum(heights)
    return [up + min(room, max(0.0, top)) + _LINE / 2 for up, top in zip(above, tops, strict=True)]


def _ascending(values: Sequence[float]) -> list[float]:
    """The ascending numbers nearest to these in least squares.

    Isotonic regression: the largest of the smallest means (Barlow et al. 1972).

    >>> _ascending([1.0, 3.0, 2.0])
    [1.0, 2.5, 2.5]
    """
    count = range(len(values))
    return [
        max(
            min(statistics.fmean(values[first : last + 1]) for last in count[i:])
            for first in count[: i + 1]
        )
        for i in count
    ]


def wrapped(name: str, letters: int = _LETTERS) -> list[str]:
    """A name in lines, cut behind its colons and commas.

    Args:
        name: Of any length.
        letters: Of a line, where it can be cut.

    >>> wrapped("after"), wrapped("after:momentum=0.9,center=false,scale=false")
    (['after'], ['after:', 'momentum=0.9,', 'center=false,', 'scale=false'])
    """
    lines = [""]
    for piece in re.findall(r"[^:,]*[:,]|[^:,]+", name):
        if lines[-1] and len(lines[-1] + piece) > letters:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]
