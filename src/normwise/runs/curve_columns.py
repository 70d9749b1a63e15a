"""Curves of runs as the columns of a long table: a row for each run and epoch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

from normwise.domain import RunRecord

__all__ = ["curve_columns", "finished", "metrics_of"]


def curve_columns(
    records: Sequence[RunRecord], metrics: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Long columns: variant, seed, the point of the grid, epoch, the metrics.

    Args:
        records: The runs.
        metrics: Which; all that any of the runs has unless given. NaN where a run has none.

    >>> from normwise.domain import RunKey
    >>> first = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (0.5,)})
    >>> other = RunRecord(RunKey("after", 0, "a"), 0.1, {"loss": (0.4,), "f1": (0.9,)})
    >>> curve_columns([first, other])["f1"]
    [nan, 0.9]
    """
    metrics = metrics_of(records) if metrics is None else metrics
    own = ("learning_rate", "initializer", "batch_size", "depth")
    columns: dict[str, list[Any]] = {name: [] for name in ("variant", "seed", *own, "epoch")}
    for record in records:
        columns["variant"] += [record.key.variant] * record.epochs
        columns["seed"] += [record.key.seed] * record.epochs
        for name in own:
            columns[name] += [getattr(record, name)] * record.epochs
        columns["epoch"] += range(1, record.epochs + 1)
        for metric in metrics:
            values = record.curves.get(metric, (math.nan,) * record.epochs)
            columns.setdefault(metric, []).extend(values)
    return columns


def metrics_of(records: Iterable[RunRecord]) -> list[str]:
    """Names of all metrics that any of the runs has, in the order in which they come."""
    return list(dict.fromkeys(metric for record in records for metric in record.curves))


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
