"""From a CSV file as programs of all kinds write it to a data frame."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "in_one_line", "is_text", "read_table"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Lines that show how the fields are separated.
SAMPLE_LINES = 100
# What a field may hold instead of a value. `None` is not here: it is often a category.
MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "?", "-", "--"]
# Characters of a file that are looked at in one go.
PIECE = 2**22


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        frame: Columns of numbers with decimal points and of stripped text, each with a name of
            its own.
        encoding: How the file's bytes are read as text.
        separator: What stands between the fields.
        renamed: Columns that got their name here.
        as_text: Reads these columns again, by their names, as they are written; so many of
            their rows, or all of them.
    """

    frame: pd.DataFrame
    encoding: str
    separator: str
    renamed: list[str]
    as_text: Callable[[list[str], int | None], pd.DataFrame]

    def notes(self, decimal: str | None) -> list[str]:
        """What was unusual about the file, in sentences for the report.

        Args:
            decimal: What stands before the decimals of most numbers, where that was seen.
        """
        unusual = [] if self.encoding.startswith("utf-8") else [f"as {self.encoding.upper()} text"]
        if self.separator != ",":
            between = SEPARATORS.get(self.separator, repr(self.separator))
            unusual.append(f"with {between} between fields")
        if decimal == ",":
            unusual.append("with decimal commas")
        said = [f"The table was read {', '.join(unusual)}."] if unusual else []
        if self.renamed:
            said.append(f"Columns named here: {listed(self.renamed)}.")
        if all(map(_is_number, self.frame.columns)):
            said.append(
                f"The first line was taken for names, which are all numbers: "
                f"{listed([*self.frame.columns])}; if it is a row, put a line of names above it."
            )
        return said


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(path: Path) -> Table:
    """Read a table, whatever its encoding, separator and line ends.

    Raises:
        DataError: It is no table of text with a header line and rows.
    """
    import pandas as pd

    encoding = _encoding(path)
    separator, skipped = _separator(path, encoding)
    read: Callable[..., Any] = partial(
        pd.read_csv,
        path,
        sep=separator,
        skiprows=skipped,
        encoding=encoding,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=MISSING,
        low_memory=False,  # whole columns, or one could come in parts of different types
    )
    try:
        first: pd.DataFrame = read(header=None, nrows=1, dtype=str, na_values=[])
        frame: pd.DataFrame = read()
    except ValueError as error:
        raise DataError(
            f"cannot read {str(path)!r} ({str(error).strip()}); expected a CSV table with a header "
            f"line and as many fields in every row; check the path, or save it again as such"
        ) from None
    header = [in_one_line(name) for name in first.iloc[0]]
    _check_shape(path.name, header, frame)
    names, renamed = _names(header)
    frame.columns = names

    def as_text(columns: list[str], rows: int | None) -> pd.DataFrame:
        if not columns:
            return frame[columns]
        places = sorted(map(names.index, columns))
        again: pd.DataFrame = read(usecols=places, dtype=str, nrows=rows)
        again.columns = sorted(columns, key=names.index)
        return again.apply(_stripped)

    for name in names:
        if is_text(frame[name]):
            frame[name] = _stripped(frame[name])
    return Table(frame, encoding, separator, renamed, as_text)


def _stripped(column: pd.Series) -> pd.Series:
    # Missing values stay missing; whole numbers too large for a type become text.
    stripped = column.astype("str").str.strip()
    return stripped.mask(stripped.isin(MISSING))


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


def _encoding(path: Path) -> str:
    """The first encoding that all of the file's bytes are text in."""
    try:
        with path.open("rb") as file:
            encodings = _encodings(file.read(4))
        fitting = next(filter(partial(_is_text_in, path), encodings), None)
    except OSError as error:
        raise DataError(
            f"cannot read {str(path)!r} ({error.strerror}); expected a CSV table; check the path "
            f"and who may read it"
        ) from None
    if fitting is None:
        raise DataError(
            f"cannot read {str(path)!r} (it holds bytes that are no text); expected a CSV table; "
            f"save it as CSV with UTF-8 text"
        )
    return fitting


def _encodings(start: bytes) -> tuple[str, ...]:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    # Latin-1 takes any byte, so it comes last; Windows' variant of it has the quotes and the euro.
    return ("utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8", "cp1252", "latin-1")


def _is_text_in(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            return not any("\0" in part for part in iter(partial(file.read, PIECE), ""))
    except UnicodeError:
        return False


def _separator(path: Path, encoding: str) -> tuple[str, int]:
    """The separator, and how many lines stand before the table: one in which Excel names it."""
    with path.open(encoding=encoding) as file:
        lines = [line.rstrip("\n") for line in itertools.islice(file, SAMPLE_LINES)]
    named = re.fullmatch(r'\s*"?sep=(.)"?[ \t]*', next(iter(lines), ""), re.IGNORECASE)
    if named:
        return named[1], 1

    def agreement(separator: str) -> tuple[float, int]:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:  # a field without an end, read with a separator that is none
            return 0.0, 0
        fields = counts[0] if counts else 0
        # More than one field, in as many lines as possible like in the header.
        return (counts.count(fields) / len(counts) if fields > 1 else 0.0), fields

    return max(SEPARATORS, key=agreement), 0


def _check_shape(name: str, header: list[str], frame: pd.DataFrame) -> None:
    import pandas as pd

    if frame.empty:
        raise DataError(
            f"table {name!r} has a header and no rows; expected at least one row an example; "
            f"check how the file was written"
        )
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"table {name!r} has {len(header)} names in its header and more fields in its rows; "
            f"expected as many; name every column, or delete the commas at the ends of the rows"
        )


def _names(header: list[str]) -> tuple[list[str], list[str]]:
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
