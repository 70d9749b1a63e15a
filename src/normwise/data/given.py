"""What a finished model is looked at with: data as they are, not split, scaled or encoded."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.dataset import Dataset
from normwise.data.nested import Arrays

__all__ = ["Given", "all_rows", "as_quantities", "given_of", "in_form_given"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Given:
    """Inputs as a model takes them, and what is known besides.

    Attributes:
        x: Inputs, all rows of the training part: an array ``(n, …)``, or a structure of them.
        y: Labels, with as many rows: an array or a structure of them; ``None`` without any.
        weights: How much each example counts in the loss, ``(n,)``; all alike if ``None``.
        validation: ``(x, y)`` or ``(x, y, weights)`` that the model was not trained on, if there
            are any.
        held: So many rows at the end of ``x`` validate where a table was split as it was read.
        notes: What was done to them, in sentences.
    """

    x: Any
    y: Any = None
    weights: Any = None
    validation: tuple[Any, ...] | None = None
    held: int = 0
    notes: tuple[str, ...] = ()

    @property
    def training(self) -> tuple[Any, ...]:
        """``(x, y)``, or ``(x, y, weights)`` where there are weights."""
        return (self.x, self.y) if self.weights is None else (self.x, self.y, self.weights)

    @property
    def parts(self) -> list[tuple[Any, ...]]:
        """The training part, and the validation part if there is one."""
        return [self.training] if self.validation is None else [self.training, self.validation]


def given_of(dataset: Dataset) -> Given:
    """A data set's two parts, as they are."""
    train, val = _labels(dataset)
    held = dataset.val._replace(y=val).batch
    return Given(dataset.x_train, train, dataset.weights[0], validation=held, notes=dataset.notes)


def all_rows(dataset: Dataset) -> Given:
    """All rows of a data set that was split as it was read; those that validate come last."""
    return Given(
        np.concatenate([dataset.x_train, dataset.x_val]),
        np.concatenate(_labels(dataset)),
        held=len(dataset.x_val),
        # All rows count here, wherever a study would split them.
        notes=tuple(note for note in dataset.notes if " rows train, " not in note),
    )


def as_quantities(dataset: Dataset) -> Dataset:
    """The data set with labels that were taken for classes as the numbers that they were.

    Texts stay classes.

    >>> x, y = np.zeros((2, 1)), np.array([0, 1])
    >>> data = Dataset("mine", x, y, x, y, "classes", class_names=("3", "5"))
    >>> as_quantities(data).y_train.tolist()
    [[3.0], [5.0]]
    """
    if dataset.task not in ("binary", "classes") or dataset.y_train.shape[1:] not in ((), (1,)):
        return dataset
    labels = _labels(dataset)
    if labels[0].dtype.kind == "U":
        return dataset
    y_train, y_val = (part.reshape(len(part), 1).astype(np.float32) for part in labels)
    notes = tuple(note for note in dataset.notes if not note.startswith(("Classes of ", "If ")))
    return replace(
        dataset, y_train=y_train, y_val=y_val, task="regression", class_names=(), notes=notes
    )


def in_form_given(dataset: Dataset, labels: Arrays) -> Arrays:
    """Labels of a data set in the shape and type that they were given in, as in ``fit``.

    Keras' own losses and metrics take ``(n,)`` and ``(n, 1)`` alike; code of the user's own may
    stretch one over the other.

    >>> x, y = np.zeros((2, 1)), np.array([[0.0], [1.0]], "f4")
    >>> in_form_given(Dataset("mine", x, y, x, y, "binary", label_form=((), "<i8")), y)
    array([0, 1])
    """
    shape, kind = dataset.label_form or ((), "")
    if not kind or labels.size != len(labels) * math.prod(shape):  # classes may be rows by now
        return labels
    return labels.reshape(len(labels), *shape).astype(kind)


def _labels(dataset: Dataset) -> list[Array]:
    """The labels of both parts as they were before they became numbers.

    The numbers count the labels that there are, and not the classes of a model.
    """
    labels, values = [dataset.y_train, dataset.y_val], _values_behind(dataset)
    if values is not None:
        labels = [values[part.reshape(len(part)).astype(int)] for part in labels]
    return [in_form_given(dataset, part) for part in labels]


def _values_behind(dataset: Dataset) -> Array | None:
    """The labels that became the numbers of their classes, in order; ``None`` where none did."""
    names = dataset.class_names
    if not names or dataset.task == "own":
        return None
    labels = np.concatenate([dataset.y_train, dataset.y_val])
    # Where the numbers were given, names beside them need not be all there, nor in order.
    if len(np.unique(labels)) != len(names):
        return None
    ways = [np.array(names)]
    if all(re.fullmatch(r"0|-?[1-9]\d*", name) for name in names):
        ways = [ways[0].astype(np.int64), *ways]
    values = next((way for way in ways if (way[1:] > way[:-1]).all()), None)
    if values is None or np.array_equal(values, np.arange(len(names))):
        return None
    return values
