"""A table as it was read, from whatever file or frame: before its columns are judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from normwise.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MISSING", "Table", "column_names", "in_one_line", "is_text", "require_rows", "stripped"]

# What a field may hold instead of a value. `None` is not here: it is often a category.
MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?", "-", "--"]


def _nothing_written(_columns: list[str], _rows: int | None) -> Mapping[str, pd.Series]:
    return {}


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        name: What to call it in messages.
        frame: Columns of numbers, of stripped text, of dates and of durations, each with a name of
            its own.
        renamed: Columns that got their name here.
        unusual: What was unusual about how it is written, in parts of a sentence.
        said: What else was decided as it was read, in sentences.
        separator: What stands between the fields of a text; a comma where there is none.
        typed: Columns whose types say what they are: what they hold is never read as numbers or
            dates, nor as other numbers.
        as_text: Columns by their names as they are written, if they are: all of their rows, or so
            many.
    """

    name: str
    frame: pd.DataFrame
    renamed: list[str] = field(default_factory=list)
    unusual: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    separator: str = ","
    typed: frozenset[str] = frozenset()
    as_text: Callable[[list[str], int | None], Mapping[str, pd.Series]] = _nothing_written

    def notes(self, decimal: str | None) -> list[str]:
        """What was unusual about the table, in sentences for the report.

        Args:
            decimal: What stands before the decimals of most numbers, where that was seen.
        """
        unusual = [*self.unusual, *(["with decimal commas"] if decimal == "," else [])]
        said = [f"The table was read {', '.join(unusual)}."] if unusual else []
        if self.renamed:
            said.append(f"Columns named here: {listed(self.renamed)}.")
        return [*said, *self.said]


def stripped(column: pd.Series) -> pd.Series:
    """Text without the spaces around it; marks of missing values are missing."""
    # Missing values stay missing; whole numbers too large for a type become text.
    bare = column.astype("str").str.strip()
    return bare.mask(bare.isin(MISSING))


def in_one_line(name: str) -> str:
    r"""A name without the spaces and line ends around and within it that nobody could type.

    >>> in_one_line(" sales\n (EUR) ")
    'sales (EUR)'
    """
    return " ".join(name.split())


def is_text(column: pd.Series) -> bool:
    """Whether a column holds anything else than numbers."""
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(column)


def require_rows(name: str, frame: pd.DataFrame) -> None:
    """Refuse a table of names alone.

    Raises:
        DataError: It has no rows.
    """
    if frame.empty:
        raise DataError(
            f"table {name!r} has a header and no rows; expected at least one row an example; "
            f"check how the file was written"
        )


def column_names(header: list[str]) -> tuple[list[str], list[str]]:
    """A name of its own for each column, and those that are new."""
    given, taken, used = set(header), set[str](), Counter[str]()
    names: list[str] = []
    for place, name in enumerate(header, 1):
        own = stem = name or f"column {place}"
        while own in taken or (own != name and own in given):
            used[stem] += 1
            own = f"{stem} ({used[stem] + 1})"
        taken.add(own)
        names.append(own)
    new = [own for own, name in zip(names, header, strict=True) if own != name]
    return names, new
