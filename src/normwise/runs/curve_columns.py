"""Curves of runs as the columns of a long table: a row for each run and epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from normwise.domain import RunRecord

__all__ = ["curve_columns", "finished"]


def curve_columns(records: Iterable[RunRecord]) -> dict[str, list[Any]]:
    """Long columns: variant, seed, the point of the grid, epoch, the metrics."""
    own = ("learning_rate", "initializer", "batch_size", "depth")
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


def finished(record: RunRecord) -> RunRecord:
    """A run without the epochs that it was stopped before, which are no numbers.

    >>> from normwise.domain import RunKey
    >>> nan = float("nan")
    >>> run = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (0.5, nan)}, stopped_at=1)
    >>> finished(run).curves["loss"]
    (0.5,)
    """
    if record.stopped_at is None:
        return record
    curves = {name: values[: record.stopped_at] for name, values in record.curves.items()}
    return dataclasses.replace(record, curves=curves)
