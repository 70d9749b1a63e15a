"""The page as terminal text, for 80 columns and more.

The verdict comes last: it stands right above the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from normwise.report import wording
from normwise.report.page import Page, Row

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

__all__ = ["fold", "print_page"]

_WIDEST_NAME = 19
_WIDEST_CELL = 12


def print_page(page: Page, console: Console, *, files: Sequence[str] = ()) -> None:
    """Print the table, the notes, where the files are, and the verdict.

    A verdict that is withheld comes first.

    Args:
        page: What to say.
        console: Where to say it; 80 columns suffice for any table that names
            of usual length give, and a list takes its place where they do not.
        files: Paths or a folder to name.
    """
    from rich.text import Text

    withheld = page.solo_check is not None and bool(page.solo_check.failed)
    if withheld:
        console.print(_verdict(page, "no verdict"))
    console.print(Text(_heading(page), style="bold"))
    console.print(_body(page, console))
    console.print()
    for note in _notes(page, files):
        console.print(Text(note))
    if not withheld:
        console.print(_verdict(page, "verdict so far" if page.incomplete else "verdict"))


def _notes(page: Page, files: Sequence[str]) -> list[str]:
    notes = [wording.completeness(page)] if page.incomplete else []
    notes += [*page.notes, f"Solo check: {wording.solo_sentence(page.solo_check)}"]
    return [*notes, f"Files: {', '.join(files)}"] if files else notes


def _heading(page: Page) -> str:
    return f"{page.title}: epochs to a {wording.target_text(page.target)}"


def _verdict(page: Page, title: str) -> RenderableType:
    from rich.panel import Panel
    from rich.text import Text

    return Panel(Text(page.verdict, style="bold"), title=title, title_align="left", padding=(0, 1))


def _body(page: Page, console: Console) -> RenderableType:
    """The table as airy as the console allows; a list where no table fits."""
    endless = console.options.update(max_width=10_000)
    for gap in (2, 1):
        table = _table(page, gap)
        if console.measure(table, options=endless).maximum <= console.width:
            return table
    return _list(page)


def _table(page: Page, gap: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # The box puts one space between columns, so the padding adds the others.
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False)
    for index, header in enumerate(_headers(page)):
        width = _WIDEST_NAME if index == 0 else _WIDEST_CELL
        table.add_column(Text(fold(header, width)), no_wrap=True, vertical="top")
    for row in page.rows:
        table.add_row(*(Text(cell) for cell in _cells(page, row)))
    return table


def _list(page: Page) -> RenderableType:
    from rich.text import Text

    lines = [
        f"{row.variant}: "
        + "; ".join(
            f"{header} {' '.join(cell.split())}"
            for header, cell in zip(_headers(page)[1:], _cells(page, row)[1:], strict=True)
        )
        for row in page.rows
    ]
    return Text("\n".join(lines))


def _headers(page: Page) -> list[str]:
    metrics = [wording.metric_label(metric) for metric in page.main_metrics[:1]]
    headers = ["variant", *metrics, "epochs to target", "reached"]
    return [*headers, f"sooner than {page.baseline}", "outcome"] if page.baseline else headers


def _cells(page: Page, row: Row) -> list[str]:
    times = row.summary.epochs_to_target
    cells = [fold(row.variant, _WIDEST_NAME)]
    for metric in page.main_metrics[:1]:
        final = row.summary.final.get(metric)
        cells.append(_lines(wording.mean(final), wording.spread(final)))
    cells.append(_lines(wording.epochs(times.median.value), wording.epochs_interval(times.median)))
    cells.append(_lines(wording.arrived(row), *wording.counts(row)))
    if page.baseline:
        epochs_ratio = row.comparison.epochs_ratio if row.comparison else None
        cells.append(_lines(wording.ratio(epochs_ratio), wording.ratio_interval(epochs_ratio)))
        cells.append(fold(row.outcome, _WIDEST_CELL))
    return cells


def _lines(*lines: str) -> str:
    return "\n".join(filter(None, lines))


def fold(text: str, width: int) -> str:
    r"""Break ``text`` after ``,``, ``:``, ``+`` and spaces, into lines of at most ``width``.

    >>> fold("after:center=false,scale=false", 19)
    'after:center=false,\nscale=false'
    >>> fold("validation accuracy", 12)
    'validation\naccuracy'
    """
    lines = [""]
    for piece in re.findall(r"[^,:+\s]*(?:[,:+\s]|$)", text):
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)
