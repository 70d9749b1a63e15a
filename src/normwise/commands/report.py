"""`normwise report`: a study's report once more, from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from normwise.commands.arguments import Export, Verbose

__all__ = ["EXAMPLES", "report"]

EXAMPLES = """
**Examples**

`normwise report my-study` — after `normwise study circles --out my-study`

`normwise report my-study --export csv` — the curves of all its runs, for other tools
"""


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A study's folder.")],
    *,
    export: Export = None,
    verbose: Verbose = False,
) -> None:
    """Draw the report again from a study's folder; nothing is trained."""
    from rich.console import Console

    from normwise.report import DrawingProcess, print_page, write_html, write_png
    from normwise.study import exported, page_of_folder

    page, files = page_of_folder(folder), list[Path]()
    files += [exported(folder, kind) for kind in export or ()]
    try:
        files.append(write_html(page, folder / "report.html"))
        with DrawingProcess() as drawing:
            files.append(write_png(page, folder / "curves.png", drawing.draw))
    finally:  # a folder that may only be read still has a report
        print_page(page, Console(), files=[str(file) for file in files], verbose=verbose)
