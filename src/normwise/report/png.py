"""The page's charts as one picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from normwise.files import replacing
from normwise.report.artist import draw
from normwise.report.charts import figure
from normwise.report.page import Page

__all__ = ["write_png"]


def write_png(
    page: Page, path: str | os.PathLike[str], draw: Callable[[dict[str, Any]], bytes] = draw
) -> Path:
    """Draw the page's charts and write them to ``path``, whole or not at all.

    Args:
        page: What to draw.
        path: Where to.
        draw: Turns a Vega-Lite specification into PNG bytes; an
            :class:`~normwise.report.artist.Artist` that is warm already, say.

    Raises:
        StoreError: The folder cannot be written.
    """
    picture = draw(figure(page))
    with replacing(path) as beside:
        beside.write_bytes(picture)
    return Path(path)
