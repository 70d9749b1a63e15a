"""From what the user typed after ``--data`` to a :class:`Dataset`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from normwise.datasets.archive import from_npz
from normwise.datasets.circles import circles
from normwise.datasets.dataset import Dataset
from normwise.datasets.table import from_csv
from normwise.errors import DataError, UnknownNameError
from normwise.files import is_file
from normwise.records import Task

__all__ = ["BUILT_IN", "find_dataset"]

FOLDER_VARIABLE = "NORMWISE_DATA"
CHURN_TARGET = "Exited"


def churn() -> Dataset:
    """10,000 bank customers, a fifth of whom left: ``Churn_Modelling.csv``."""
    return from_csv(_in_data_folder("Churn_Modelling.csv"), CHURN_TARGET)


BUILT_IN: dict[str, Callable[[], Dataset]] = {"circles": circles, "churn": churn}


def find_dataset(data: str, target_column: str | None = None, task: Task | None = None) -> Dataset:
    """Load a built-in data set, a ``.csv`` table or an ``.npz`` archive.

    Raises:
        UnknownNameError: Neither a built-in name nor a file of a known kind.
        DataError: The file is not there or cannot be trained on.

    >>> find_dataset("circles").name
    'circles'
    """
    path = Path(data)
    suffix = path.suffix.lower()
    if data not in BUILT_IN and suffix not in (".csv", ".npz"):
        raise UnknownNameError("data", data, [*BUILT_IN, "FILE.csv", "FILE.npz"])
    own = CHURN_TARGET if data == "churn" else None
    if suffix != ".csv" and target_column not in (None, own):
        raise DataError(
            f"data {data!r} has no column {target_column!r} to choose; expected "
            f"{own or 'no target column'}; leave --target-column out, or name a FILE.csv"
        )
    if data in BUILT_IN:
        return BUILT_IN[data]().require(task)
    if not is_file(path):
        raise DataError(
            f"there is no file {data!r}; expected a table or an archive of arrays; "
            f"check the path from {str(Path.cwd())!r}"
        )
    return from_csv(path, target_column, task) if suffix == ".csv" else from_npz(path, task)


def _in_data_folder(file_name: str) -> Path:
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder and is_file(Path(folder) / file_name):
        return Path(folder) / file_name
    where = f"{FOLDER_VARIABLE}={folder}" if folder else f"{FOLDER_VARIABLE} is not set"
    raise DataError(
        f"{file_name!r} was not found ({where}); expected the file on this machine; try "
        f"--data path/to/{file_name} --target-column Exited, or set {FOLDER_VARIABLE} to the "
        f"folder that holds it"
    )
