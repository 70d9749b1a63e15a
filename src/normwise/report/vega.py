"""What all charts share: colours, legends, sizes, and the parameter that hides variants.

Charts are Vega-Lite specifications as plain JSON values. Altair's object layer would cost 0.6 s
of import and validation at every run; the tests hold every chart to Altair's schema instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from normwise.report.section import Spec, Style

__all__ = [
    "FAINT_RULE",
    "GREY",
    "HEIGHT",
    "HIDDEN",
    "INK",
    "MOST_POINTS",
    "SCHEMA",
    "SHOWN",
    "chart_title",
    "legend",
    "listed",
    "short",
    "step_of",
    "theme",
    "variant_color",
]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 260
"""Height of a chart, in pixels."""
MOST_POINTS = 200
"""Points drawn of a line; a longer one is thinned to about as many."""
_MOST_OF_ALL, _FEWEST = 3000, 10  # points drawn of all lines of a chart; of each at least
_MOST_LISTED = 8

GREY, INK = "#888888", "#222222"
FAINT_RULE: Spec = {"type": "rule", "strokeDash": [8, 3, 2, 3], "color": GREY}
"""The mark of a value that curves are compared with."""

HIDDEN: Spec = {"name": "hidden", "value": []}
"""A parameter that holds the names of the variants not to draw."""
SHOWN: Spec = {"filter": "indexof(hidden, datum.variant) < 0"}
"""The transformation that leaves them out."""


def short(value: float) -> float:
    """Five significant digits: more cannot be seen, and the file is smaller.

    >>> short(0.123456789)
    0.12346
    """
    return float(f"{value:.5g}")


def step_of(longest: int, lines: int) -> int:
    """Every which point is drawn, so that a page of many runs stays small.

    Args:
        longest: Points of the longest line.
        lines: How many lines a chart has, at least one.

    >>> step_of(200, 4), step_of(1000, 4), step_of(100, 100)
    (1, 5, 4)
    """
    points = max(_FEWEST, min(MOST_POINTS, _MOST_OF_ALL // lines))
    return max(1, math.ceil(longest / points))


def chart_title(text: str, subtitle: str | list[str]) -> Spec:
    """A chart's title, and below it what is drawn, in a line or several."""
    begins = text[:1].upper() if text[:1].isascii() else text[:1]  # β stays β
    return {"text": begins + text[1:], "subtitle": subtitle}


def variant_color(colors: Mapping[str, str], style: Style, *, is_labelled: bool = False) -> Spec:
    """The encoding that gives each variant its colour.

    Args:
        colors: Name to colour.
        style: Whether there is a legend.
        is_labelled: Whether names stand at the lines, and make a legend superfluous.
    """
    shown = (
        {"legend": None}
        if is_labelled
        else legend(style, symbolType="stroke", orient="top", columns=4)
    )
    return {
        "field": "variant",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(colors), "range": list(colors.values())},
        **shown,
    }


def listed(items: Iterable[str]) -> str:
    """Some things of many for who cannot see a chart, closed by how many more there are.

    >>> listed(["none 0.85", "after 0.9"]), listed("abcdefghij")
    ('none 0.85; after 0.9', 'a; b; c; d; e; f; g; h; and 2 more')
    """
    every = list(items)
    rest = len(every) - _MOST_LISTED
    return "; ".join([*every[:_MOST_LISTED], *([f"and {rest} more"] if rest > 0 else [])])


def legend(style: Style, **settings: Any) -> Spec:
    """An entry for an encoding: the legend with these settings, or none."""
    if not style.legend:
        return {"legend": None}
    return {"legend": settings} if settings else {}


def theme(ink: str = INK, faint: str = "#e3e3e3", background: str = "white") -> Spec:
    """Fonts and colours of everything around the data.

    Args:
        ink: Colour of the text.
        faint: Colour of the grid.
        background: Colour behind the chart.
    """
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": background,
        "font": "sans-serif",
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "gridColor": faint,
            "domainColor": GREY,
            "tickColor": GREY,
        },
        # A label at the very top would lift the title above it.
        "axisYQuantitative": {"labelFlush": 7},
        "legend": {**text, "labelLimit": 0, "symbolStrokeWidth": 3},
        "title": {
            "color": ink,
            "subtitleColor": ink,
            "fontSize": 15,
            "subtitleFontSize": 12,
            "anchor": "start",
        },
        "text": {"color": ink},
        "view": {"stroke": None},
    }
