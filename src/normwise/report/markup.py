"""A page's sections as HTML, in a file and in a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from normwise.report.page import Page
from normwise.report.section import Section, Spec
from normwise.report.vega import HIDDEN

if TYPE_CHECKING:
    import jinja2

__all__ = ["Part", "parts_of", "pieces", "prose", "template"]


@dataclass(frozen=True, slots=True)
class Part:
    """A section, and what the page around it says of its charts.

    Attributes:
        section: What it shows.
        charts: What stands in each chart's place, as HTML.
        is_narrow: Whether another section has room beside it.
        hides_first: Whether it has the first chart in which variants can be hidden.
    """

    section: Section
    charts: tuple[str, ...]
    is_narrow: bool
    hides_first: bool


def parts_of(page: Page, specs: Sequence[Sequence[Spec]], charts: Iterable[str]) -> dict[str, Any]:
    """A page as its templates take it: the parts that lead, those behind the answer, and notes.

    Args:
        page: What to show.
        specs: The charts of each of its sections.
        charts: What stands in each chart's place, as HTML, in reading order.
    """
    hiding = [i for i, own in enumerate(specs) if any(HIDDEN in c.get("params", []) for c in own)]
    places = iter(charts)
    parts = [
        Part(
            section,
            tuple(next(places) for _ in own),
            # What leads has all the room.
            is_narrow=i >= len(page.lead) and section.table is None and len(section.charts) == 1,
            hides_first=hiding[:1] == [i],
        )
        for i, (section, own) in enumerate(zip(page.sections, specs, strict=True))
    ]
    lead, body = len(page.lead), len(page.lead) + len(page.body)
    return {
        "page": page,
        "lead": parts[:lead],
        "body": parts[lead:body],
        "details": parts[body:],
    }


def template(name: str) -> jinja2.Template:
    """A template beside this file; what it shows is escaped."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("normwise.report", ""),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(prose=prose, pieces=pieces)
    return environment.get_template(name)


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
