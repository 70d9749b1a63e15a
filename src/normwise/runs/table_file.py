"""A long table in one file: read by pandas in every usual format, written as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from normwise.data.formats import TABLE_READERS
from normwise.domain import RunRecord, data_files, kind_of
from normwise.errors import DataError, listed
from normwise.files import replacing
from normwise.runs.curve_columns import curve_columns, finished

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_table_file", "read_table_file", "write_csv"]

# What loggers call tables of text, too.
_TEXTS = (".log", ".txt")


def _suffix(name: str) -> str:
    """The kind of table that a name ends in; empty if it is none."""
    kind = kind_of(name)
    if kind is not None and kind.suffix in TABLE_READERS:
        return kind.suffix
    return ".csv" if name.lower().endswith(_TEXTS) else ""


def is_table_file(name: str) -> bool:
    """Whether a file of that name holds a table.

    >>> is_table_file("runs.csv.gz"), is_table_file("history.log"), is_table_file("a.keras")
    (True, True, False)
    """
    return bool(_suffix(name))


def read_table_file(path: Path) -> pd.DataFrame:
    """A table as it stands in a file.

    Raises:
        DataError: It is of another kind, or cannot be read, or has a column twice.
    """
    suffix = _suffix(path.name)
    if not suffix:
        raise DataError(
            f"{path.name!r} is no table that can be read; expected "
            f"{data_files(with_columns=True)}; save it as CSV or Parquet"
        )
    table = TABLE_READERS[suffix](path)
    names = [name.rpartition(" (")[0] for name in table.renamed]
    doubled = sorted({name for name in names if name in table.frame.columns})
    if doubled:
        raise DataError(
            f"{path.name!r} has the columns {listed(doubled)} more than once; expected each once; "
            f"rename one of them or leave it out"
        )
    return table.frame.apply(_with_points)


def _with_points(column: pd.Series) -> pd.Series:
    """Numbers whose decimals stand behind a comma, as such."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column
    there = column.dropna().astype("str")
    if there.empty or not there.str.fullmatch(r"[-+]?\d+,\d+([eE][-+]?\d+)?").all():
        return column
    return there.str.replace(",", ".").astype("object").astype("float64").reindex(column.index)


def write_csv(records: Sequence[RunRecord], path: Path) -> None:
    """Write the curves of all runs: a row for each run and epoch.

    Raises:
        StoreError: The folder cannot be written.
    """
    import pandas as pd

    frame = pd.DataFrame(curve_columns([finished(one) for one in records]))
    with replacing(path) as beside:
        # A number that is none stands there as such: nothing would be a value that is missing.
        frame.dropna(axis="columns", how="all").to_csv(beside, index=False, na_rep="nan")
