"""Shapes of what a model gives."""

from __future__ import annotations

from typing import Any

import keras

from normwise.data import Dataset
from normwise.models.graph import has_graph
from normwise.models.tracing import tracing

__all__ = ["example_output", "output_shape"]


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
