"""Data frames with text, dates or categories, from Python: prepared like a file's table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.dataset import Dataset
from normwise.data.frames import in_columns_of
from normwise.data.given import Given, all_rows, given_of
from normwise.data.table import prepared
from normwise.data.typed_frame import pandas_frame, table_of_frame
from normwise.domain import Task
from normwise.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "columns_without_numbers",
    "from_frame",
    "from_frames",
    "given_in_frames",
    "is_frame",
    "needs_preparation",
]

Array = NDArray[Any]
NAME = "frame"


def is_frame(values: Any) -> bool:
    """Whether it is a table of pandas, polars, pyarrow or another that Arrow reads.

    >>> import pandas as pd
    >>> is_frame(pd.DataFrame({"a": [1]})), is_frame(pd.Series([1])), is_frame(np.zeros((2, 2)))
    (True, False, False)
    """
    return hasattr(values, "columns") and hasattr(values, "__arrow_c_stream__")


def needs_preparation(values: Any) -> bool:
    """Whether it is a frame, and some of its columns are no numbers that a model could take.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    >>> needs_preparation(frame), needs_preparation(frame[["a"]])
    (True, False)
    """
    return is_frame(values) and bool(columns_without_numbers(values))


def columns_without_numbers(frame: Any) -> list[str]:
    """The names of a frame's columns that hold texts, dates or categories."""
    from pandas.api.types import infer_dtype, is_numeric_dtype

    frame = pandas_frame(frame)
    columns = ((str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns))
    numbers = ("integer", "floating", "mixed-integer-float", "decimal", "boolean")
    return [
        name
        for name, column in columns
        if not is_numeric_dtype(column.dtype)
        and (column.dtype != object or infer_dtype(column) not in numbers)
    ]


def from_frame(
    frame: Any, target_column: str | None, task: Task | None, group_column: str | None
) -> tuple[Dataset, Array, Array]:
    """A frame with the column to predict, and which of its rows train and validate.

    Args:
        frame: Of pandas, polars, pyarrow and the like.
        target_column: Name of the column to predict.
        task: What the labels ask for; inferred if ``None``.
        group_column: Name of a column whose rows of one value stay together.

    Raises:
        DataError: It is no table, or nothing is left to learn.
        UnknownNameError: There is no such column.
    """
    table = table_of_frame(NAME, pandas_frame(frame))
    return prepared(table, target_column, task, group_column)


def from_frames(
    train: tuple[Any, Any],
    val: tuple[Any, Any] | None,
    task: Task | None,
    group_column: str | None,
) -> tuple[Dataset, Array, Array]:
    """Frames of inputs and their labels, and which rows, counted over both, train and validate.

    Args:
        train: A frame, and as many labels.
        val: The same of what validates; a fifth is split off where there is none.
        task: What the labels ask for; inferred if ``None``.
        group_column: Name of a column of the inputs whose rows of one value stay together.

    Raises:
        DataError: The labels are no column of as many rows, or the parts do not go together.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": ["x", "y"] * 20, "b": np.arange(40) / 3})
    >>> data, train, val = from_frames((frame, np.arange(40) // 2 % 2), None, None, None)
    >>> data.feature_names, len(train), len(val)
    (('a_y', 'b'), 32, 8)
    """
    import pandas as pd

    frame, target = _joined(*train)
    said: list[str] = []
    if val is not None:
        x_val, said = in_columns_of(pandas_frame(train[0]), pandas_frame(val[0]))
        held, _ = _joined(x_val, val[1], target)
        frame = pd.concat([frame, held], ignore_index=True)
    table = table_of_frame(NAME, frame, tuple(said))
    rows = None if val is None else len(train[0])
    return prepared(table, target, task, group_column, rows)


def given_in_frames(train: tuple[Any, ...], val: tuple[Any, ...] | None) -> Given:
    """Frames of inputs with their labels, prepared as in a study, for a model that is finished.

    All rows count, those that a study would have validated last.

    Args:
        train: A frame, labels, and weights of the rows if there are any.
        val: The same of what validates, if that was given.

    Raises:
        DataError: As :func:`from_frames`.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": ["x", "y"] * 20, "b": np.arange(40) / 3})
    >>> given_in_frames((frame, np.arange(40) // 2 % 2), None).x.shape
    (40, 2)
    """
    given = None if val is None else (val[0], val[1])
    dataset, train_rows, val_rows = from_frames((train[0], train[1]), given, None, None)
    weights = np.asarray(train[2]) if len(train) > 2 else None
    if val is None:
        order = np.concatenate([train_rows, val_rows])
        return replace(all_rows(dataset), weights=None if weights is None else weights[order])
    held = np.asarray(val[2])[val_rows - len(train[0])] if len(val) > 2 else None
    weighted = (None if weights is None else weights[train_rows], held)
    return given_of(replace(dataset, weights=weighted))


def _joined(x: Any, y: Any, name: str | None = None) -> tuple[pd.DataFrame, str]:
    """Inputs and labels as one frame, and the name of the labels' column."""
    import pandas as pd

    frame, labels = pandas_frame(x).reset_index(drop=True), y
    if hasattr(labels, "__arrow_c_stream__"):
        labels = pandas_frame(labels)
    if np.ndim(labels) == 2 and np.shape(labels)[1] == 1:
        labels = labels.iloc[:, 0] if isinstance(labels, pd.DataFrame) else np.ravel(labels)
    if np.ndim(labels) != 1 or len(labels) != len(frame):
        raise DataError(
            f"a frame of {len(frame)} rows with text came with labels of shape "
            f"{np.shape(labels)}; expected one label a row; pass a column, as in (frame, series)"
        )
    name = name or str(getattr(labels, "name", None) or "y")
    if name in frame.columns:
        raise DataError(
            f"the column {name!r} stands among the inputs, and the labels have its name; expected "
            f"labels that are no input; drop it from the frame, or pass the frame with "
            f"target_column={name!r}"
        )
    if isinstance(labels, pd.Series):
        labels = labels.reset_index(drop=True)
    return frame.assign(**{name: labels}), name
