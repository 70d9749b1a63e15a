"""Networks whose graph branches: shortcuts around layers, and convolutions side by side."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from normwise.data import Dataset
from normwise.studies.models.parts import as_images, classes

__all__ = ["inception", "residual"]

_FILTERS = 8


def residual(dataset: Dataset) -> keras.Model:
    """A convolution of 8 filters, eight more in blocks of two with identity shortcuts, 10; ReLU."""
    inputs, x = _begin(dataset)
    for _ in range(4):
        branch = _linear(_convolution(3)(x))
        x = layers.ReLU()(layers.Add()([x, branch]))
    return _end(dataset, inputs, x)


def inception(dataset: Dataset) -> keras.Model:
    """A convolution, two modules of four branches, each 8 filters wide, pooled, 10; ReLU."""
    inputs, x = _begin(dataset)
    for _ in range(2):
        x = layers.Concatenate()(_branches(x))
    return _end(dataset, inputs, x)


def _begin(dataset: Dataset) -> tuple[Any, Any]:
    """The inputs, and what the first convolution makes of them, at half their size."""
    inputs = x = keras.Input(dataset.x_train.shape[1:])
    for layer in (*as_images(dataset), _convolution(3), layers.MaxPooling2D()):
        x = layer(x)
    return inputs, x


def _end(dataset: Dataset, inputs: Any, x: Any) -> keras.Model:
    return keras.Model(inputs, classes(dataset)(layers.GlobalAveragePooling2D()(x)))


def _branches(x: Any) -> list[Any]:
    """1×1, 1×1 and 3×3, 1×1 and twice 3×3, and 1×1 behind a pooling."""
    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    return [
        _convolution(1)(x),
        _convolution(3)(_convolution(1)(x)),
        _convolution(3)(_convolution(3)(_convolution(1)(x))),
        _convolution(1)(pooled),
    ]


def _convolution(size: int) -> keras.Layer:
    return layers.Conv2D(_FILTERS, size, padding="same", activation="relu")


def _linear(x: Any) -> Any:
    """A convolution that leaves its activation to what comes behind it."""
    return layers.Conv2D(_FILTERS, 3, padding="same")(x)
