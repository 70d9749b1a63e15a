"""A page as the output of a notebook's cell: HTML with pictures, which needs no script."""

from __future__ import annotations

import hashlib
import html
import itertools
import json
import re
from dataclasses import dataclass

from normwise.errors import DrawingError
from normwise.report.markup import parts_of, template
from normwise.report.page import Page
from normwise.report.section import Spec, Style
from normwise.report.svg import as_image, draw_svgs

__all__ = ["Excerpt", "Shown", "as_html"]

_STYLE = Style(legend=True, pointer=False)
# Pixels inside the axes of a chart that stands alone, and of one that has others beside it.
_ALONE, _BESIDE = 420, 280


class Shown:
    """What a notebook shows as a page, and all else as a line."""

    __slots__ = ()

    def _shown(self) -> Page:
        """What is shown of it."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return as_html(self._shown())

    def __repr__(self) -> str:
        """What it comes to, in a line."""
        page = self._shown()
        of = f" of {page.title!r}" if page.title else ""
        return f"<{type(self).__name__}{of}: {page.answer.headline}>"


@dataclass(frozen=True, repr=False)
class Excerpt(Shown):
    """Some sections of a report, which a notebook shows without the rest.

    Attributes:
        page: What is shown.
    """

    page: Page

    def _shown(self) -> Page:
        return self.page

    def __repr__(self) -> str:
        """What it shows."""
        titles = ", ".join(section.title for section in self.page.sections)
        return f"<Excerpt of {self.page.title!r}: {titles}>"


def as_html(page: Page) -> str:
    """The sections of a page, its charts as SVG.

    JupyterLab leaves out both style sheets and SVG in a notebook that came from elsewhere. There,
    each chart that is not folded is an image. What cannot be drawn is a sentence that says why.
    """
    specs = [_sized([chart.spec(_STYLE) for chart in section.charts]) for section in page.sections]
    charts = list(itertools.chain.from_iterable(specs))
    name = _name_of(page, charts)
    try:
        drawn = _placed(draw_svgs(charts, name), _unfolded(page))
    except DrawingError as error:
        drawn = [f"<p>{html.escape(str(error))}</p>", *[""] * (len(charts) - 1)]
    shown = template("notebook.html").render(**parts_of(page, specs, drawn), name=name)
    # JupyterLab leaves headings of this class out of a notebook's contents.
    return re.sub("<(h[1-3])>", r'<\1 class="jp-toc-ignore">', shown)


def _unfolded(page: Page) -> int:
    return sum(len(section.charts) for section in (*page.lead, *page.body))


def _placed(svgs: list[str], unfolded: int) -> list[str]:
    """Each picture, hidden but for the style sheet, which hides the image in its place."""
    images = [as_image(svg) if i < unfolded else "" for i, svg in enumerate(svgs)]
    return [f"<div hidden>{svg}</div>{image}" for svg, image in zip(svgs, images, strict=True)]


def _sized(charts: list[Spec]) -> list[Spec]:
    """A section's charts, each with a width."""
    width = _BESIDE if len(charts) > 1 else _ALONE
    return [{"width": width, **chart} for chart in charts]


def _name_of(page: Page, charts: list[Spec]) -> str:
    """A name that is the same for the same output, so that a notebook run again is the same."""
    shown = json.dumps([page.title, page.answer.headline, charts], default=str)
    return f"normwise-{hashlib.sha256(shown.encode()).hexdigest()[:12]}"
