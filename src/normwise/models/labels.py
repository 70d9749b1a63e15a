"""Labels as a compiled loss takes them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data.mapped_rows import pieces
from normwise.data.nested import rows
from normwise.errors import DataError, listed
from normwise.keras_private import loss_options
from normwise.models.graph import functional_of, has_graph
from normwise.models.loss_names import COUNTING, OF_EACH, loss_kind

__all__ = ["UnknownClassesError", "labels_for"]

Array = NDArray[Any]


class UnknownClassesError(DataError):
    """Labels do not say which of a model's classes each is, so no loss can be taken of them."""


def labels_for(model: Any, labels: list[Any], x: Any = None) -> tuple[list[Any], list[str]]:
    """Labels of the training part, and of the validation part if there is one, for a model's loss.

    They stay as they are, as ``fit`` would take them. Texts, and whole numbers that a loss which
    counts classes from 0 does not take, become the numbers of their classes, in order, as in a
    study: where there are as many of them as the model tells apart. Of fewer nobody can say which
    are missing.

    Args:
        model: A compiled model.
        labels: The labels of each part, ``(examples, …)``.
        x: Inputs of the training part, to see how many classes a model without a graph tells apart.

    Returns:
        The same in numbers, and what was done, in sentences.

    Raises:
        UnknownClassesError: Which classes they are cannot be known.
        DataError: A validation label is none of the training part's.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> model.compile(loss="sparse_categorical_crossentropy")
    >>> [numbers], notes = labels_for(model, [np.array(["a", "c", "b"])])
    >>> numbers.tolist(), notes
    ([0, 2, 1], ['Labels became the numbers of their classes, in order: a, b, c.'])
    """
    if not all(isinstance(part, np.ndarray) for part in labels):
        return labels, []
    loss = _loss(model)
    ignored = loss_options(loss).get("ignore_class")
    distinct = [_distinct(part, ignored) for part in labels]
    every, outputs = np.unique(np.concatenate(distinct)), _outputs(model, loss, x)
    if _fits(loss, outputs, every, one_each=labels[0].size == len(labels[0])):
        return labels, []
    values = distinct[0]
    strange = np.setdiff1d(every, values).tolist()
    if strange:
        raise DataError(
            f"the validation part holds the label {strange[0]!r}, which the training part does "
            f"not; expected classes that the training part has, too; check how the arrays were cut"
        )
    names = listed([one if isinstance(one, str) else f"{one:g}" for one in values.tolist()])
    if outputs is None or len(values) != max(outputs, 2):
        raise UnknownClassesError(_unknown(model, names, outputs))
    note = f"Labels became the numbers of their classes, in order: {names}."
    return [_encoded(part, values, outputs, ignored) for part in labels], [note]


def _distinct(labels: Array, ignored: Any) -> Array:
    values = np.unique(np.concatenate([np.unique(piece) for piece in pieces(labels)]))
    return values if ignored is None else values[values != ignored]


def _fits(loss: Any, outputs: int | None, values: Array, *, one_each: bool) -> bool:
    """Whether a loss takes labels with these values as they are."""
    if values.dtype.kind == "U":
        return False
    name, are_whole = loss_kind(loss), bool((np.mod(values, 1) == 0).all())
    if name == COUNTING and outputs is not None:
        return are_whole and bool(((values >= 0) & (values < outputs)).all())
    if name in OF_EACH:
        # `fit` takes any labels of pixels, and any numbers that are no classes.
        are_classes = are_whole and (one_each or len(values) == 2)
        return not are_classes or bool(((values >= 0) & (values <= 1)).all())
    return True


def _encoded(labels: Array, values: Array, outputs: int, ignored: Any) -> Array:
    codes = np.searchsorted(values, labels)
    if outputs == 1:
        return (codes[:, None] if codes.ndim == 1 else codes).astype(np.float32)
    return (codes if ignored is None else np.where(labels == ignored, ignored, codes)).astype("i4")


def _unknown(model: Any, names: str, outputs: int | None) -> str:
    if outputs is None:
        return (
            f"the labels are {names}, and of model {model.name!r}, which has not one output, it is "
            f"not known how many classes it tells apart; expected the numbers of its classes; pass "
            f"the numbers that the model was trained with"
        )
    classes = max(outputs, 2)
    return (
        f"the labels are {names}, and model {model.name!r} tells {classes} classes apart, so which "
        f"of them each is cannot be known; expected {classes} different labels, or numbers from 0 "
        f"to {classes - 1}; pass the numbers that the model was trained with"
    )


def _outputs(model: Any, loss: Any, x: Any) -> int | None:
    """The size of the only output along its class axis; ``None`` where that is not known."""
    if has_graph(model):
        found = functional_of(model).outputs
    elif x is not None:
        with keras.StatelessScope():  # what the call moves stays as it is
            found = keras.tree.flatten(model(rows(x, slice(1)), training=False))
    else:
        return None
    size = found[0].shape[loss_options(loss).get("axis", -1)] if len(found) == 1 else None
    return size if isinstance(size, int) else None


def _loss(model: Any) -> Any:
    """The only loss of a model, however it was given; else what was given."""
    losses = keras.tree.flatten(model.loss)
    return losses[0] if len(losses) == 1 else losses
