"""Training and validation part of the data that a finished model is diagnosed with."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from normwise.data import Given
from normwise.data.arrays import split, split_note
from normwise.data.labels import labelling
from normwise.data.mapped_rows import chosen
from normwise.data.nested import count, is_nested, leaves
from normwise.diagnose.evaluating import Part
from normwise.domain import Task
from normwise.errors import DataError
from normwise.models.labels import labels_for
from normwise.models.loss_comparison import has_labels, labels_in

__all__ = ["Parts", "parts_of"]

# "training" and "validation", each to its inputs and labels.
Parts: TypeAlias = dict[str, Part]


def parts_of(model: Any, given: Given) -> tuple[Parts, list[str]]:
    """A training and a validation part to take a compiled loss of.

    Where none was given, a part of the rows validates, as in a study: a study's model meets the
    parts that it was trained with.

    Args:
        model: A compiled model.
        given: What was given for it.

    Returns:
        The parts, and what was decided, in sentences.

    Raises:
        DataError: There are no labels, or which classes they are cannot be known, or the rows
            cannot be split.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> parts, notes = parts_of(model, Given(np.zeros((10, 2)), np.arange(10) % 2))
    >>> {name: len(part[0]) for name, part in parts.items()}, notes
    ({'training': 8, 'validation': 2}, ['8 rows train, 2 validate (stratified split, seed 0).'])
    """
    if not has_labels(given):
        raise DataError(
            f"model {model.name!r} is compiled, and the data have no labels to take its loss of; "
            f"expected (x, y), ((x, y), (x_val, y_val)) or (x, y, x_val, y_val); pass the labels, "
            f"too"
        )
    labels, notes = labels_for(model, labels_in(given), given.x)
    both = [(part[0], y, *part[2:]) for part, y in zip(given.parts, labels, strict=True)]
    if len(both) == 1:
        both, note = _split(both[0], given.held)
        notes = [*notes, note]
    return dict(zip(("training", "validation"), both, strict=True)), notes


def _split(part: Part, held: int) -> tuple[list[Part], str]:
    y = part[1]
    if held:
        train, val = np.split(np.arange(count(y)), [count(y) - held])
        note = f"{len(train):,} rows train, {held:,} validate, as in a study of this table."
        return _cut(part, train, val), note
    rows_of, task = _proportions(y)
    train, val = split(rows_of, task)
    return _cut(part, train, val), split_note(train, val, task)


def _proportions(y: Any) -> tuple[Any, Task]:
    """Labels whose proportions both parts keep, and what they ask for."""
    # Labels of several outputs, masks and a single label for all have none to keep.
    if is_nested(y) or y.ndim > 2 or (y == y[:1]).all():
        return leaves(y)[0], "regression"
    if y.ndim == 2 and y.shape[1] > 1 and ((y != 0).sum(axis=1) == 1).all():
        y = y.argmax(axis=1)  # one-hot
    return y, labelling("y", y).task


def _cut(part: Part, train: Any, val: Any) -> list[Part]:
    return [chosen(part, train), chosen(part, val)]
