"""The models of the built-in studies; importing this module imports Keras."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from normwise.data import Dataset

__all__ = ["MODELS"]

Builder = Callable[..., keras.Model]


def circles(dataset: Dataset) -> keras.Model:
    """2-50-1, ReLU, He-uniform."""
    return _stack(
        dataset,
        layers.Dense(50, activation="relu", kernel_initializer="he_uniform"),
        layers.Dense(1, activation="sigmoid"),
    )


def churn(dataset: Dataset) -> keras.Model:
    """11-64-32-16-1, ReLU, uniform(±0.05)."""
    hidden = [
        layers.Dense(units, activation="relu", kernel_initializer="random_uniform")
        for units in (64, 32, 16)
    ]
    output = layers.Dense(1, activation="sigmoid", kernel_initializer="random_uniform")
    return _stack(dataset, *hidden, output)


def fashion_mlp(dataset: Dataset) -> keras.Model:
    """784-300-100-10, ReLU."""
    return _stack(dataset, layers.Flatten(), *_hidden("relu", 300, 100), _classes(dataset))


def mnist_cnn(dataset: Dataset) -> keras.Model:
    """Three convolutions of 3×3 (32, 64, 64 filters), two poolings, 64-10, ReLU."""
    return _stack(
        dataset,
        *_as_images(dataset),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        *_hidden("relu", 64),
        _classes(dataset),
    )


def mnist_sigmoid(dataset: Dataset) -> keras.Model:
    """784-100-100-100-10, sigmoid: the toy of the original paper."""
    return _stack(dataset, layers.Flatten(), *_hidden("sigmoid", 100, 100, 100), _classes(dataset))


def digits_cnn(dataset: Dataset) -> keras.Model:
    """Two convolutions of 3×3 (16, 32 filters), each pooled, 32-10, ReLU."""
    return _stack(
        dataset,
        *_as_images(dataset),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        *_hidden("relu", 32),
        _classes(dataset),
    )


def deep_mlp(dataset: Dataset, depth: int = 30) -> keras.Model:
    """Thirty hidden layers of 32 units, or as many as ``depth`` says, sigmoid."""
    hidden = _hidden("sigmoid", *[32] * depth)
    return _stack(dataset, layers.Flatten(), *hidden, _classes(dataset))


def sequence(dataset: Dataset) -> keras.Model:
    """An LSTM of 32 units that reads a picture row by row."""
    return _stack(dataset, *_as_rows(dataset), layers.LSTM(32), _classes(dataset))


def sequence_gru(dataset: Dataset) -> keras.Model:
    """Two bidirectional GRUs of 2 × 16 units that read a picture row by row."""
    return _stack(
        dataset,
        *_as_rows(dataset),
        layers.Bidirectional(layers.GRU(16, return_sequences=True)),
        layers.Bidirectional(layers.GRU(16)),
        _classes(dataset),
    )


def regression(dataset: Dataset) -> keras.Model:
    """10-32-16-1, ReLU, a number at its end."""
    return _stack(dataset, *_hidden("relu", 32, 16), layers.Dense(dataset.label_width))


def scaling(dataset: Dataset) -> keras.Model:
    """30-32-16-1, ReLU."""
    return _stack(dataset, *_hidden("relu", 32, 16), layers.Dense(1, activation="sigmoid"))


def dropout(dataset: Dataset) -> keras.Model:
    """64-128-128-128-10, ReLU; the variants add the dropout."""
    return _stack(dataset, layers.Flatten(), *_hidden("relu", 128, 128, 128), _classes(dataset))


MODELS: dict[str, Builder] = {
    "circles": circles,
    "churn": churn,
    "fashion-mlp": fashion_mlp,
    "mnist-cnn": mnist_cnn,
    "mnist-sigmoid": mnist_sigmoid,
    "digits-cnn": digits_cnn,
    "deep-mlp": deep_mlp,
    "sequence": sequence,
    "sequence-gru": sequence_gru,
    "regression": regression,
    "scaling": scaling,
    "dropout": dropout,
}


def _stack(dataset: Dataset, *stack: keras.Layer) -> keras.Model:
    return keras.Sequential([keras.Input(dataset.x_train.shape[1:]), *stack])


def _hidden(activation: str, *units: int) -> list[keras.Layer]:
    return [layers.Dense(width, activation=activation) for width in units]


def _classes(dataset: Dataset) -> keras.Layer:
    return layers.Dense(dataset.classes, activation="softmax")


def _as_images(dataset: Dataset) -> list[keras.Layer]:
    """A channel axis for pictures that came without, as in Keras' own archives."""
    shape = dataset.x_train.shape[1:]
    return [layers.Reshape((*shape, 1))] if len(shape) == 2 else []


def _as_rows(dataset: Dataset) -> list[keras.Layer]:
    """Each row of a picture a step, all its pixels the step's features."""
    shape = dataset.x_train.shape[1:]
    return [layers.Reshape((shape[0], -1))] if len(shape) == 3 else []
