"""From what the user typed after ``--data`` to a :class:`Dataset`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from normwise.data.archive_keys import AskNames, no_names
from normwise.data.circles import circles
from normwise.data.dataset import Dataset
from normwise.data.embedded import breast_cancer, diabetes, digits, few_digits
from normwise.data.folder import FOLDER_VARIABLE, in_data_folder, not_found
from normwise.data.formats import READERS, TableOptions
from normwise.data.given import Given, given_of
from normwise.data.mnist import KERAS_CACHE, fashion_mnist, keras_folder, mnist
from normwise.data.trips import trips
from normwise.domain import DATA_FILES, DataFile, Task, data_files, kind_of
from normwise.errors import DataError, UnknownNameError
from normwise.files import is_file

__all__ = [
    "BUILT_IN",
    "FILES",
    "find_dataset",
    "find_given",
    "is_image_folder",
    "where_is",
]

CHURN_TARGET = "Exited"
FOLDER = next(kind for kind in DATA_FILES.values() if kind.is_folder)
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
    return READERS[".csv"].study(path, TableOptions(CHURN_TARGET))


BUILT_IN: dict[str, Callable[[], Dataset]] = {
    "circles": circles,
    "trips": trips,
    "digits": digits,
    "few-digits": few_digits,
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
    labels: str | None = None,
    image_size: tuple[int, int] | None = None,
    color_mode: str | None = None,
    names: AskNames = no_names,
) -> Dataset:
    """Load a built-in data set, a file or a folder of pictures.

    Raises:
        UnknownNameError: Neither a built-in name nor a file of a known kind.
        DataError: The file is not there or cannot be trained on.

    >>> find_dataset("circles").name
    'circles'
    """
    table = TableOptions(target_column, task, group_column, labels, image_size, color_mode, names)
    kind = _checked(data, table)
    if kind is None:
        return BUILT_IN[data]().require(task)
    return READERS[kind.suffix].study(Path(data), table)


def find_given(data: str, table: TableOptions | None = None) -> Given:
    """The same, for a model that is finished: nothing is scaled, and no row is held back.

    Of an archive all rows train, and its labels stay as they are. A table is prepared as for a
    study, and all its rows count. Built-in data have their two parts.

    Args:
        data: A built-in name, a file or a folder of pictures.
        table: How a table is read.

    Raises:
        UsageError: As :func:`find_dataset`.

    >>> find_given("circles").x.shape
    (500, 2)
    """
    table = table or TableOptions()
    kind = _checked(data, table)
    if kind is None:
        return given_of(BUILT_IN[data]().require(table.task))
    return READERS[kind.suffix].finished(Path(data), table)


def is_image_folder(data: str) -> bool:
    """Whether it is a folder, and not called like a file of data or like built-in data.

    >>> is_image_folder("circles")
    False
    """
    named = not data or kind_of(data) not in (None, FOLDER)
    try:
        return data not in BUILT_IN and not named and Path(data).is_dir()
    except (OSError, ValueError):
        return False  # a name that no folder can have


def _checked(data: str, table: TableOptions) -> DataFile | None:
    """The kind of a file, ``None`` for built-in data; options of other kinds are refused."""
    kind = None if data in BUILT_IN else FOLDER if is_image_folder(data) else kind_of(data)
    if kind is None and data not in BUILT_IN:
        names = [one.example for one in DATA_FILES.values()]
        raise UnknownNameError("data", data, [*BUILT_IN, *names])
    _check_columns(data, table, has_columns=kind is not None and kind.has_columns)
    if table.labels is not None and (kind is None or not kind.has_labels_beside):
        raise DataError(
            f"data {data!r} brings its labels along, and {table.labels!r} was named for them; "
            f"expected labels beside a FILE.npy alone; leave --labels out"
        )
    if kind is not FOLDER and (table.image_size or table.color_mode):
        raise DataError(
            f"data {data!r} is no folder of pictures, and how to read some was said; expected "
            f"--image-size and --color-mode with a folder alone; leave them out"
        )
    if kind is not None and kind is not FOLDER and not is_file(data):
        raise DataError(
            f"there is no file {data!r}; expected a table or an archive of arrays; "
            f"check the path from {str(Path.cwd())!r}"
        )
    return kind


def _check_columns(data: str, table: TableOptions, *, has_columns: bool) -> None:
    own = CHURN_TARGET if data == "churn" else None
    if not has_columns and table.target_column not in (None, own):
        raise DataError(
            f"data {data!r} has no column {table.target_column!r} to choose; expected "
            f"{own or 'no target column'}; leave --target-column out, or name a "
            f"{data_files(with_columns=True)}"
        )
    if not has_columns and table.group_column is not None:
        raise DataError(
            f"data {data!r} has no column {table.group_column!r} to group its rows by; expected a "
            f"{data_files(with_columns=True)}; leave --group-column out, or pass validation arrays "
            f"of other groups"
        )
