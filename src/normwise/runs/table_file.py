"""A long table in one file: read by pandas in every usual format, written as CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normwise.data.csv_file import read_table
from normwise.domain import RunRecord
from normwise.errors import DataError, first_line, listed
from normwise.files import replacing
from normwise.runs.curve_columns import curve_columns, finished

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SUFFIXES", "read_table_file", "write_csv"]


def _read_text(path: Path) -> pd.DataFrame:
    """A table of text, whatever its separator, with numbers that may have decimal commas."""
    table = read_table(path)
    doubled = [name for name in table.renamed if name.rpartition(" (")[0] in table.frame.columns]
    if doubled:
        names = sorted({name.rpartition(" (")[0] for name in doubled})
        raise DataError(
            f"{path.name!r} has the columns {listed(names)} more than once; expected each once; "
            f"rename one of them or leave it out"
        )
    # pandas' fast reader of numbers is wrong in the last bit now and then.
    floats = [str(name) for name in table.frame if table.frame[name].dtype == "float64"]
    exact = table.as_text(floats, None).astype("object").astype("float64")
    return table.frame.assign(**{name: exact[name] for name in floats}).apply(_with_points)


def _with_points(column: pd.Series) -> pd.Series:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column
    there = column.dropna().astype("str")
    if there.empty or not there.str.fullmatch(r"[-+]?\d+,\d+([eE][-+]?\d+)?").all():
        return column
    return pd.to_numeric(there.str.replace(",", ".")).reindex(column.index)


def _by_pandas(reader: str, **options: Any) -> Callable[[Path], pd.DataFrame]:
    def read(path: Path) -> pd.DataFrame:
        import pandas as pd

        frame: pd.DataFrame = getattr(pd, reader)(path, **options)
        return frame

    return read


_READERS: dict[str, Callable[[Path], Any]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".log"), _read_text),
    ".parquet": _by_pandas("read_parquet"),
    ".feather": _by_pandas("read_feather"),
    ".arrow": _by_pandas("read_feather"),
    ".jsonl": _by_pandas("read_json", lines=True),
    ".ndjson": _by_pandas("read_json", lines=True),
    ".json": _by_pandas("read_json"),
    ".xlsx": _by_pandas("read_excel"),
    **{f".csv.{zipped}": _by_pandas("read_csv") for zipped in ("gz", "bz2", "xz", "zip", "zst")},
}
SUFFIXES = tuple(_READERS)
"""Endings of the names of files that can be read."""


def read_table_file(path: Path) -> pd.DataFrame:
    """A table as it stands in a file.

    Raises:
        DataError: It is of another kind, or cannot be read.
    """
    reader = next((read for end, read in _READERS.items() if path.name.lower().endswith(end)), None)
    if reader is None:
        raise DataError(
            f"{path.name!r} is no table that can be read; expected a name that ends in one of "
            f"{listed(SUFFIXES)}; save it as CSV or Parquet"
        )
    try:
        frame: pd.DataFrame = reader(path)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - what pandas' readers raise is no one family
        raise DataError(
            f"cannot read {str(path)!r} ({first_line(error)}); expected a table with a row for "
            f"each run and epoch; check the file, or save it as CSV"
        ) from None
    if frame.empty:
        raise DataError(
            f"table {path.name!r} has no rows; expected one for each run and epoch; check how the "
            f"file was written"
        )
    return frame


def write_csv(records: Sequence[RunRecord], path: Path) -> None:
    """Write the curves of all runs: a row for each run and epoch.

    Raises:
        StoreError: The folder cannot be written.
    """
    import pandas as pd

    frame = pd.DataFrame(curve_columns(map(finished, records)))
    with replacing(path) as beside:
        # A number that is none stands there as such: nothing would be a value that is missing.
        frame.dropna(axis="columns", how="all").to_csv(beside, index=False, na_rep="nan")
