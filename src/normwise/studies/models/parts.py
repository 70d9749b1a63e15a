"""What the networks are put together from."""

from __future__ import annotations

import keras
from keras import layers

from normwise.data import Dataset

__all__ = ["as_images", "as_rows", "classes", "hidden", "stack"]


def stack(dataset: Dataset, *layers_in_order: keras.Layer) -> keras.Model:
    """Layers one behind the other, on inputs of the data's shape."""
    return keras.Sequential([keras.Input(dataset.x_train.shape[1:]), *layers_in_order])


def hidden(activation: str, *units: int) -> list[keras.Layer]:
    """Dense layers of these widths."""
    return [layers.Dense(width, activation=activation) for width in units]


def classes(dataset: Dataset) -> keras.Layer:
    """The output layer: a probability for each class."""
    return layers.Dense(dataset.classes, activation="softmax")


def as_images(dataset: Dataset) -> list[keras.Layer]:
    """A channel axis for pictures that came without, as in Keras' own archives."""
    shape = dataset.x_train.shape[1:]
    return [layers.Reshape((*shape, 1))] if len(shape) == 2 else []


def as_rows(dataset: Dataset) -> list[keras.Layer]:
    """Each row of a picture a step, all its pixels the step's features."""
    shape = dataset.x_train.shape[1:]
    return [layers.Reshape((shape[0], -1))] if len(shape) == 3 else []
