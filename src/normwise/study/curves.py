"""The curves of a study as a table: one row a replica and epoch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from normwise.domain import RunRecord
from normwise.files import replacing

__all__ = ["curve_columns", "write_curves"]


def curve_columns(records: Iterable[RunRecord]) -> dict[str, list[Any]]:
    """Long columns: variant, seed, learning_rate, initializer, batch_size, epoch, the metrics."""
    own = ("learning_rate", "initializer", "batch_size")
    columns: dict[str, list[Any]] = {name: [] for name in ("variant", "seed", *own, "epoch")}
    for record in records:
        columns["variant"] += [record.key.variant] * record.epochs
        columns["seed"] += [record.key.seed] * record.epochs
        for name in own:
            columns[name] += [getattr(record, name)] * record.epochs
        columns["epoch"] += range(1, record.epochs + 1)
        for metric, values in record.curves.items():
            columns.setdefault(metric, []).extend(values)
    return columns


def write_curves(records: Iterable[RunRecord], path: Path) -> None:
    """Write a Parquet file.

    Raises:
        StoreError: The folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(curve_columns(records))
    # Opened here: PyArrow takes a name with a colon for an address.
    with replacing(path) as beside, beside.open("wb") as file:
        pq.write_table(table, file)
