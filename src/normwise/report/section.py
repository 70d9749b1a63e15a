"""A section of a report: what it says, tabulates and draws, whoever shows it.

Each file of :mod:`normwise.report.sections` builds one; terminal, HTML and PNG walk a page's
list of them and know none by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Answer", "Cell", "Chart", "Column", "NextStep", "Section", "Spec", "Style", "Table"]

# A Vega-Lite specification, as plain JSON values.
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Style:
    """Where a chart will be seen.

    Attributes:
        legend: Whether it carries its own legend of the variants.
        pointer: Whether a pointer can move over it.
    """

    legend: bool
    pointer: bool


class Chart(Protocol):
    """Data that can be drawn: the data are fields, which tests look at."""

    def spec(self, style: Style) -> Spec:
        """The Vega-Lite chart, with a ``name`` and without a width."""
        ...


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What is read first, such as a mean.
        details: What stands below it in smaller letters, such as its interval; empty texts
            are left out.
        badge: A word beside it that marks the row, such as ``recommended``.
        color: Colour of the square in front of it, the one that its row has in the charts.
    """

    text: str
    details: tuple[str, ...] = ()
    badge: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column.

    Attributes:
        header: Its title.
        is_main: Whether it is shown where there is room for little, on a terminal. A table
            without such columns is not shown there.
        is_prose: Whether its cells hold sentences, in which lines may break.
    """

    header: str
    is_main: bool = False
    is_prose: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under headers.

    Attributes:
        columns: The first one holds the rows' names.
        rows: One tuple of cells a row, as many as there are columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Attributes:
        title: Its heading.
        text: Sentences that are shown wherever the report is.
        in_words: What the table and the charts show, in sentences, for a terminal that shows
            neither.
        table: What it has in numbers.
        charts: What it draws.
        caption: How to read the table and the charts.
        facts: Name to text, such as settings; not shown on a terminal.
        in_picture: Whether the one picture of a page has its charts.
    """

    title: str
    text: tuple[str, ...] = ()
    in_words: tuple[str, ...] = ()
    table: Table | None = None
    charts: tuple[Chart, ...] = ()
    caption: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    in_picture: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What a report comes to.

    Attributes:
        label: What it is, such as ``verdict``.
        headline: In at most twelve words.
        text: In full, a line for each thing that is said.
    """

    label: str
    headline: str
    text: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The text's lines."""
        return tuple(self.text.splitlines())


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do about what a report says.

    Attributes:
        text: A sentence, which ends in a colon where a command follows.
        command: What to type; empty where no command does it.
    """

    text: str
    command: str = ""
