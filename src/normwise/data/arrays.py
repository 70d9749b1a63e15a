"""Arrays of the user's own, checked, split and labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.data.dataset import Dataset, check_finite
from normwise.data.frames import in_columns_of
from normwise.data.labels import Labelling, labelling
from normwise.data.plain_array import check_numbers, check_range, plain_array
from normwise.domain import Task
from normwise.errors import DataError

__all__ = ["from_arrays", "split"]

Array = NDArray[Any]
Keys = tuple[str, str, str, str]
# Inputs and labels that train, inputs and labels that validate.
Parts = tuple[Array, Array, Array, Array]
VALIDATION_SHARE = 0.2


def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    x_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    name: str = "arrays",
    task: Task | None = None,
    keys: Keys = ("x", "y", "x_val", "y_val"),
    notes: Sequence[str] = (),
) -> Dataset:
    """Wrap arrays; without validation arrays a fifth is split off (stratified).

    Integers stay what they are, bytes too; numbers with a fraction become float32.

    Args:
        x: Inputs, ``(n, …)``.
        y: Labels, ``(n,)`` or ``(n, 1)`` for classes, ``(n,)`` or ``(n, k)``
            for a regression.
        x_val: Validation inputs.
        y_val: Validation labels.
        name: What to call it in the report.
        task: What the labels ask for; inferred if ``None``.
        keys: What to call the arrays in messages.
        notes: What was done to them before.

    Raises:
        DataError: The arrays do not fit together or cannot be trained on.

    >>> from_arrays([[0.0], [1.0], [2.0], [3.0]] * 5, [0, 1, 0, 1] * 5).task
    'binary'
    """
    _require_both(name, keys, x_val, y_val)
    x_val, aligned = in_columns_of(x, x_val)
    inputs, targets = _pair(name, keys[:2], x, y)
    found = labelling(f"data {name!r}: {keys[1]}", targets, task)
    if x_val is None or y_val is None:
        parts, said = _split_parts(inputs, targets, found.task)
    else:
        parts, said = (inputs, targets, *_pair(name, keys[2:], x_val, y_val)), []
        _check_validation_labels(name, keys, found, targets, parts[3])
    x_train, y_train, x_held, y_held = parts
    _check_bytes(name, keys, x_train, x_held)
    return Dataset(
        name=name,
        x_train=x_train,
        y_train=found.encode(y_train),
        x_val=x_held,
        y_val=found.encode(y_held),
        task=found.task,
        class_names=found.names,
        notes=(
            *notes,
            *aligned,
            *said,
            *filter(None, [found.note(keys[1], targets)]),
            *_constant_columns(x_train),
        ),
    )


def _require_both(name: str, keys: Keys, x_val: ArrayLike | None, y_val: ArrayLike | None) -> None:
    if (x_val is None) != (y_val is None):
        there, lacks = (keys[3], keys[2]) if x_val is None else (keys[2], keys[3])
        raise DataError(
            f"data {name!r} has {there} without {lacks}; expected both, or neither; pass the "
            f"missing one"
        )


def split(targets: Array, task: Task) -> tuple[Array, Array]:
    """Row numbers of the training and the validation part, classes in proportion.

    A class with a single example cannot stand in both parts: that one trains.
    """
    from sklearn.model_selection import train_test_split

    rows, stratify = np.arange(len(targets)), None
    alone = np.zeros(len(targets), bool)
    if task != "regression":
        _, codes, counts = np.unique(targets, return_inverse=True, return_counts=True)
        alone = counts[codes.reshape(len(targets))] == 1
        stratify = targets[~alone]
    try:
        train, val = train_test_split(
            rows[~alone], test_size=VALIDATION_SHARE, random_state=0, stratify=stratify
        )
    except ValueError as error:
        raise DataError(
            f"{len(targets)} rows cannot be split into a training and a validation part ({error}); "
            f"expected at least five rows a class; pass x_val and y_val, or more rows"
        ) from None
    return np.concatenate([train, rows[alone]]), val


def _split_parts(inputs: Array, targets: Array, task: Task) -> tuple[Parts, list[str]]:
    """Both parts of arrays that have no validation part, and how they were split."""
    train, val = split(targets, task)
    parts = (inputs[train], targets[train], inputs[val], targets[val])
    return parts, [split_note(train, val, task)]


def split_note(train: Array, val: Array, task: Task) -> str:
    """How many rows went where, in a sentence."""
    how = "split at random" if task == "regression" else "stratified split"
    return f"{len(train):,} rows train, {len(val):,} validate ({how}, seed 0)."


def _pair(name: str, keys: tuple[str, ...], x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Inputs and labels of one part, each as an array that can be trained on."""
    inputs, targets = _numeric(name, keys[0], x), _labels(name, keys[1], y)
    if len(inputs) != len(targets):
        raise DataError(
            f"data {name!r}: {len(inputs)} examples in {keys[0]} and {len(targets)} labels in "
            f"{keys[1]}; expected as many of each; check how the arrays were cut"
        )
    if inputs.ndim == 1:
        raise DataError(
            f"data {name!r}: {keys[0]} has shape {inputs.shape}, a single number an example; "
            f"expected (n, features) or more dimensions; try {keys[0]}.reshape(-1, 1)"
        )
    check_range(f"data {name!r}: {keys[0]}", inputs)
    return inputs, targets


