"""The user's own arrays, from Python or from an ``.npz`` file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.datasets.dataset import Dataset, Task
from normwise.errors import DataError

__all__ = ["from_arrays", "from_npz", "infer_task", "labels", "split"]

Array = NDArray[Any]
# Whole numbers above this many distinct values are taken for a quantity, not for classes.
MOST_CLASSES = 100
VALIDATION_SHARE = 0.2


def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    x_val: ArrayLike | None = None,
    y_val: ArrayLike | None = None,
    *,
    name: str = "arrays",
) -> Dataset:
    """Wrap arrays; without validation arrays a fifth is split off (stratified).

    Args:
        x: Inputs, ``(n, …)``.
        y: Labels, ``(n,)`` or ``(n, 1)`` for classes, ``(n,)`` or ``(n, k)``
            for a regression.
        x_val: Validation inputs.
        y_val: Validation labels.
        name: What to call it in the report.

    Raises:
        DataError: The arrays do not fit together or cannot be trained on.

    >>> from_arrays([[0.0], [1.0], [2.0], [3.0]] * 5, [0, 1, 0, 1] * 5).task
    'binary'
    """
    inputs, targets = _numeric(name, "x", x), _numeric(name, "y", y)
    if (x_val is None) != (y_val is None):
        raise DataError(
            f"data {name!r} has validation {'labels' if x_val is None else 'inputs'} only; "
            f"expected both x_val and y_val, or neither; pass the missing one"
        )
    if len(inputs) != len(targets):
        raise DataError(
            f"data {name!r}: {len(inputs)} inputs and {len(targets)} labels; "
            f"expected as many of each; check how the arrays were cut"
        )
    task = infer_task(targets)
    if x_val is None or y_val is None:
        train, val = split(targets, task)
        parts = (inputs[train], targets[train], inputs[val], targets[val])
        notes = [f"{len(train):,} rows train, {len(val):,} validate (split once, seed 0)."]
    else:
        parts = (inputs, targets, _numeric(name, "x_val", x_val), _numeric(name, "y_val", y_val))
        _check_validation_labels(name, task, targets, parts[3])
        notes = []
    return Dataset(
        name=name,
        x_train=parts[0],
        y_train=labels(parts[1], task),
        x_val=parts[2],
        y_val=labels(parts[3], task),
        task=task,
        notes=(*notes, *_constant_columns(parts[0])),
    )


def from_npz(path: Path) -> Dataset:
    """Read ``x_train``, ``y_train`` and, if there, ``x_val`` or ``x_test`` with labels."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # noqa: BLE001 (a broken archive raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({error}); expected a NumPy .npz archive without pickled "
            f"objects; write one with numpy.savez('data.npz', x_train=…, y_train=…)"
        ) from None
    missing = {"x_train", "y_train"} - set(arrays)
    if missing:
        raise DataError(
            f"{str(path)!r} holds {', '.join(arrays) or 'nothing'}; expected x_train and y_train; "
            f"write it with numpy.savez('data.npz', x_train=…, y_train=…)"
        )
    part = "val" if {"x_val", "y_val"} & set(arrays) else "test"
    return from_arrays(
        arrays["x_train"],
        arrays["y_train"],
        arrays.get(f"x_{part}"),
        arrays.get(f"y_{part}"),
        name=path.name,
    )


def infer_task(targets: Array) -> Task:
    """Two values are ``binary``, few whole numbers from 0 ``classes``, else ``regression``."""
    values = np.unique(targets)
    if len(values) == 0:
        raise DataError(
            f"the labels have shape {targets.shape}; expected at least one example with a label; "
            f"check which column or array holds the labels"
        )
    single = targets.ndim == 1 or targets.shape[1:] == (1,)
    # What is not finite is refused with its place, together with the inputs.
    whole = single and bool(np.isfinite(values).all() and np.equal(np.mod(values, 1), 0).all())
    if len(values) == 1:
        raise DataError(
            f"all {len(targets)} labels are {values[0]:g}; expected at least two different ones; "
            f"check which column or array holds the labels"
        )
    if not single and set(values) == {0, 1} and (targets.sum(axis=-1) == 1).all():
        raise DataError(
            f"the labels have shape {targets.shape} and a single 1 in each row; expected the "
            f"number of the class instead; pass y.argmax(axis=-1)"
        )
    if whole and set(values) == {0, 1}:
        return "binary"
    if whole and values.min() >= 0 and values.max() == len(values) - 1 <= MOST_CLASSES:
        return "classes"
    return "regression"


def labels(targets: Array, task: Task) -> Array:
    """Labels in the shape and type that Keras' losses take without guessing."""
    if task == "classes":
        return targets.reshape(len(targets)).astype(np.int32)
    width = int(np.prod(targets.shape[1:]))  # -1 would not do for no rows
    return targets.reshape(len(targets), width).astype(np.float32)


def split(targets: Array, task: Task) -> tuple[Array, Array]:
    """Row numbers of the training and the validation part, classes in proportion."""
    from sklearn.model_selection import train_test_split

    smallest = 0 if task == "regression" else np.unique(targets, return_counts=True)[1].min()
    # A class with a single example cannot stand in both parts.
    stratify = targets if smallest > 1 else None
    try:
        train, val = train_test_split(
            np.arange(len(targets)),
            test_size=VALIDATION_SHARE,
            random_state=0,
            stratify=stratify,
        )
    except ValueError as error:
        raise DataError(
            f"{len(targets)} rows cannot be split into a training and a validation part ({error}); "
            f"expected at least five rows a class; pass x_val and y_val, or more rows"
        ) from None
    return train, val


def _numeric(name: str, which: str, values: ArrayLike) -> Array:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(
            f"data {name!r}: {which} is no array ({error}); expected numbers, as many in every "
            f"row; pad or cut the rows"
        ) from None
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise DataError(
            f"data {name!r}: {which} has type {array.dtype} and shape {array.shape}; "
            f"expected an array of numbers, examples first; convert it with "
            f"numpy.asarray(…, dtype='float32')"
        )
    if array.dtype.kind not in "fb":
        return array
    with np.errstate(over="ignore"):  # what becomes infinite is refused with its place
        return array.astype(np.float32)


def _check_validation_labels(name: str, task: Task, train: Array, val: Array) -> None:
    if (val.shape[1:] or (1,)) != (train.shape[1:] or (1,)):
        raise DataError(
            f"data {name!r}: y has shape {train.shape} and y_val {val.shape}; expected the same "
            f"after the first axis; check how the arrays were made"
        )
    strange = np.setdiff1d(val, train)
    if task != "regression" and len(strange):
        raise DataError(
            f"data {name!r}: y_val holds the label {strange[0]:g}, which y does not; expected "
            f"classes that the training part has, too; check how the arrays were cut"
        )


def _constant_columns(x: Array) -> list[str]:
    if x.ndim != 2:
        return []
    constant = np.flatnonzero(x.min(axis=0) == x.max(axis=0))
    return [f"{len(constant)} of {x.shape[1]} columns never change."] if len(constant) else []
