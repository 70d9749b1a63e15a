"""What reads each kind of file, for a study and for a finished model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from normwise.data.archive import from_npz, given_in_npz
from normwise.data.dataset import Dataset
from normwise.data.given import Given, all_rows
from normwise.data.table import from_csv
from normwise.domain import Task

__all__ = ["READERS", "Reader", "TableOptions"]


@dataclass(frozen=True)
class TableOptions:
    """How a table is read: what a study is told about its data, beside the file.

    Attributes:
        target_column: The column to predict.
        task: What to take its values for; inferred if ``None``.
        group_column: The column that says which rows belong together.
    """

    target_column: str | None = None
    task: Task | None = None
    group_column: str | None = None


@dataclass(frozen=True)
class Reader:
    """What reads a file of one kind; both raise ``DataError`` for one that they cannot use.

    Attributes:
        study: The file split, with its labels as numbers.
        finished: All its rows, for a model that is finished.
    """

    study: Callable[[Path, TableOptions], Dataset]
    finished: Callable[[Path, TableOptions], Given]


def _table(path: Path, table: TableOptions) -> Dataset:
    return from_csv(path, table.target_column, table.task, table.group_column)


# By suffix; `normwise.domain.data_file` has the same ones.
READERS = {
    ".csv": Reader(_table, lambda path, table: all_rows(_table(path, table))),
    ".npz": Reader(
        lambda path, table: from_npz(path, table.task), lambda path, _: given_in_npz(path)
    ),
}
