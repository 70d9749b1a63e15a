"""The curves of a study as a table: one row a replica and epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from normwise.domain import RunRecord
from normwise.files import replacing
from normwise.runs.curve_columns import curve_columns, metrics_of

__all__ = ["write_curves"]

# Records that are a table in memory at the same time; all of a large study would be most of it.
_AT_ONCE = 1000


def write_curves(records: Sequence[RunRecord], path: Path) -> None:
    """Write a Parquet file, some records at a time.

    Raises:
        StoreError: The folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Where the first have no initialiser, later ones may; where none has, there is no type.
    types = {
        "learning_rate": pa.float64(),
        "initializer": pa.string(),
        "batch_size": pa.int64(),
        "depth": pa.int64(),
    }
    given = {name for name in types if any(getattr(one, name) is not None for one in records)}
    metrics = metrics_of(records)
    found = pa.table(curve_columns(records[:1], metrics)).schema
    schema = pa.schema(
        {one.name: types[one.name] if one.name in given else one.type for one in found}
    )
    # Opened here: PyArrow takes a name with a colon for an address.
    with (
        replacing(path) as beside,
        beside.open("wb") as file,
        pq.ParquetWriter(file, schema) as writer,
    ):
        for first in range(0, len(records), _AT_ONCE):
            columns = curve_columns(records[first : first + _AT_ONCE], metrics)
            writer.write_table(pa.table(columns, schema))
