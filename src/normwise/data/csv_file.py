"""From a CSV file as programs of all kinds write it to a table."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.data.compressed import Source, source_of
from normwise.data.raw_table import (
    MISSING,
    Table,
    column_names,
    in_one_line,
    is_text,
    require_rows,
    stripped,
)
from normwise.data.table_head import find_head, width_of
from normwise.data.table_rows import TOTAL, drop_others
from normwise.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_csv_file"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Lines that show how the fields are separated.
SAMPLE_LINES = 100
# Characters of a file that are looked at in one go.
PIECE = 2**22


@dataclass(frozen=True)
class _Text:
    """The text of a table, and how it is cut into fields.

    Attributes:
        source: Opens it.
        encoding: How its bytes are text.
        separator: What stands between the fields.
        skipped: So many lines stand above the table.
        names: Its columns' names where none of its lines has them.
    """

    source: Source
    encoding: str
    separator: str
    skipped: int = 0
    names: tuple[str, ...] | None = None

    def read(self, **options: Any) -> pd.DataFrame:
        """Its rows, whole columns of one type each unless the options say otherwise."""
        import pandas as pd

        with self.source() as file:
            frame: pd.DataFrame = pd.read_csv(
                file,
                sep=self.separator,
                skiprows=self.skipped,
                encoding=self.encoding,
                skipinitialspace=True,
                keep_default_na=False,
                low_memory=False,  # or a column could come in parts of different types
                **{"na_values": MISSING, "header": None if self.names else "infer", **options},
            )
        return frame

    @property
    def header(self) -> list[str]:
        """The columns' names, as they are written."""
        if self.names:
            return list(self.names)
        first = self.read(header=None, nrows=1, dtype=str, na_values=[])
        return [in_one_line(name) for name in first.iloc[0]]


def read_csv_file(path: Path, target: str | None = None, separator: str | None = None) -> Table:
    """Read a table, whatever its encoding, separator and line ends.

    Lines above the table and rows that are none are left out, and said.

    Args:
        path: The file, which may be compressed.
        target: The column to predict, whose name shows where the names are.
        separator: What stands between the fields, where the file's name says it.

    Raises:
        DataError: It is no table of text with rows.
    """
    source = source_of(path)
    encoding = _encoding(path, source)
    text, rows, said = _begun(source, encoding, separator, target)
    try:
        header = text.header
        frame = text.read()
        require_rows(path.name, frame)
        _check_width(path.name, header, frame)
        names, renamed = column_names(header)
        frame.columns = names
        if _may_hold_others(frame, rows):
            text, others = _without_others(text, names)
            frame, said = text.read(), (*said, *others)
            frame.columns = names
    except ValueError as error:
        raise DataError(
            f"cannot read {str(path)!r} ({str(error).strip()}); expected a CSV table with a header "
            f"line and as many fields in every row; check the path, or save it again as such"
        ) from None

    def as_text(columns: list[str], rows: int | None) -> Mapping[str, pd.Series]:
        if not columns:
            return {}
        places = sorted(map(names.index, columns))
        again = text.read(usecols=places, dtype=str, nrows=rows)
        again.columns = sorted(columns, key=names.index)
        return {name: stripped(again[name]) for name in columns}

    for name in names:
        if is_text(frame[name]):
            frame[name] = stripped(frame[name])
    return Table(
        path.name,
        frame,
        renamed,
        _unusual(encoding, text.separator),
        (*said, *_names_of_numbers(names)),
        text.separator,
        as_text=as_text,
    )


