"""Charts as SVG, which takes its colour of text from the page; and where no page takes SVG."""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
import sys
from collections.abc import Sequence

from normwise.report.section import Spec
from normwise.report.vega import INK, theme
from normwise.report.vega_script import engine_failed

__all__ = ["as_image", "draw_svgs"]

# The page's own colour, light or dark; of the grid, a grey that is faint on both.
_COLORS = theme("currentColor", "#88888840", "transparent")
# More room than usual: letters may be wider in the page than where the picture is laid out.
_THEME = {
    **_COLORS,
    "axis": {**_COLORS["axis"], "titlePadding": 12},
    "legend": {**_COLORS["legend"], "columnPadding": 20},
    "aria": False,
}


def draw_svgs(charts: Sequence[Spec], name: str) -> list[str]:
    """Each chart as an ``<svg>`` element, which a screen reader reads as its description.

    Args:
        charts: Vega-Lite specifications.
        name: A word of letters, digits and dashes that nothing else in the page has as its name:
            parts of a picture are named, and names hold in the whole page.

    Raises:
        DrawingError: They could not be drawn.
    """
    if not charts:
        return []
    # In a process of its own: where memory is scarce the JavaScript engine aborts.
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            """
import json, sys, vl_convert
json.dump([vl_convert.vegalite_to_svg(chart) for chart in json.load(sys.stdin)], sys.stdout)
""",
        ],
        input=json.dumps([{**chart, "config": _THEME} for chart in charts]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise engine_failed(done.returncode)
    drawn = zip(json.loads(done.stdout), charts, strict=True)
    return [_embedded(svg, chart, name) for svg, chart in drawn]


def as_image(svg: str) -> str:
    """A picture of :func:`draw_svgs` as an ``<img>`` element: dark on white, whatever the page."""
    said = re.search('aria-label="([^"]*)"', svg)
    alone = svg.replace("currentColor", INK).replace("<svg ", '<svg style="background:white" ', 1)
    data = base64.b64encode(alone.encode()).decode()
    return f'<img alt="{said[1] if said else ""}" src="data:image/svg+xml;base64,{data}">'


def _embedded(svg: str, chart: Spec, name: str) -> str:
    said = html.escape(chart.get("description", ""), quote=True)
    named = re.sub(r'(\bid="|url\(#)(?=\w+["\)])', rf"\g<1>{name}-", svg)
    # A tenth of a pixel is as much as can be seen, and half as many letters.
    short = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d)\d+", r"\1", path[0]), named)
    return short.replace("<svg ", f'<svg role="img" aria-label="{said}" ', 1)
