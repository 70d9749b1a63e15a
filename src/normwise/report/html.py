"""The page as one HTML file that needs no network."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from normwise.files import replacing
from normwise.report import wording
from normwise.report.bundle import vega_javascript
from normwise.report.charts import Style, all_charts, config
from normwise.report.colors import variant_colors
from normwise.report.page import Page

__all__ = ["write_html"]

_STYLE = Style(legend=False, pointer=True)  # the page has buttons instead
_THEMES = {
    "light": config("#222222", "#e3e3e3", "transparent"),
    "dark": config("#dddddd", "#33373f", "transparent"),
}


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
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        page=page,
        w=wording,
        colors=variant_colors(page.variants),
        charts=[{**chart, "width": "container"} for chart in all_charts(page, _STYLE)],
        themes=_THEMES,
        javascript=vega_javascript(),
    )
