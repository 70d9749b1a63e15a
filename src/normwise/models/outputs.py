"""What a model gives: its shape, whether that fits the labels, whether it is probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from normwise.data import Dataset
from normwise.data.nested import mapped
from normwise.errors import ModelError, listed
from normwise.keras_private import operation_behind
from normwise.models.graph import has_graph
from normwise.models.kinds import is_called
from normwise.models.tracing import tracing

__all__ = [
    "ends_in_probabilities",
    "is_row",
    "named_outputs",
    "output_shape",
    "output_units",
    "outputs_in_words",
]

_PROBABILITIES = ("sigmoid", "softmax")


def output_shape(model: keras.Model, dataset: Dataset) -> Any:
    """What the model gives for a batch: a shape, or several in a list or a dictionary.

    ``None`` of a model that is never called: its own steps call what it holds, as a GAN's do.
    """
    if has_graph(model):
        return model.output_shape
    if not is_called(model):
        return None
    examples = mapped(
        lambda array: keras.KerasTensor((None, *array.shape[1:]), str(array.dtype)),
        dataset.x_train,
    )
    with tracing(model, "evaluation"):
        outputs = model(examples)
    return keras.tree.map_structure(lambda tensor: tensor.shape, outputs)


def named_outputs(shape: Any, model: keras.Model) -> dict[str, Any] | None:
    """The shapes of several outputs by their names; ``None`` for one output, or without names."""
    if isinstance(shape, Mapping):
        return dict(shape)
    names = list(getattr(model, "output_names", None) or ())
    several = isinstance(shape, list) and len(shape) == len(names)
    return dict(zip(names, shape, strict=True)) if several else None


def outputs_in_words(model: keras.Model, dataset: Dataset) -> str:
    """What a model gives: a shape, or the shapes of several outputs beside their names."""
    shape = output_shape(model, dataset)
    named = named_outputs(shape, model)
    return str(shape) if named is None else listed([f"{n!r}: {one}" for n, one in named.items()])


def output_units(model: keras.Model, dataset: Dataset, *, or_more: bool = False) -> int:
    """How many numbers the model gives for an example, where that fits the labels.

    Args:
        model: Built.
        dataset: What it trains on.
        or_more: Whether the model may tell more classes apart than are among the labels.

    Raises:
        ModelError: It does not fit them.
    """
    shape = output_shape(model, dataset)
    if dataset.task == "regression":
        wanted = {dataset.label_width}
        labels = f"{dataset.label_width} number(s) to predict"
    else:
        wanted = {1, 2} if dataset.task == "binary" else {dataset.classes}
        labels = f"{dataset.classes} classes"
        if or_more and dataset.task == "classes" and dataset.label_width == 1 and is_row(shape):
            wanted = {max(shape[1], dataset.classes)}
    if not is_row(shape) or shape[1] not in wanted:
        fits = " or ".join(str((None, units)) for units in sorted(wanted))
        raise ModelError(
            f"the model's output has shape {outputs_in_words(model, dataset)} and the labels of "
            f"{dataset.name!r} are {labels}; expected {fits}; end the model with "
            f"keras.layers.Dense({min(wanted)}, "
            f"activation={_activation_for(dataset, min(wanted))!r}){_other_task(dataset)}"
        )
    return int(shape[1])


def is_row(shape: Any) -> bool:
    """Whether a model gives a row of numbers for each example, and nothing else.

    >>> is_row((None, 3)), is_row((None, 8, 3)), is_row([(None, 3), (None, 1)])
    (True, False, False)
    """
    return isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int)


def _other_task(dataset: Dataset) -> str:
    """What else whole numbers may be taken for, as a way out."""
    whole = dataset.y_train.dtype.kind in "iu" or not (dataset.y_train % 1).any()
    if dataset.task == "binary" or not whole:
        return ""
    return f", or try --task {'classes' if dataset.task == 'regression' else 'regression'}"


def _activation_for(dataset: Dataset, units: int) -> str | None:
    if dataset.task == "regression":
        return None
    return "sigmoid" if units == 1 else "softmax"


def ends_in_probabilities(model: keras.Model) -> bool:
    """Whether the last thing a model with a graph does is a sigmoid or a softmax."""
    # Not the last of the layers: keras.ops.sigmoid(x) is an operation and none of them.
    last = operation_behind(model.outputs[0])
    if has_graph(last):
        return ends_in_probabilities(last)
    activation = getattr(last, "activation", None)
    names = (type(last).__name__.lower(), getattr(activation, "__name__", ""))
    return any(name in _PROBABILITIES for name in names)
