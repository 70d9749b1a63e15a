"""The models of the built-in studies; importing this module imports Keras."""

from __future__ import annotations

import keras
from keras import layers

from normwise.datasets import Dataset

__all__ = ["MODELS", "churn", "circles"]


def circles(dataset: Dataset) -> keras.Model:
    """2-50-1, ReLU, He-uniform."""
    return keras.Sequential(
        [
            keras.Input(dataset.x_train.shape[1:]),
            layers.Dense(50, activation="relu", kernel_initializer="he_uniform"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def churn(dataset: Dataset) -> keras.Model:
    """11-64-32-16-1, ReLU, uniform(±0.05)."""
    hidden = [
        layers.Dense(units, activation="relu", kernel_initializer="random_uniform")
        for units in (64, 32, 16)
    ]
    output = layers.Dense(1, activation="sigmoid", kernel_initializer="random_uniform")
    return keras.Sequential([keras.Input(dataset.x_train.shape[1:]), *hidden, output])


MODELS = {"circles": circles, "churn": churn}
