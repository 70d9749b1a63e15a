"""From a CSV file as programs of all kinds write it to a table."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Mapping
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
from normwise.errors import DataError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_csv_file"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# Lines that show how the fields are separated.
SAMPLE_LINES = 100
# Characters of a file that are looked at in one go.
PIECE = 2**22


def read_csv_file(path: Path, separator: str | None = None) -> Table:
    """Read a table, whatever its encoding, separator and line ends.

    Args:
        path: The file, which may be compressed.
        separator: What stands between the fields, where the file's name says it.

    Raises:
        DataError: It is no table of text with a header line and rows.
    """
    import pandas as pd

    source = source_of(path)
    encoding = _encoding(path, source)
    found, skipped = _separator(source, encoding)
    separator = separator or found

    def read(**options: Any) -> pd.DataFrame:
        with source() as file:
            frame: pd.DataFrame = pd.read_csv(
                file,
                sep=separator,
                skiprows=skipped,
                encoding=encoding,
                skipinitialspace=True,
                keep_default_na=False,
                low_memory=False,  # whole columns, or one could come in parts of several types
                **{"na_values": MISSING, **options},
            )
        return frame

    try:
        first = read(header=None, nrows=1, dtype=str, na_values=[])
        frame = read()
    except ValueError as error:
        raise DataError(
            f"cannot read {str(path)!r} ({str(error).strip()}); expected a CSV table with a header "
            f"line and as many fields in every row; check the path, or save it again as such"
        ) from None
    header = [in_one_line(name) for name in first.iloc[0]]
    require_rows(path.name, frame)
    _check_width(path.name, header, frame)
    names, renamed = column_names(header)
    frame.columns = names

    def as_text(columns: list[str], rows: int | None) -> Mapping[str, pd.Series]:
        if not columns:
            return {}
        places = sorted(map(names.index, columns))
        again = read(usecols=places, dtype=str, nrows=rows)
        again.columns = sorted(columns, key=names.index)
        return {name: stripped(again[name]) for name in columns}

    for name in names:
        if is_text(frame[name]):
            frame[name] = stripped(frame[name])
    return Table(
        path.name, frame, renamed, _unusual(encoding, separator), _names_of_numbers(names),
        separator, as_text=as_text,
    )  # fmt: skip


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


def _separator(source: Source, encoding: str) -> tuple[str, int]:
    """The separator, and how many lines stand before the table: one in which Excel names it."""
    with io.TextIOWrapper(source(), encoding) as file:
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


def _check_width(name: str, header: list[str], frame: pd.DataFrame) -> None:
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"table {name!r} has {len(header)} names in its header and more fields in its rows; "
            f"expected as many; name every column, or delete the commas at the ends of the rows"
        )
