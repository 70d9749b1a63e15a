"""Networks of convolutions, one behind the other."""

from __future__ import annotations

import keras
from keras import layers

from normwise.data import Dataset
from normwise.studies.models.parts import as_images, classes, hidden, stack

__all__ = ["digits_cnn", "mnist_cnn"]


def mnist_cnn(dataset: Dataset) -> keras.Model:
    """Three convolutions of 3×3 (32, 64, 64 filters), two poolings, 64-10, ReLU."""
    return stack(
        dataset,
        *as_images(dataset),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        *hidden("relu", 64),
        classes(dataset),
    )


def digits_cnn(dataset: Dataset) -> keras.Model:
    """Two convolutions of 3×3 (16, 32 filters), each pooled, 32-10, ReLU."""
    return stack(
        dataset,
        *as_images(dataset),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        *hidden("relu", 32),
        classes(dataset),
    )
