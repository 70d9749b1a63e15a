"""From what the user typed after ``--data`` to a :class:`Dataset`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.datasets.archive import from_npz, given_in_npz
from normwise.datasets.circles import circles
from normwise.datasets.dataset import Dataset
from normwise.datasets.embedded import breast_cancer, diabetes, digits
from normwise.datasets.folder import FOLDER_VARIABLE, in_data_folder, not_found
from normwise.datasets.given import Given
from normwise.datasets.images import KERAS_CACHE, fashion_mnist, keras_folder, mnist
from normwise.datasets.table import from_csv
from normwise.domain import Task
from normwise.errors import DataError, UnknownNameError
from normwise.files import is_file

__all__ = [
    "BUILT_IN",
    "FILES",
    "TableOptions",
    "find_dataset",
    "find_given",
    "given_of",
    "where_is",
]

Array = NDArray[Any]
CHURN_TARGET = "Exited"
# The built-in data that are not embedded, and their files in the data folder.
FILES = {
    "churn": "Churn_Modelling.csv",
    "mnist": "mnist.npz",
    "fashion-mnist": "fashion_mnist.npz",
}


def churn() -> Dataset:
    """10,000 bank customers, a fifth of whom left: ``Churn_Modelling.csv``."""
    path = in_data_folder(FILES["churn"])
    if path is None:
        way = f"path/to/{FILES['churn']} --target-column {CHURN_TARGET}"
        raise not_found(FILES["churn"], way)
    return from_csv(path, CHURN_TARGET)


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


BUILT_IN: dict[str, Callable[[], Dataset]] = {
    "circles": circles,
    "digits": digits,
    "diabetes": diabetes,
    "breast-cancer": breast_cancer,
    "churn": churn,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
}


def where_is(data: str) -> str:
    """What a built-in data set needs and whether it is here, in a few words.

    >>> where_is("circles")
    'nothing'
    """
    if data not in FILES:
        return "nothing"
    file_name = FILES[data]
    if in_data_folder(file_name) is not None:
        return f"{file_name} (found in {FOLDER_VARIABLE})"
    if file_name not in KERAS_CACHE:
        return f"{file_name} (not found: --data, or {FOLDER_VARIABLE})"
    if is_file(keras_folder() / KERAS_CACHE[file_name]):
        return f"{file_name} (found in Keras' cache)"
    return f"{file_name} (not found: --data, {FOLDER_VARIABLE}, or Keras downloads it)"


def find_dataset(
    data: str,
    target_column: str | None = None,
    task: Task | None = None,
    group_column: str | None = None,
) -> Dataset:
    """Load a built-in data set, a ``.csv`` table or an ``.npz`` archive.

    Raises:
        UnknownNameError: Neither a built-in name nor a file of a known kind.
        DataError: The file is not there or cannot be trained on.

    >>> find_dataset("circles").name
    'circles'
    """
    _check(data, target_column, group_column)
    if data in BUILT_IN:
        return BUILT_IN[data]().require(task)
    path = Path(data)
    if path.suffix.lower() == ".csv":
        return from_csv(path, target_column, task, group_column)
    return from_npz(path, task)


def find_given(data: str, table: TableOptions | None = None) -> Given:
    """The same, for a model that is finished: nothing is scaled, and no row is held back.

    Of an archive all rows train, and its labels stay as they are. A table is prepared as for a
    study, and all its rows count. Built-in data have their two parts.

    Args:
        data: A built-in name or a file.
        table: How a table is read.

    Raises:
        UsageError: As :func:`find_dataset`.

    >>> find_given("circles").x.shape
    (500, 2)
    """
    table = table or TableOptions()
    _check(data, table.target_column, table.group_column)
    path = Path(data)
    if data not in BUILT_IN and path.suffix.lower() == ".npz":
        return given_in_npz(path)
    found = find_dataset(data, *dataclasses.astuple(table))
    if data in BUILT_IN:
        return given_of(found)
    return Given(
        np.concatenate([found.x_train, found.x_val]),
        np.concatenate(_labels(found)),
        held=len(found.x_val),
        # All rows count here, wherever a study would split them.
        notes=tuple(note for note in found.notes if " rows train, " not in note),
    )


def given_of(dataset: Dataset) -> Given:
    """A data set's two parts, as they are."""
    train, val = _labels(dataset)
    return Given(dataset.x_train, train, validation=(dataset.x_val, val), notes=dataset.notes)


def _labels(dataset: Dataset) -> list[Array]:
    """The labels of both parts as they were before they became numbers.

    The numbers count the labels that there are, and not the classes of a model.
    """
    labels, values = [dataset.y_train, dataset.y_val], _values_behind(dataset)
    if values is None:
        return labels
    return [values[part.reshape(len(part)).astype(int)] for part in labels]


def _values_behind(dataset: Dataset) -> Array | None:
    """The labels that became the numbers of their classes, in order; ``None`` where none did."""
    names, labels = dataset.class_names, np.concatenate([dataset.y_train, dataset.y_val])
    # Where the numbers were given, names beside them need not be all there, nor in order.
    if not names or len(np.unique(labels)) != len(names):
        return None
    ways = [np.array(names)]
    if all(re.fullmatch(r"0|-?[1-9]\d*", name) for name in names):
        ways = [ways[0].astype(np.int64), *ways]
    values = next((way for way in ways if (way[1:] > way[:-1]).all()), None)
    if values is None or np.array_equal(values, np.arange(len(names))):
        return None
    return values


def _check(data: str, target_column: str | None, group_column: str | None = None) -> None:
    """Refuse unknown names, files that are not there, and columns of what has none."""
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
    if group_column is not None and (data in BUILT_IN or suffix != ".csv"):
        raise DataError(
            f"data {data!r} has no column {group_column!r} to group its rows by; expected a "
            f"FILE.csv; leave --group-column out, or pass validation arrays of other groups"
        )
    if data not in BUILT_IN and not is_file(path):
        raise DataError(
            f"there is no file {data!r}; expected a table or an archive of arrays; "
            f"check the path from {str(Path.cwd())!r}"
        )
