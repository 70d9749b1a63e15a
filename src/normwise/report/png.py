"""A page's charts as one picture."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from normwise.files import replacing
from normwise.report.drawing_process import draw
from normwise.report.page import Page
from normwise.report.section import Spec, Style
from normwise.report.vega import HIDDEN, SCHEMA, theme

__all__ = ["figure", "write_png"]

_WIDTH = 960  # pixels of the picture that charts share
_COLUMNS = {"study": 2, "diagnosis": 3, "look inside": 2}  # charts side by side
_BESIDE = 40  # pixels of it that a chart's axis takes
_LINE = 165  # letters of the text above


def write_png(
    page: Page, path: str | os.PathLike[str], draw: Callable[[dict[str, Any]], bytes] = draw
) -> Path:
    """Draw the page's charts and write them to ``path``, whole or not at all.

    Args:
        page: What to draw.
        path: Where to.
        draw: Turns a Vega-Lite specification into PNG bytes; an
            :class:`~normwise.report.drawing_process.DrawingProcess` that is warm already, say.

    Raises:
        StoreError: The folder cannot be written.
    """
    picture = draw(figure(page))
    with replacing(path) as beside:
        beside.write_bytes(picture)
    return Path(path)


def figure(page: Page, *, pointer: bool = False) -> Spec:
    """The charts of the page in one Vega-Lite picture, under the headline."""
    style, columns = Style(legend=True, pointer=pointer), _COLUMNS[page.kind]
    width = _WIDTH // columns - _BESIDE
    sections = [section for section in page.sections if section.in_picture and section.charts]
    charts = [
        {"width": width, **chart.spec(style)} for section in sections for chart in section.charts
    ]
    for index, chart in enumerate(charts):
        _rename_params(chart, index)
    for first in range(0, len(charts), columns):
        _align_titles(charts[first : first + columns])
    captions = [_first_sentence(section.caption) for section in sections]
    config = theme()
    return {
        "$schema": SCHEMA,
        "title": {
            "text": [f"{page.title}: {page.subject}", *_wrapped(page.answer.headline)],
            "subtitle": [line for text in captions for line in _wrapped(text)],
            "fontSize": 20,
            "offset": 16,
        },
        "params": [HIDDEN],
        "concat": charts,
        "columns": columns,
        "spacing": 36,
        "resolve": {"legend": {"fill": "independent", "shape": "independent"}},
        "config": {**config, "title": {**config["title"], "frame": "group"}},
    }


def _wrapped(text: str) -> list[str]:
    """Lines of plain text: a picture has no other letters for what is quoted."""
    return textwrap.wrap(text.replace("`", ""), _LINE)


def _first_sentence(caption: str) -> str:
    """How to read a chart; what else there is to say stands in the page."""
    sentence, stop, _ = caption.partition(". ")
    return f"{sentence}{stop.rstrip()}"


def _align_titles(row: Sequence[Spec]) -> None:
    """Equally many lines below the titles of charts that stand side by side."""
    lines = list(map(_lines_below_title, row))
    most = max(map(len, lines))
    for chart, own in zip(row, lines, strict=True):
        title = chart.get("title", "")
        text = title if isinstance(title, dict) else {"text": title}
        chart["title"] = {**text, "subtitle": [*own, *[" "] * (most - len(own))]}


def _lines_below_title(chart: Spec) -> list[str]:
    title = chart.get("title", "")
    found = title.get("subtitle", []) if isinstance(title, dict) else []
    return [found] if isinstance(found, str) else found


def _rename_params(chart: Spec, index: int) -> None:
    """One name a picture: ``hidden`` is the picture's, ``near`` each chart's own."""
    chart["name"] = f"{chart['name']}{index}"
    chart.pop("params", None)
    for layer in chart.get("layer", []):
        for param in layer.get("params", []):
            param["name"] = f"near{index}"
            layer["encoding"]["opacity"]["condition"]["param"] = f"near{index}"
