"""A page as one HTML file that needs no network."""

from __future__ import annotations

import os
from pathlib import Path

from normwise.files import replacing
from normwise.report.markup import parts_of, template
from normwise.report.page import Page
from normwise.report.section import Spec, Style
from normwise.report.vega import theme
from normwise.report.vega_script import vega_javascript

__all__ = ["write_html"]

_STYLE = Style(legend=False, pointer=True)  # the page has buttons instead
_THEMES = {
    "light": theme("#222222", "#e3e3e3", "transparent"),
    "dark": theme("#dddddd", "#33373f", "transparent"),
}
_AROUND = 117  # pixels that axes, title and legend take beside a chart


def write_html(page: Page, path: str | os.PathLike[str]) -> Path:
    """Write the page to ``path``, whole or not at all.

    Raises:
        StoreError: The folder cannot be written.
    """
    text = _render(page)
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
    return Path(path)


def _render(page: Page) -> str:
    specs = [[chart.spec(_STYLE) for chart in section.charts] for section in page.sections]
    charts = [chart for own in specs for chart in own]
    # A chart of one variant says so; where that is hidden, nothing is left of it.
    names = list(page.colors)
    only = [getattr(chart, "only", None) for chart in page.charts]
    hiding = [names.index(name) if name in names else None for name in only]
    places = map(_place, range(len(charts)), charts, hiding)
    return template("template.html").render(
        **parts_of(page, specs, places),
        charts=[{**chart, "width": "container"} for chart in charts],
        themes=_THEMES,
        javascript=vega_javascript(),
    )


def _place(number: int, chart: Spec, button: int | None) -> str:
    """The room that is kept for a chart: what has a width of its own gets no more.

    Args:
        number: Of the chart on its page.
        chart: What is drawn.
        button: Number of the one that hides all of it, if one does.
    """
    room = f"min-height:{chart['height'] + _AROUND}px"
    if "width" in chart:
        room = f"{room};max-width:{chart['width'] + _AROUND}px"
    hidden_by = "" if button is None else f' data-hidden-by="{button}"'
    return f'<div class="chart" id="chart-{number}"{hidden_by} style="{room}"></div>'
