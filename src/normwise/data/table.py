"""From a table of numbers, dates and categories with a column to predict to a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.arrays import split, split_note
from normwise.data.columns import Columns, prepare, sort_columns
from normwise.data.dataset import Dataset
from normwise.data.grouping import split_by_group
from normwise.data.labels import labelling
from normwise.data.leaks import leaks
from normwise.data.raw_table import Table, in_one_line, is_text
from normwise.data.values import read_values
from normwise.domain import Task
from normwise.errors import DataError, UnknownNameError, listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["from_table", "prepared"]

Array = NDArray[Any]


def from_table(
    table: Table,
    target_column: str | None,
    task: Task | None = None,
    group_column: str | None = None,
) -> Dataset:
    """A table's data set, as :func:`prepared` makes it."""
    return prepared(table, target_column, task, group_column)[0]


def prepared(
    table: Table,
    target_column: str | None,
    task: Task | None = None,
    group_column: str | None = None,
    training_rows: int | None = None,
) -> tuple[Dataset, Array, Array]:
    """Split a table, and prepare its columns from the training part alone; the notes say how.

    Columns that identify a row, never change or are empty are dropped; dates become days; missing
    numbers become the median, and a missing category is a category; text becomes one input a
    category (first dropped); every input is standardised. Rows without a label are dropped.

    Args:
        table: As it was read.
        target_column: Name of the column to predict.
        task: What the labels ask for; inferred if ``None``.
        group_column: Name of a column whose rows of one value stay together when the table is
            split; no input.
        training_rows: So many rows at the beginning train; split at random if ``None``.

    Returns:
        The data set, and which rows of the table train and which validate.

    Raises:
        DataError: Its labels do not fit the task, or nothing is left to learn.
        UnknownNameError: There is no such target or group column.
    """
    name = _target_name(table, target_column)
    groups = _groups(table, name, group_column)
    values = read_values(table, name)
    labelled, frame, groups = _with_labels(values.frame, name, groups)
    targets = _targets(name, frame.pop(name))
    found = labelling(f"target column {name!r}", targets, task)
    given = None if training_rows is None else np.flatnonzero(labelled) < training_rows
    train, val, how = _split(groups, targets, found.task, given)
    frame, infinite = _without_infinity(frame)
    columns = _sorted(table.name, frame.iloc[train])
    inputs, names = prepare(frame, columns, train)
    said = (
        *table.notes(values.decimal),
        *_unlabelled(name, labelled),
        *filter(None, [how, found.note(name, targets)]),
        *values.notes,
        *infinite,
        *columns.notes(frame),
        *_leaking(name, leaks(frame[columns.taken], targets, train, val, found.task)),
        f"Inputs ({len(names)}), standardised on the training part: {listed(names)}.",
    )
    y, rows = found.encode(targets), np.flatnonzero(labelled)
    parts = (inputs[train], y[train], inputs[val], y[val])
    dataset = Dataset(table.name, *parts, found.task, tuple(names), found.names, said)
    return dataset, rows[train], rows[val]


def _target_name(table: Table, target_column: str | None) -> str:
    names = list(table.frame.columns)
    if target_column is None:
        raise DataError(
            f"table {table.name!r} needs a column to predict and none was named; expected one of "
            f"{listed(names)}; try --target-column {names[-1]}"
        )
    name = in_one_line(target_column)
    if name not in names:
        raise UnknownNameError("target column", target_column, names)
    if f"{name} (2)" in names:
        raise DataError(
            f"table {table.name!r} has several columns named {name!r}; expected one to predict; "
            f"rename them, or try --target-column '{name} (2)'"
        )
    return name


def _groups(table: Table, target: str, group_column: str | None) -> pd.Series | None:
    """The column that says which rows belong together."""
    if group_column is None:
        return None
    name, names = in_one_line(group_column), list(table.frame.columns)
    if name not in names:
        raise UnknownNameError("group column", group_column, names)
    if name == target:
        raise DataError(
            f"column {name!r} was named as target and as group; expected two columns; leave "
            f"--group-column out, or name another"
        )
    return table.frame[name]


def _with_labels(
    frame: pd.DataFrame, target: str, groups: pd.Series | None
) -> tuple[Array, pd.DataFrame, pd.Series | None]:
    """Which rows have a label, these without the column of groups, and their groups."""
    labelled = frame[target].notna().to_numpy()
    left = frame if labelled.all() else frame[labelled]
    if groups is None:
        return labelled, left, None
    return labelled, left.drop(columns=str(groups.name)), groups[labelled]


def _split(
    groups: pd.Series | None, targets: Array, task: Task, given: Array | None
) -> tuple[Array, Array, str]:
    """Rows that train (those ``given``) and that validate, and how they were found."""
    if given is not None:
        _check_classes(targets[given], targets[~given], task)
        return np.flatnonzero(given), np.flatnonzero(~given), ""
    if groups is None:
        train, val = split(targets, task)
        return train, val, split_note(train, val, task)
    codes, _ = groups.factorize()
    return split_by_group(str(groups.name), codes, targets, task)


def _check_classes(train: Array, val: Array, task: Task) -> None:
    strange = [] if task == "regression" else np.setdiff1d(val, train).tolist()
    if strange:
        raise DataError(
            f"the validation part holds the label {strange[0]}, which the training part does not; "
            f"expected classes that the training part has, too; check how the table was cut"
        )


def _targets(name: str, column: pd.Series) -> Array:
    if is_text(column):
        return column.to_numpy(object)
    targets = column.to_numpy(np.float64)
    infinite = np.flatnonzero(np.isinf(targets))
    if len(infinite):
        raise DataError(
            f"target column {name!r} has {len(infinite)} infinite values; expected finite numbers; "
            f"leave those fields empty, and their rows are dropped"
        )
    return targets


def _unlabelled(name: str, labelled: Array) -> list[str]:
    missing = len(labelled) - int(labelled.sum())
    if not missing:
        return []
    return [f"{missing:,} of {len(labelled):,} rows have no value of {name} and were dropped."]


def _leaking(target: str, names: list[str]) -> list[str]:
    if not names:
        return []
    note = f"Perhaps leaks, each of which predicts {target} alone: {listed(names)}"
    return [f"{note}; leave out what is not known before {target} is."]


def _without_infinity(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Infinite values as missing ones: no mean and no model goes on with them."""
    counts = {
        name: int(np.isinf(frame[name].to_numpy(np.float64)).sum())
        for name in frame.columns
        if not is_text(frame[name])
    }
    infinite = [f"{name} ({count:,})" for name, count in counts.items() if count]
    if not infinite:
        return frame, []
    return frame.replace([np.inf, -np.inf], np.nan), [
        f"Taken for missing, being infinite: {listed(infinite)}."
    ]


def _sorted(table_name: str, frame: pd.DataFrame) -> Columns:
    columns = sort_columns(frame)
    if columns.taken:
        return columns
    dropped = [
        *(*columns.identifiers, *columns.sparse, *columns.repeated),
        *(*columns.constant, *columns.empty),
    ]
    raise DataError(
        f"table {table_name!r} has no column left to learn from (dropped as identifiers, constant "
        f"or empty: {listed(dropped) or 'none'}); expected at least one besides the target; check "
        f"--target-column, and write whole numbers that are no identifiers with decimals, as 7.0"
    )
