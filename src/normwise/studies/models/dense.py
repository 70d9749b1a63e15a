"""Networks of dense layers."""

from __future__ import annotations

import keras
from keras import layers

from normwise.data import Dataset
from normwise.studies.models.parts import classes, hidden, stack

__all__ = [
    "churn",
    "circles",
    "deep_mlp",
    "dropout",
    "fashion_mlp",
    "mnist_sigmoid",
    "regression",
    "relu_mlp",
    "scaling",
    "sigmoid_mlp",
    "tanh_mlp",
]


def circles(dataset: Dataset) -> keras.Model:
    """2-50-1, ReLU, He-uniform."""
    return stack(
        dataset,
        layers.Dense(50, activation="relu", kernel_initializer="he_uniform"),
        layers.Dense(1, activation="sigmoid"),
    )


def churn(dataset: Dataset) -> keras.Model:
    """11-64-32-16-1, ReLU, uniform(±0.05)."""
    relu = [
        layers.Dense(units, activation="relu", kernel_initializer="random_uniform")
        for units in (64, 32, 16)
    ]
    output = layers.Dense(1, activation="sigmoid", kernel_initializer="random_uniform")
    return stack(dataset, *relu, output)


def fashion_mlp(dataset: Dataset) -> keras.Model:
    """784-300-100-10, ReLU."""
    return stack(dataset, layers.Flatten(), *hidden("relu", 300, 100), classes(dataset))


def mnist_sigmoid(dataset: Dataset) -> keras.Model:
    """784-100-100-100-10, sigmoid: the toy of the original paper."""
    return stack(dataset, layers.Flatten(), *hidden("sigmoid", 100, 100, 100), classes(dataset))


def deep_mlp(dataset: Dataset, depth: int = 30) -> keras.Model:
    """Thirty hidden layers of 32 units, or as many as ``depth`` says, sigmoid."""
    return stack(dataset, layers.Flatten(), *hidden("sigmoid", *[32] * depth), classes(dataset))


def sigmoid_mlp(dataset: Dataset) -> keras.Model:
    """Five hidden layers of 64 units, sigmoid."""
    return _five_hidden(dataset, "sigmoid")


def tanh_mlp(dataset: Dataset) -> keras.Model:
    """The same with the hyperbolic tangent."""
    return _five_hidden(dataset, "tanh")


def relu_mlp(dataset: Dataset) -> keras.Model:
    """The same with ReLU."""
    return _five_hidden(dataset, "relu")


def regression(dataset: Dataset) -> keras.Model:
    """10-32-16-1, ReLU, a number at its end."""
    return stack(dataset, *hidden("relu", 32, 16), layers.Dense(dataset.label_width))


def scaling(dataset: Dataset) -> keras.Model:
    """30-32-16-1, ReLU."""
    return stack(dataset, *hidden("relu", 32, 16), layers.Dense(1, activation="sigmoid"))


def dropout(dataset: Dataset) -> keras.Model:
    """64-128-128-128-10, ReLU; the variants add the dropout."""
    return stack(dataset, layers.Flatten(), *hidden("relu", 128, 128, 128), classes(dataset))


def _five_hidden(dataset: Dataset, activation: str) -> keras.Model:
    return stack(dataset, layers.Flatten(), *hidden(activation, *[64] * 5), classes(dataset))