def _labels(name: str, key: str, values: ArrayLike) -> Array:
    """Labels as they are where they are texts: a column of a data frame holds objects."""
    array = _array(name, key, values)
    if array.ndim and array.size and all(isinstance(value, str) for value in array.ravel()):
        return array.astype(str)
    return _numeric(name, key, array)


def _array(name: str, key: str, values: ArrayLike) -> Array:
    return plain_array(f"data {name!r}: {key}", values)


def _numeric(name: str, key: str, values: ArrayLike) -> Array:
    array = _array(name, key, values)
    check_numbers(f"data {name!r}: {key}", array)
    if array.dtype.kind in "iu":
        return array
    with np.errstate(over="ignore"):  # what becomes infinite is refused with its place
        array = array.astype(np.float32, copy=False)
    check_finite(name, key, array)
    return array


def _check_bytes(name: str, keys: Keys, train: Array, val: Array) -> None:
    if (train.dtype == np.uint8) != (val.dtype == np.uint8):
        raise DataError(
            f"data {name!r}: {keys[0]} has type {train.dtype} and {keys[2]} {val.dtype}, which may "
            f"be pixels before and after scaling; expected one type for both; prepare both alike"
        )


def _check_validation_labels(
    name: str, keys: Keys, found: Labelling, train: Array, val: Array
) -> None:
    if (val.shape[1:] or (1,)) != (train.shape[1:] or (1,)):
        raise DataError(
            f"data {name!r}: {keys[1]} has shape {train.shape} and {keys[3]} {val.shape}; expected "
            f"the same after the first axis; check how the arrays were made"
        )
    if (val.dtype.kind == "U") != (train.dtype.kind == "U"):
        raise DataError(
            f"data {name!r}: {keys[1]} has type {train.dtype} and {keys[3]} {val.dtype}; expected "
            f"numbers in both, or texts in both; convert one of them"
        )
    if found.task == "regression":
        return
    strange = np.setdiff1d(val, found.values)
    if len(strange):
        raise DataError(
            f"data {name!r}: {keys[3]} holds the label {strange[0]}, which {keys[1]} does not; "
            f"expected classes that the training part has, too; check how the arrays were cut"
        )


def _constant_columns(x: Array) -> list[str]:
    if x.ndim != 2:
        return []
    constant = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    return [f"{len(constant)} of {x.shape[1]} columns never change."] if len(constant) else []
