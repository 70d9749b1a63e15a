"""From a CSV file as programs of all kinds write it to a data frame."""

from __future__ import annotations

import codecs
import csv
import io
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
DECIMAL_COMMA = r'(?:^|{0})\s*"?[-+]?\d+,\d+"?\s*(?:{0}|$)'


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes:
        frame: Columns of numbers and of stripped text, each with a name of its own.
        decimal: What stands before the decimals of a number.
        notes: What was unusual about the file, in sentences for the report.
    """

    frame: pd.DataFrame
    decimal: str
    notes: tuple[str, ...]


def read_table(path: Path) -> Table:
    """Read a table, whatever its encoding, separator, decimal sign and line ends.

    Raises:
        DataError: It is no table of text with a header line and rows.
    """
    import pandas as pd

    text, encoding = _decoded(path)
    separator, text = _separator(text)
    decimal = "," if separator != "," and _has_decimal_commas(text, separator) else "."
    read: Callable[..., Any] = partial(
        pd.read_csv, sep=separator, skipinitialspace=True, keep_default_na=False
    )
    try:
        first: pd.DataFrame = read(io.StringIO(text), header=None, nrows=1, dtype=str)
        # Whole columns at once, or one column could come in parts of different types.
        frame: pd.DataFrame = read(
            io.StringIO(text), decimal=decimal, na_values=MISSING, low_memory=False
        )
    except ValueError as error:
        raise DataError(
            f"cannot read {str(path)!r} ({str(error).strip()}); expected a CSV table with a header "
            f"line and as many fields in every row; check the path, or save it again as such"
        ) from None
    header = [in_one_line(name) for name in first.iloc[0]]
    _check_shape(path.name, header, frame)
    frame.columns, renamed = _names(header)
    for column in frame.columns:
        if is_text(frame[column]):
            # Missing values stay missing; whole numbers too large for a type become text.
            stripped = frame[column].astype("str").str.strip()
            frame[column] = stripped.mask(stripped.isin(MISSING))
    return Table(frame, decimal, (*_file_notes(encoding, separator, decimal), *renamed))


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


def _decoded(path: Path) -> tuple[str, str]:
    """The file's text with one newline at the ends of its lines, and its encoding."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read {str(path)!r} ({error.strerror}); expected a CSV table; check the path "
            f"and who may read it"
        ) from None
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
    raise DataError(
        f"cannot read {str(path)!r} (it holds bytes that are no text); expected a CSV table; save "
        f"it as CSV with UTF-8 text"
    )


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    # Latin-1 takes any byte, so it comes last; Windows' variant of it has the quotes and the euro.
    return ("utf-8-sig", "cp1252", "latin-1")


def _separator(text: str) -> tuple[str, str]:
    """The separator, and the text without the line in which Excel names it."""
    named = re.match(r'\s*"?sep=(.)"?[ \t]*\n', text, re.IGNORECASE)
    if named:
        return named[1], text[named.end() :]
    lines = text.lstrip("\n").split("\n", SAMPLE_LINES)[:SAMPLE_LINES]

    def agreement(separator: str) -> tuple[float, int]:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:  # a field without an end, read with a separator that is none
            return 0.0, 0
        fields = counts[0] if counts else 0
        # More than one field, in as many lines as possible like in the header.
        return (counts.count(fields) / len(counts) if fields > 1 else 0.0), fields

    return max(SEPARATORS, key=agreement), text


def _has_decimal_commas(text: str, separator: str) -> bool:
    return re.search(DECIMAL_COMMA.format(re.escape(separator)), text, re.MULTILINE) is not None


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
    """A name of its own for each column, and the sentence that says which are new."""
    given = Counter(header)
    names: list[str] = []
    for place, name in enumerate(header, 1):
        own, count = name or f"column {place}", 1
        while own in names or (own != name and own in given):
            count += 1
            own = f"{name or f'column {place}'} ({count})"
        names.append(own)
    new = [own for own, name in zip(names, header, strict=True) if own != name]
    return names, [f"Columns named here: {listed(new)}."] if new else []


def _file_notes(encoding: str, separator: str, decimal: str) -> list[str]:
    unusual = [] if encoding == "utf-8-sig" else [f"as {encoding.upper()} text"]
    if separator != ",":
        between = SEPARATORS.get(separator, repr(separator))
        unusual.append(f"with {between} between fields")
    if decimal != ".":
        unusual.append("with decimal commas")
    return [f"The table was read {', '.join(unusual)}."] if unusual else []
