"""Arrays of the user's own, checked, split and labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.data.dataset import Dataset, Examples, check_finite
from normwise.data.frames import in_columns_of
from normwise.data.labels import Labelling, labelling, own_labels
from normwise.data.mapped_rows import as_it_lies, changed, chosen, is_on_disk, pieces
from normwise.data.nested import Arrays, is_nested, leaves, mapped, shapes
from normwise.data.plain_array import (
    check_numbers,
    check_range,
    holds_numbers,
    in_memory,
    plain_array,
)
from normwise.domain import Task
from normwise.errors import DataError

__all__ = ["from_arrays", "split"]

Array = NDArray[Any]
Keys = tuple[str, str, str, str]
VALIDATION_SHARE = 0.2
# What else to do where labels never differ.
_NO_LABELS = ", or leave them out, (x, None), for a model whose own steps look at none"


def from_arrays(
    x: Arrays,
    y: Arrays,
    x_val: Arrays = None,
    y_val: Arrays = None,
    *,
    name: str = "arrays",
    task: Task | None = None,
    keys: Keys = ("x", "y", "x_val", "y_val"),
    notes: Sequence[str] = (),
    weights: tuple[Arrays, Arrays] = (None, None),
) -> Dataset:
    """Wrap arrays; without validation arrays a fifth is split off (stratified).

    Integers and bytes stay what they are; numbers with a fraction become float32.

    Args:
        x: Inputs, ``(n, …)``, or a list, tuple or dictionary of them.
        y: Labels, ``(n,)``, ``(n, 1)`` or ``(n, k)`` with a single 1 in each row for classes,
            ``(n,)`` or ``(n, k)`` for a regression. In any other form they stay as they are.
        x_val: Validation inputs.
        y_val: Validation labels.
        name: What to call it in the report.
        task: What the labels ask for; inferred if ``None``.
        keys: What to call the arrays in messages.
        notes: What was done to them before.
        weights: How much examples of ``x`` count in the loss, and of ``x_val``.

    Raises:
        DataError: The arrays do not fit together or cannot be trained on.

    >>> from_arrays([[0.0], [1.0], [2.0], [3.0]] * 5, [0, 1, 0, 1] * 5).task
    'binary'
    """
    _require_both(name, keys, y, x_val, y_val)
    x_val, aligned = in_columns_of(x, x_val)
    train = whole = _part(name, keys[:2], x, y, weights[0])
    what = f"data {name!r}: {keys[1]}"
    found = _labelling(what, train.y, task)
    if x_val is None:
        train, val, said = _split_parts(train, found)
    else:
        val, said = _part(name, keys[2:], x_val, y_val, weights[1]), []
        _check_validation_labels(name, keys, found, train.y, val.y)
    _check_bytes(name, keys, train.x, val.x)
    return Dataset(
        name=name,
        x_train=train.x,
        y_train=found.encode(train.y),
        x_val=val.x,
        y_val=found.encode(val.y),
        task=found.task,
        class_names=found.names,
        notes=(*notes, *aligned, *said, *_notes(found, keys[1], whole.y, train.x)),
        weights=(train.weights, val.weights),
        # Truth values are numbers by now.
        label_form=None if found.task == "own" else found.form(plain_array(what, y)),
    )


def _require_both(name: str, keys: Keys, y: Arrays, x_val: Arrays, y_val: Arrays) -> None:
    if y is None and y_val is None:
        return
    if (x_val is None) != (y_val is None):
        there, lacks = (keys[3], keys[2]) if x_val is None else (keys[2], keys[3])
        raise DataError(
            f"data {name!r} has {there} without {lacks}; expected both, or neither; pass the "
            f"missing one"
        )


def split(rows_of: Array, task: Task) -> tuple[Array, Array]:
    """Row numbers of the training and the validation part, classes in proportion.

    A class with a single example cannot stand in both parts: that one trains.

    Args:
        rows_of: The labels, or where they are no classes whatever has as many rows.
        task: What the labels ask for.
    """
    from sklearn.model_selection import train_test_split

    numbers, stratify = np.arange(len(rows_of)), None
    alone = np.zeros(len(rows_of), bool)
    if task in ("binary", "classes"):
        _, codes, counts = np.unique(rows_of, return_inverse=True, return_counts=True)
        alone = counts[codes.reshape(len(rows_of))] == 1
        stratify = rows_of[~alone]
    try:
        train, val = train_test_split(
            numbers[~alone], test_size=VALIDATION_SHARE, random_state=0, stratify=stratify
        )
    except ValueError as error:
        raise DataError(
            f"{len(rows_of)} rows cannot be split into a training and a validation part ({error}); "
            f"expected at least five rows a class; pass x_val and y_val, or more rows"
        ) from None
    return np.concatenate([train, numbers[alone]]), val


def _split_parts(whole: Examples, found: Labelling) -> tuple[Examples, Examples, list[str]]:
    """Both parts of arrays that have no validation part, and how they were split."""
    of_classes = whole.y if found.task in ("binary", "classes") else leaves(whole.x)[0]
    train, val = split(of_classes.argmax(axis=-1) if found.one_hot else of_classes, found.task)
    return chosen(whole, train), chosen(whole, val), [split_note(train, val, found.task)]


def split_note(train: Array, val: Array, task: Task) -> str:
    """How many rows went where, in a sentence."""
    how = "stratified split" if task in ("binary", "classes") else "split at random"
    return f"{len(train):,} rows train, {len(val):,} validate ({how}, seed 0)."


def _part(name: str, keys: tuple[str, ...], x: Arrays, y: Arrays, weights: Arrays) -> Examples:
    """Inputs, labels and weights of one part, as arrays that can be trained on."""
    inputs = _each(_numeric, name, keys[0], x)
    labels = _each(_labels, name, keys[1], y)
    counted = [len(one) for one in leaves(inputs)]
    if len(set(counted)) > 1:
        raise DataError(
            f"data {name!r}: the parts of {keys[0]} have {' and '.join(map(str, counted))} "
            f"examples ({shapes(inputs)}); expected as many in each; check how the arrays were cut"
        )
    for kind, part in (("labels", labels), ("weights", weights)):
        for one in leaves(part):
            if [len(one)] * len(counted) != counted:
                raise DataError(
                    f"data {name!r}: {counted[0]} examples in {keys[0]} and {len(one)} {kind} in "
                    f"{keys[1] if kind == 'labels' else kind}; expected as many of each; check how "
                    f"the arrays were cut"
                )
    for one in leaves(inputs):
        check_range(f"data {name!r}: {keys[0]}", one)
    if not is_nested(inputs) and inputs.ndim == 1:
        inputs = np.asarray(inputs)[:, None]  # as Keras' fit takes numbers, one an example
    return Examples(inputs, labels, weights)


def _each(read: Callable[[str, str, Any], Array], name: str, key: str, part: Arrays) -> Arrays:
    """A part with each thing in it read, be it one array, lists of numbers or a structure."""
    if is_nested(part) and not holds_numbers(part):
        whole = in_memory(f"data {name!r}: {key}", part)
        return mapped(lambda one: read(name, key, one), whole)
    return None if part is None else read(name, key, part)


def _labelling(what: str, labels: Arrays, task: Task | None) -> Labelling:
    """What labels ask for; where only a loss knows it, they stay as they are."""
    is_own = labels is None or is_nested(labels) or labels.ndim > 2
    if is_own and task is None:
        return own_labels(what, labels)
    return labelling(what, labels, task, otherwise=_NO_LABELS)


def _labels(name: str, key: str, values: ArrayLike) -> Array:
    """Labels as they are where they are texts: a column of a data frame holds objects.

    A label or a row of labels an example is read into memory, wherever it lies.
    """
    array = _array(name, key, values)
    if array.ndim and array.size and all(isinstance(value, str) for value in array.ravel()):
        return array.astype(str)
    numbers = _numeric(name, key, array)
    return np.array(numbers) if is_on_disk(numbers) and numbers.ndim <= 2 else numbers


def _array(name: str, key: str, values: ArrayLike) -> Array:
    array: Array = plain_array(f"data {name!r}: {key}", values)
    return array


def _numeric(name: str, key: str, values: ArrayLike) -> Array:
    array = _array(name, key, values)
    check_numbers(f"data {name!r}: {key}", array)
    if array.dtype.kind in "iu":
        return array
    if array.dtype != np.float32:
        array = changed(array, _float32)
    check_finite(name, key, array)
    return array


def _float32(values: Array) -> Array:
    with np.errstate(over="ignore"):  # what becomes infinite is refused with its place
        return values.astype(np.float32)


def _check_bytes(name: str, keys: Keys, train: Arrays, val: Arrays) -> None:
    for one, other in zip(leaves(train), leaves(val), strict=False):
        if (one.dtype == np.uint8) != (other.dtype == np.uint8):
            raise DataError(
                f"data {name!r}: {keys[0]} has type {one.dtype} and {keys[2]} {other.dtype}, which "
                f"may be pixels before and after scaling; expected one type for both; prepare both "
                f"alike"
            )


def _check_validation_labels(
    name: str, keys: Keys, found: Labelling, train: Arrays, val: Arrays
) -> None:
    if found.task == "own":
        return  # what is not alike is refused with the data set
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
    if found.task == "regression" or found.one_hot:
        return
    strange = np.setdiff1d(val, found.values)
    if len(strange):
        raise DataError(
            f"data {name!r}: {keys[3]} holds the label {strange[0]}, which {keys[1]} does not; "
            f"expected classes that the training part has, too; check how the arrays were cut"
        )


def _notes(found: Labelling, key: str, labels: Arrays, x_train: Arrays) -> list[str]:
    return [*filter(None, [found.note(key, labels)]), *_constant_columns(x_train)]


def _constant_columns(x: Arrays) -> list[str]:
    if is_nested(x) or x.ndim != 2:
        return []
    extremes = np.array([(piece.min(axis=0), piece.max(axis=0)) for piece in pieces(as_it_lies(x))])
    constant = np.flatnonzero(extremes[:, 0].min(axis=0) == extremes[:, 1].max(axis=0))
    return [f"{len(constant)} of {x.shape[1]} columns never change."] if len(constant) else []
