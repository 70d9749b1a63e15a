"""Labels as a compiled loss takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.datasets.labels import Labelling
from normwise.errors import DataError, listed
from normwise.records import Task

__all__ = ["labels_for"]

# Losses that count classes from 0, and one that takes a share between 0 and 1.
COUNTING = ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
SHARE = ("binary_crossentropy", "BinaryCrossentropy")


def labels_for(model: Any, labels: list[Any]) -> tuple[list[Any], list[str]]:
    """Labels of the training part, and of the validation part if there is one, for a model's loss.

    They stay as they are, as ``fit`` would take them. Texts, and whole numbers that a loss which
    counts classes from 0 does not take, become the numbers of their classes, in order, as in a
    study.

    Args:
        model: A compiled model.
        labels: Of each part.

    Returns:
        The same in numbers, and what was done, in sentences.

    Raises:
        DataError: A validation label is none of the training part's.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.compile(loss="sparse_categorical_crossentropy")
    >>> [numbers], notes = labels_for(model, [np.array(["a", "c", "b"])])
    >>> numbers.tolist(), notes
    ([0, 2, 1], ['Labels became the numbers of their classes, in order: a, b, c.'])
    """
    train = labels[0]
    task = _task(model, train) if isinstance(train, np.ndarray) else None
    if task is None:
        return labels, []
    found = Labelling(task, np.unique(train))
    strange = [label for part in labels for label in np.setdiff1d(part, train).tolist()]
    if strange:
        raise DataError(
            f"the validation part holds the label {strange[0]!r}, which the training part does "
            f"not; expected classes that the training part has, too; check how the arrays were cut"
        )
    note = f"Labels became the numbers of their classes, in order: {listed(found.names)}."
    return [_encoded(found, part) for part in labels], [note]


def _encoded(found: Labelling, labels: Any) -> Any:
    """The numbers of classes; of several labels an example, in their shape."""
    codes = found.encode(labels.reshape(-1))
    return codes if labels.size == len(labels) else codes.reshape(labels.shape)


def _task(model: Any, labels: Any) -> Task | None:
    """What labels are that the loss cannot take as they are; ``None`` where it can."""
    values, loss = np.unique(labels), _loss_name(model)
    if labels.dtype.kind == "U":
        return "binary" if loss in SHARE else "classes"
    if loss in SHARE and len(values) == 2 and not 0 <= values[0] < values[1] <= 1:
        return "binary"
    outputs = getattr(model, "output_shape", None) or (None,)
    if loss not in COUNTING or not isinstance(outputs[-1], int):
        return None
    counted = values[0] >= 0 and values[-1] < outputs[-1]
    return None if counted or len(values) > outputs[-1] else "classes"


def _loss_name(model: Any) -> str:
    loss = getattr(model, "loss", None)
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
