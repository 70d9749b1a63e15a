"""Data that scikit-learn brings along: nothing to download."""

from __future__ import annotations

import dataclasses

import numpy as np

from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset

__all__ = ["breast_cancer", "diabetes", "digits", "few_digits"]

_FEW = 200  # examples that a network of some thousand weights learns by heart


def digits() -> Dataset:
    """1,797 handwritten digits as ``(8, 8, 1)`` float32 images in [0, 1]; a fifth validates.

    >>> digits().x_train.shape
    (1437, 8, 8, 1)
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = data.images.astype(np.float32)[..., None] / np.float32(16)
    return dataclasses.replace(
        from_arrays(images, data.target, name="digits", task="classes"),
        class_names=tuple(map(str, data.target_names)),
    )


def few_digits() -> Dataset:
    """The same digits, of which the first 200 train and all others validate.

    >>> few_digits().x_train.shape, few_digits().x_val.shape
    ((200, 8, 8, 1), (1597, 8, 8, 1))
    """
    data = digits()
    return dataclasses.replace(
        data,
        name="few-digits",
        x_train=data.x_train[:_FEW],
        y_train=data.y_train[:_FEW],
        x_val=np.concatenate([data.x_train[_FEW:], data.x_val]),
        y_val=np.concatenate([data.y_train[_FEW:], data.y_val]),
        notes=(f"The first {_FEW} of the digits' training part train, all others validate.",),
    )


def diabetes() -> Dataset:
    """442 patients, ten measurements, and how far the disease went in a year (25 to 346).

    Inputs are standardised on the training part.

    >>> diabetes().x_train.shape
    (353, 10)
    """
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    raw = from_arrays(data.data.astype(np.float32), data.target, name="diabetes")
    mean, deviation = raw.x_train.mean(axis=0), raw.x_train.std(axis=0)
    return dataclasses.replace(
        raw,
        x_train=(raw.x_train - mean) / deviation,
        x_val=(raw.x_val - mean) / deviation,
        feature_names=tuple(data.feature_names),
        notes=(*raw.notes, "Inputs standardised on the training part."),
    )


def breast_cancer() -> Dataset:
    """569 tumours, thirty measurements as they came: some below 0.01, some above 4,000.

    >>> bool(breast_cancer().x_train.max() > 4000)
    True
    """
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    raw = from_arrays(data.data.astype(np.float32), data.target, name="breast-cancer")
    return dataclasses.replace(
        raw,
        feature_names=tuple(map(str, data.feature_names)),
        class_names=tuple(map(str, data.target_names)),
        notes=(*raw.notes, "The columns are raw: nothing was scaled."),
    )
