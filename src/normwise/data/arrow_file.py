"""Tables with typed columns as Arrow writes them: Parquet and Feather."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from normwise.data.raw_table import Table
from normwise.data.typed_frame import table_of_frame
from normwise.errors import DataError, first_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_feather_file", "read_parquet_file"]


def read_parquet_file(path: Path) -> Table:
    """Read a Parquet file.

    Raises:
        DataError: It is none, or is not whole, or holds no table of single values.
    """
    return _read(path, "Parquet", _parquet)


def read_feather_file(path: Path) -> Table:
    """Read a Feather file, which is Arrow's own format, or a stream of Arrow's.

    Raises:
        DataError: It is none, or is not whole, or holds no table of single values.
    """
    return _read(path, "Feather or Arrow", _feather)


def _read(path: Path, kind: str, read: Callable[[Path], pd.DataFrame]) -> Table:
    try:
        frame = read(path)
    except Exception as error:  # noqa: BLE001 (a damaged file raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({first_line(error)}); expected a {kind} file; check that "
            f"it came whole, or write it again with {_WRITE[kind]}"
        ) from None
    return table_of_frame(path.name, _with_index(frame))


_WRITE = {
    "Parquet": "DataFrame.to_parquet('NAME.parquet')",
    "Feather or Arrow": "DataFrame.to_feather('NAME.feather')",
}


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its index, which was written as columns, as columns."""
    import pandas as pd

    return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    # As a file alone: `a=1` in the name of a folder above it would be a column.
    with pq.ParquetFile(path) as file:
        table = file.read()
    frame: pd.DataFrame = table.to_pandas()
    # Categories that are numbers come back as numbers, and the file says what they were.
    columns = (table.schema.pandas_metadata or {}).get("columns", [])
    kinds = [one["name"] for one in columns if one["pandas_type"] == "categorical"]
    return frame.astype({name: "category" for name in kinds if name in frame.columns})


def _feather(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import feather

    try:
        table = feather.read_table(path)
    except pa.ArrowInvalid:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            table = stream.read_all()
    frame: pd.DataFrame = table.to_pandas()
    return frame
