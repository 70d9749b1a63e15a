"""A page as terminal text, for 80 columns and more: the table, and the answer right below it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from normwise.report.page import Page
from normwise.report.section import Cell, Section
from normwise.report.section import Table as SectionTable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = ["fold", "print_page"]

_WIDEST_NAME = 19
_WIDEST_CELL = 12


def print_page(
    page: Page,
    console: Console,
    *,
    files: Sequence[str] = (),
    said: Container[str] = (),
    verbose: bool = False,
) -> None:
    """Print the table, the answer, what comes next and where the files are.

    An answer that is withheld comes first.

    Args:
        page: What to say.
        console: Where to say it; 80 columns suffice for any table that names
            of usual length give, and a list takes its place where they do not.
        files: Paths or a folder to name.
        said: Sentences that the reader has seen already.
        verbose: Whether to say what else the report has: how sure it is, and what was seen.
    """
    from rich.text import Text

    title = Text(f"{page.title}: {page.subject}", style="bold")
    lead = [*map(Text, page.warnings), *_printed(page.lead, console, said)]
    answer = _answer(page)
    for part in (answer, title, *lead) if page.is_withheld else (title, *lead, answer):
        console.print(part)
    for part in _printed((*page.body, *(page.details if verbose else ())), console, said):
        console.print(part)
    if files:
        console.print(Text(f"Files: {', '.join(files)}"))
    if page.next_step is not None:
        console.print(Text(page.next_step.text))
        if page.next_step.command:
            console.print(Text(page.next_step.command), soft_wrap=True)


def _printed(
    sections: Iterable[Section], console: Console, said: Container[str]
) -> Iterator[RenderableType]:
    """Table and sentences of each section."""
    for section in sections:
        table = _main_part(section.table)
        if table is not None:
            yield _body(table, console)
            yield ""
        # A table says what its section is about.
        title = "" if table is not None else f"{section.title}: "
        new = [sentence for sentence in section.text if sentence not in said]
        yield from _sentences(title, (*new, *section.in_words))


def _sentences(title: str, sentences: Sequence[str]) -> Iterator[Text]:
    from rich.text import Text

    for index, sentence in enumerate(sentences):
        yield Text.assemble((title, "bold"), sentence) if index == 0 else Text(sentence)


def _main_part(table: SectionTable | None) -> SectionTable | None:
    """The columns for which there is room; ``None`` where there are none."""
    if table is None:
        return None
    main = [index for index, column in enumerate(table.columns) if column.is_main]
    if not main:
        return None
    return SectionTable(
        tuple(table.columns[index] for index in main),
        tuple(tuple(row[index] for index in main) for row in table.rows),
    )


def _answer(page: Page) -> RenderableType:
    """The headline, and below it the answer's lines, each hanging from its own first word."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    lines = Table.grid(padding=(0, 1))
    for line in page.answer.lines:
        lines.add_row("·", Text(line))
    headline = Text(page.answer.headline, style="bold")
    both = Group(headline, lines) if page.answer.lines else headline
    return Panel(both, title=page.answer.label, title_align="left", padding=(0, 1))


def _body(table: SectionTable, console: Console) -> RenderableType:
    """The table as airy as the console allows; a list where no table fits."""
    endless = console.options.update(max_width=10_000)
    for gap in (2, 1):
        drawn = _table(table, gap)
        if console.measure(drawn, options=endless).maximum <= console.width:
            return drawn
    return _list(table)


def _table(table: SectionTable, gap: int) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # The box puts one space between columns, so the padding adds the others.
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False)
    widths = [_WIDEST_NAME, *[_WIDEST_CELL] * (len(table.columns) - 1)]
    for column, width in zip(table.columns, widths, strict=True):
        drawn.add_column(Text(fold(column.header, width)), no_wrap=True, vertical="top")
    for row in table.rows:
        drawn.add_row(*(Text(_lines(c, w)) for c, w in zip(row, widths, strict=True)))
    return drawn


def _lines(cell: Cell, width: int) -> str:
    return "\n".join([fold(cell.text, width), *filter(None, cell.details)])


def _list(table: SectionTable) -> RenderableType:
    from rich.text import Text

    headers = [column.header for column in table.columns]
    lines = [
        f"{name.text}: "
        + "; ".join(
            f"{header} {_in_line(cell)}" for header, cell in zip(headers[1:], cells, strict=True)
        )
        for name, *cells in table.rows
    ]
    return Text("\n".join(lines))


def _in_line(cell: Cell) -> str:
    """``0.846 [0.844, 0.848]`` or ``592/600, 8 not yet``: an interval needs no comma."""
    details = filter(None, cell.details)
    return cell.text + "".join(f"{' ' if one[0] == '[' else ', '}{one}" for one in details)


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
