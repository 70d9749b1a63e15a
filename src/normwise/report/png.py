"""The page's charts as one picture."""

from __future__ import annotations

import os
from pathlib import Path

from normwise.report.charts import figure
from normwise.report.files import write_atomically
from normwise.report.page import Page

__all__ = ["write_png"]

_SCALE = 2.0


def write_png(page: Page, path: str | os.PathLike[str]) -> Path:
    """Draw the page's charts and write them to ``path``, whole or not at all.

    Raises:
        StoreError: The folder cannot be written.
    """
    import vl_convert  # noqa: PLC0415 - loads a JavaScript engine

    return write_atomically(path, vl_convert.vegalite_to_png(figure(page), scale=_SCALE))
