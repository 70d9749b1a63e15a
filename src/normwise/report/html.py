"""A page as one HTML file that needs no network."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from normwise.files import replacing
from normwise.report.page import Page
from normwise.report.section import Section, Spec, Style
from normwise.report.vega import HIDDEN, theme
from normwise.report.vega_script import vega_javascript

__all__ = ["write_html"]

_STYLE = Style(legend=False, pointer=True)  # the page has buttons instead
_THEMES = {
    "light": theme("#222222", "#e3e3e3", "transparent"),
    "dark": theme("#dddddd", "#33373f", "transparent"),
}
_LONG = 260  # letters of an answer that is set smaller
_AROUND = 90  # pixels that axes, title and legend take beside a chart


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
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = resources.files("normwise.report").joinpath("template.html")
    charts = [[chart.spec(_STYLE) for chart in section.charts] for section in page.sections]
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        page=page,
        parts=[
            (section, [_box(chart) for chart in own], _is_narrow(section))
            for section, own in zip(page.sections, charts, strict=True)
        ],
        buttons_before=_first_that_hides(charts),
        charts=[{**chart, "width": "container"} for own in charts for chart in own],
        is_long=len(page.answer) > _LONG,
        prose=prose,
        themes=_THEMES,
        javascript=vega_javascript(),
    )


def _box(chart: Spec) -> str:
    """The room that is kept for a chart, as CSS: what has a width of its own gets no more."""
    height = f"min-height:{chart['height'] + _AROUND}px"
    return f"{height};max-width:{chart['width'] + _AROUND}px" if "width" in chart else height


def _is_narrow(section: Section) -> bool:
    """Whether another section has room beside it."""
    return section.table is None and len(section.charts) == 1


def _first_that_hides(charts: list[list[Spec]]) -> int | None:
    """Number of the first section with a chart in which variants can be hidden."""
    hiding = (i for i, own in enumerate(charts) if any(HIDDEN in c.get("params", []) for c in own))
    return next(hiding, None)


def prose(text: str) -> list[tuple[bool, str]]:
    """Text cut at its backquotes: (whether it was quoted, piece).

    >>> prose("`after` helps.")
    [(True, 'after'), (False, ' helps.')]
    """
    pieces = enumerate(text.split("`"))
    return [(index % 2 == 1, piece) for index, piece in pieces if piece]
