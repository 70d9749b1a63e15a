"""What a model gives: its shape, whether that fits the labels, whether it is probabilities."""

from __future__ import annotations

from typing import Any

import keras

from normwise.data import Dataset
from normwise.errors import ModelError
from normwise.keras_private import operation_behind
from normwise.models.graph import has_graph
from normwise.models.tracing import tracing

__all__ = ["ends_in_probabilities", "example_output", "output_shape", "output_units"]

_PROBABILITIES = ("sigmoid", "softmax")


def output_shape(model: keras.Model, dataset: Dataset) -> Any:
    """What the model gives for a batch: a shape, or several in a list or a dictionary."""
    if has_graph(model):
        return model.output_shape
    examples = keras.KerasTensor((None, *dataset.x_train.shape[1:]), str(dataset.x_train.dtype))
    with tracing(model, "evaluation"):
        outputs = model(examples)
    return keras.tree.map_structure(lambda tensor: tensor.shape, outputs)


def example_output(model: keras.Model, dataset: Dataset) -> tuple[int, ...]:
    """Shape of what the model gives for one example."""
    return tuple(size or 1 for size in output_shape(model, dataset)[1:])


def output_units(model: keras.Model, dataset: Dataset) -> int:
    """How many numbers the model gives for an example, where that fits the labels.

    Raises:
        ModelError: Its output does not fit the labels, or its input the examples.
    """
    shape = output_shape(model, dataset)
    if dataset.task == "regression":
        wanted = {dataset.y_train.shape[1]}
        labels = f"{dataset.y_train.shape[1]} numbers to predict"
    else:
        wanted = {1, 2} if dataset.task == "binary" else {dataset.classes}
        labels = f"{dataset.classes} classes"
    if isinstance(shape, list | dict) or len(shape) != 2 or shape[1] not in wanted:
        fits = " or ".join(str((None, units)) for units in sorted(wanted))
        raise ModelError(
            f"the model's output has shape {shape} and the labels of {dataset.name!r} are "
            f"{labels}; expected {fits}; end the model with keras.layers.Dense({min(wanted)}, "
            f"activation={_activation_for(dataset, min(wanted))!r}){_other_task(dataset)}"
        )
    inputs = model.input_shape if has_graph(model) else (None, *dataset.x_train.shape[1:])
    if not isinstance(inputs, tuple) or not _fits(inputs[1:], dataset.x_train.shape[1:]):
        raise ModelError(
            f"the model's input has shape {inputs} and an example of {dataset.name!r} "
            f"{dataset.x_train.shape[1:]}; expected the same; begin the model with "
            f"keras.Input({dataset.x_train.shape[1:]})"
        )
    return int(shape[1])


def _other_task(dataset: Dataset) -> str:
    """What else whole numbers may be taken for, as a way out."""
    whole = dataset.y_train.dtype.kind in "iu" or not (dataset.y_train % 1).any()
    if dataset.task == "binary" or not whole:
        return ""
    return f", or try --task {'classes' if dataset.task == 'regression' else 'regression'}"


def _fits(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(wanted) == len(shape) and all(
        want is None or want == size for want, size in zip(wanted, shape, strict=True)
    )


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
