"""What reads each kind of file, for a study and for a finished model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from normwise.data.archive import from_npz, given_in_npz
from normwise.data.archive_keys import AskNames, no_names
from normwise.data.array_file import from_npy, given_in_npy
from normwise.data.arrow_file import read_feather_file, read_parquet_file
from normwise.data.csv_file import read_csv_file
from normwise.data.dataset import Dataset
from normwise.data.excel_file import read_excel_file
from normwise.data.given import Given, all_rows
from normwise.data.image_folder import from_image_folder, given_in_image_folder
from normwise.data.json_file import read_json_file, read_json_lines
from normwise.data.raw_table import Table
from normwise.data.table import from_table
from normwise.domain import Task

__all__ = ["READERS", "TABLE_READERS", "Reader", "TableOptions", "TableReader"]


class TableReader(Protocol):
    """What reads a table of one kind as it is written."""

    def __call__(self, path: Path, target: str | None = None) -> Table:
        """Read it; the column to predict shows where the names are, if nothing else does."""


def _with_names(read: Callable[[Path], Table]) -> TableReader:
    """What reads a table whose columns have names beyond doubt."""

    def read_file(path: Path, target: str | None = None) -> Table:  # noqa: ARG001 (not asked)
        return read(path)

    return read_file


# By suffix.
TABLE_READERS: dict[str, TableReader] = {
    ".csv": read_csv_file,
    ".tsv": partial(read_csv_file, separator="\t"),
    ".jsonl": _with_names(read_json_lines),
    ".json": _with_names(read_json_file),
    ".parquet": _with_names(read_parquet_file),
    ".feather": _with_names(read_feather_file),
    ".xlsx": read_excel_file,
}


@dataclass(frozen=True)
class TableOptions:
    """How a table is read: what a study is told about its data, beside the file.

    Attributes:
        target_column: The column to predict.
        task: What to take its values for; inferred if ``None``.
        group_column: The column that says which rows belong together.
        labels: The file with the labels of inputs that have no column of them.
        image_size: Height and width that pictures are read in.
        color_mode: What their channels are: ``grayscale``, ``rgb`` or ``rgba``.
        names: Says what the model calls its inputs and outputs, which an archive may do, too.
    """

    target_column: str | None = None
    task: Task | None = None
    group_column: str | None = None
    labels: str | None = None
    image_size: tuple[int, int] | None = None
    color_mode: str | None = None
    names: AskNames = no_names


@dataclass(frozen=True)
class Reader:
    """What reads a file of one kind; both raise ``DataError`` for one that they cannot use.

    Attributes:
        study: The file split, with its labels as numbers.
        finished: All its rows, for a model that is finished.
    """

    study: Callable[[Path, TableOptions], Dataset]
    finished: Callable[[Path, TableOptions], Given]


def _table_reader(read: TableReader) -> Reader:
    """What reads a table, which is split and prepared alike for both."""

    def study(path: Path, table: TableOptions) -> Dataset:
        content = read(path, table.target_column)
        return from_table(content, table.target_column, table.task, table.group_column)

    return Reader(study, lambda path, table: all_rows(study(path, table)))


# By suffix; `normwise.domain.data_file` has the same ones.
READERS = {
    **{suffix: _table_reader(read) for suffix, read in TABLE_READERS.items()},
    ".npz": Reader(
        lambda path, table: from_npz(path, table.task, table.names),
        lambda path, table: given_in_npz(path, table.names),
    ),
    ".npy": Reader(
        lambda path, table: from_npy(path, table.labels, table.task, table.names),
        lambda path, table: given_in_npy(path, table.labels),
    ),
    "/": Reader(
        lambda path, table: from_image_folder(path, table.task, table.image_size, table.color_mode),
        lambda path, table: given_in_image_folder(path, table.image_size, table.color_mode),
    ),
}