def _begun(
    source: Source, encoding: str, separator: str | None, target: str | None
) -> tuple[_Text, list[list[str]], tuple[str, ...]]:
    """Where a text's table begins, its first rows, and what was left out above."""
    with io.TextIOWrapper(source(), encoding) as file:
        lines = [line.rstrip("\n") for line in itertools.islice(file, SAMPLE_LINES)]
    named, skipped = _named_separator(lines)
    separator = separator or named or _separator(lines[skipped:])
    reader = csv.reader(lines[skipped:], delimiter=separator, skipinitialspace=True)
    try:
        rows = [(row, reader.line_num) for row in reader]
    except csv.Error:  # a field without an end, of which pandas says more
        rows = []
    head = find_head([row for row, _ in rows], target)
    skipped += rows[head.above - 1][1] if head.above else 0
    text = _Text(source, encoding, separator, skipped, head.names)
    begin = head.above + (head.names is None)
    return text, [row for row, _ in rows[begin:]], head.said


def _may_hold_others(frame: pd.DataFrame, rows: list[list[str]]) -> bool:
    """Whether it is worth to look for rows that are none, for which all is read again as text."""
    import pandas as pd

    if all(is_text(frame[name]) for name in frame.columns):
        return True
    last = frame.iloc[-1]
    if last.notna().sum() <= 1 or any(TOTAL.fullmatch(str(cell).strip()) for cell in last):
        return True
    begin = [row for row in rows if len(row) == len(frame.columns)]
    are_rows, _ = drop_others(pd.DataFrame(begin, columns=frame.columns, dtype=str))
    return not are_rows.all()


def _without_others(text: _Text, names: list[str]) -> tuple[_Text, list[str]]:
    """A text without the rows that are none, and what they are."""
    cells = text.read(dtype=str, na_values=[]).fillna("")
    cells.columns = names
    are_rows, said = drop_others(cells)
    if are_rows.all() or not are_rows.any():
        return text, []
    left = cells[are_rows].to_csv(index=False, header=False, sep=text.separator).encode()
    return _Text(partial(io.BytesIO, left), "utf-8", text.separator, names=tuple(names)), said


def _unusual(encoding: str, separator: str) -> tuple[str, ...]:
    unusual = [] if encoding.startswith("utf-8") else [f"as {encoding.upper()} text"]
    if separator != ",":
        unusual.append(f"with {SEPARATORS.get(separator, repr(separator))} between fields")
    return tuple(unusual)


def _names_of_numbers(names: list[str]) -> tuple[str, ...]:
    if not all(map(_is_number, names)):
        return ()
    note = (
        f"The first line was taken for names, which are all numbers: {listed(names)}; if it is a "
        f"row, put a line of names above it."
    )
    return (note,)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _encoding(path: Path, source: Source) -> str:
    """The first encoding that all of the file's bytes are text in."""
    with source() as file:
        encodings = _encodings(file.read(4))
    fitting = next(filter(partial(_is_text_in, source), encodings), None)
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


def _is_text_in(source: Source, encoding: str) -> bool:
    try:
        with io.TextIOWrapper(source(), encoding, newline="") as file:
            return not any("\0" in part for part in iter(partial(file.read, PIECE), ""))
    except UnicodeError:
        return False


def _named_separator(lines: list[str]) -> tuple[str | None, int]:
    """The separator in the line in which Excel names it, and how many such lines there are."""
    named = re.fullmatch(r'\s*"?sep=(.)"?[ \t]*', next(iter(lines), ""), re.IGNORECASE)
    return (named[1], 1) if named else (None, 0)


def _separator(lines: list[str]) -> str:
    """What parts lines into as many fields in as many lines as possible, and more than one."""

    def agreement(separator: str) -> tuple[float, int]:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:  # a field without an end, read with a separator that is none
            return 0.0, 0
        width = width_of(rows)
        same = sum(len(row) == width for row in rows)
        return (same / len(rows) if width > 1 else 0.0), width

    return max(SEPARATORS, key=agreement)


def _check_width(name: str, header: list[str], frame: pd.DataFrame) -> None:
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"table {name!r} has {len(header)} names in its header and more fields in its rows; "
            f"expected as many; name every column, or delete the commas at the ends of the rows"
        )
