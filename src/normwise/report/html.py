"""A page as one HTML file that needs no network."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    drawn = [[chart.spec(_STYLE) for chart in section.charts] for section in page.sections]
    parts = _parts(page.sections, drawn)
    lead, body = len(page.lead), len(page.lead) + len(page.body)
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        page=page,
        lead=parts[:lead],
        body=parts[lead:body],
        details=parts[body:],
        charts=[{**chart, "width": "container"} for own in drawn for chart in own],
        prose=prose,
        pieces=pieces,
        themes=_THEMES,
        javascript=vega_javascript(),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A section, and what the page around it says of its charts.

    Attributes:
        section: What it shows.
        charts: Number and room of each chart.
        is_narrow: Whether another section has room beside it.
        is_first_drawn: Whether it has the page's first chart.
        hides_first: Whether it has the first chart in which variants can be hidden.
    """

    section: Section
    charts: tuple[_Box, ...]
    is_narrow: bool
    is_first_drawn: bool
    hides_first: bool


@dataclass(frozen=True, slots=True)
class _Box:
    number: int
    box: str


def _parts(sections: Sequence[Section], drawn: Sequence[Sequence[Spec]]) -> list[_Part]:
    numbers = itertools.count()
    hiding = [i for i, own in enumerate(drawn) if any(HIDDEN in c.get("params", []) for c in own)]
    with_charts = [i for i, own in enumerate(drawn) if own]
    return [
        _Part(
            section,
            tuple(_Box(next(numbers), _box(chart)) for chart in own),
            is_narrow=section.table is None and len(section.charts) == 1,
            is_first_drawn=with_charts[:1] == [i],
            hides_first=hiding[:1] == [i],
        )
        for i, (section, own) in enumerate(zip(sections, drawn, strict=True))
    ]


def _box(chart: Spec) -> str:
    """The room that is kept for a chart, as CSS: what has a width of its own gets no more."""
    height = f"min-height:{chart['height'] + _AROUND}px"
    return f"{height};max-width:{chart['width'] + _AROUND}px" if "width" in chart else height


def prose(text: str) -> list[tuple[bool, str]]:
    """Text cut at its backquotes: (whether it was quoted, piece).

    >>> prose("`after` helps.")
    [(True, 'after'), (False, ' helps.')]
    """
    pieces = enumerate(text.split("`"))
    return [(index % 2 == 1, piece) for index, piece in pieces if piece]


def pieces(name: str) -> list[str]:
    """A name cut where a line may break: behind ``:``, ``,`` and ``+``.

    >>> pieces("after:center=false,scale=false")
    ['after:', 'center=false,', 'scale=false']
    """
    return re.findall(r"[^:,+]*[:,+]|[^:,+]+", name)
