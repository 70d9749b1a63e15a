"""A CSV table of numbers and categories with a column to predict."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from normwise.datasets.arrays import infer_task, labels, split
from normwise.datasets.dataset import Dataset
from normwise.errors import DataError, UnknownNameError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["from_csv"]

# A text column with more distinct values than this names things rather than kinds of things.
MOST_CATEGORIES = 50


def from_csv(path: Path, target_column: str | None) -> Dataset:
    """Read a table, split it, and prepare its columns from the training part alone.

    Columns that identify a row (whole numbers that never repeat, text with more
    than 50 different values) are dropped, text becomes one column a category
    (first dropped), and every column is standardised.

    Raises:
        DataError: The file cannot be read, a column never changes, or a value
            is missing or not finite.
        UnknownNameError: There is no such target column.
    """
    table = _read(path)
    if target_column is None:
        raise DataError(
            f"table {path.name!r} needs a column to predict and none was named; expected one of "
            f"{listed(list(table.columns))}; try --target-column {table.columns[-1]}"
        )
    if target_column not in table.columns:
        raise UnknownNameError("target column", target_column, table.columns)
    target, class_names = _target(table.pop(target_column))
    identifiers = [column for column in table.columns if _is_identifier(table[column])]
    table = table.drop(columns=identifiers)
    _check_columns(path.name, table)
    task = infer_task(target)
    train, val = split(target, task)
    inputs, names = _prepare(table, train)
    notes = [f"{len(train):,} rows train, {len(val):,} validate (stratified split, seed 0)."]
    if identifiers:
        notes.append(f"Dropped as identifiers: {', '.join(identifiers)}.")
    notes.append(f"{len(names)} inputs, standardised on the training part: {', '.join(names)}.")
    return Dataset(
        name=path.name,
        x_train=inputs[train],
        y_train=labels(target[train], task),
        x_val=inputs[val],
        y_val=labels(target[val], task),
        task=task,
        feature_names=tuple(names),
        class_names=class_names,
        notes=tuple(notes),
    )


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        first = pd.read_csv(path, skipinitialspace=True, header=None, nrows=1, dtype=str)
        # Whole columns at once, or one column could come in parts of different types.
        table = pd.read_csv(path, skipinitialspace=True, low_memory=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot read {str(path)!r} ({error}); expected a CSV table with a header line, "
            f"commas and UTF-8 text; check the path, or save it again as such"
        ) from None
    _check_shape(path.name, [str(name).strip() for name in first.iloc[0]], table)
    table.columns = [str(column).strip() for column in table.columns]
    for column in table.columns:
        if _is_text(table[column]):
            # Missing values stay missing; whole numbers too large for a type become text.
            table[column] = table[column].astype("str").str.strip()
    return table


def _check_shape(name: str, header: list[str], table: pd.DataFrame) -> None:
    import pandas as pd

    if table.empty:
        raise DataError(
            f"table {name!r} has a header and no rows; expected at least one row an example; "
            f"check how the file was written"
        )
    twice = [column for column, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(
            f"table {name!r} has {header.count(twice[0])} columns named {twice[0]!r}; expected "
            f"each name once; rename or delete one in the file"
        )
    if not isinstance(table.index, pd.RangeIndex):
        raise DataError(
            f"table {name!r} has {len(header)} names in its header and more fields in its rows; "
            f"expected as many; name every column, or delete the commas at the ends of the rows"
        )


def _is_text(column: pd.Series) -> bool:
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(column)


def _is_identifier(column: pd.Series) -> bool:
    import pandas as pd

    distinct = column.nunique()
    if _is_text(column):
        return bool(distinct > MOST_CATEGORIES)
    return bool(pd.api.types.is_integer_dtype(column) and distinct == len(column) > MOST_CATEGORIES)


def _target(column: pd.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"target column {column.name!r} has {missing} missing values; expected one in every "
            f"row; fill them or delete those rows"
        )
    if (column == column.iloc[0]).all():
        raise DataError(
            f"target column {column.name!r} is {_plain(column.iloc[0])} in every row; expected at "
            f"least two different values; name another column with --target-column"
        )
    if _is_text(column):
        names, codes = np.unique(column.astype(str), return_inverse=True)
        if len(names) > MOST_CATEGORIES:
            raise DataError(
                f"target column {column.name!r} is text with {len(names)} different values; "
                f"expected numbers or at most {MOST_CATEGORIES} classes; name another column "
                f"with --target-column"
            )
        return codes.astype(np.float64), tuple(map(str, names))
    return column.to_numpy(np.float64), ()


def _plain(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _check_columns(name: str, table: pd.DataFrame) -> None:
    if table.shape[1] == 0:
        raise DataError(
            f"table {name!r} has no column left to learn from; expected at least one that is "
            f"neither the target nor an identifier; check --target-column"
        )
    for column in table.columns:
        values = table[column]
        bad = int(values.isna().sum())
        if not _is_text(values):
            bad += int(np.isinf(values.to_numpy(np.float64)).sum())
        if bad:
            raise DataError(
                f"table {name!r}: column {column!r} has {bad} missing, NaN or infinite values; "
                f"expected none; fill them or delete the column"
            )
        if (values == values.iloc[0]).all():
            raise DataError(
                f"table {name!r}: column {column!r} is {_plain(values.iloc[0])} in every row; "
                f"expected columns that change; delete the column from the file"
            )


def _prepare(table: pd.DataFrame, train: np.ndarray) -> tuple[np.ndarray, list[str]]:
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    text = [column for column in table.columns if _is_text(table[column])]
    numbers = [column for column in table.columns if column not in text]
    # A category that the training part never saw is encoded like the first one, all zeros.
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer(
        (encoder, text), ("passthrough", numbers), verbose_feature_names_out=False
    )
    pipeline = make_pipeline(columns, StandardScaler())
    # Overflows are found in the result; unknown categories are meant to be, see above.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        pipeline.fit(table.iloc[train])
        inputs = pipeline.transform(table).astype(np.float32)
    return inputs, [str(name) for name in columns.get_feature_names_out()]
