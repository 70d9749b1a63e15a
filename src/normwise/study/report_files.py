"""The files of a report; what was trained is worth an answer also where one cannot be drawn."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from normwise.errors import DrawingError
from normwise.report import DrawingProcess, Page, write_html, write_png

__all__ = ["write_page", "write_picture"]

log = logging.getLogger("normwise")


def write_picture(page: Page, folder: Path, drawing: DrawingProcess) -> None:
    """Write ``curves.png``."""
    with _answered_without(folder / "curves.png") as path:
        write_png(page, path, drawing.draw)


def write_page(page: Page, folder: Path) -> None:
    """Write ``report.html``."""
    with _answered_without(folder / "report.html") as path:
        write_html(page, path)


@contextlib.contextmanager
def _answered_without(path: Path) -> Iterator[Path]:
    """Say so where a file with charts cannot be drawn."""
    try:
        yield path
    except DrawingError as error:
        log.warning("%s: %s", path.name, error)
        path.unlink(missing_ok=True)  # of what was there before
