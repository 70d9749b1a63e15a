"""Images of bytes as the built-in models expect them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.dataset import Dataset
from normwise.data.mapped_rows import changed, pieces

__all__ = ["scaled"]

BRIGHTEST = np.float32(255)


def scaled(dataset: Dataset) -> Dataset:
    """Images of bytes from 0 to 1, and a note that says so; all other inputs as they are.

    Bytes of three and more dimensions are taken for images, unless they are no more than 0 and 1.

    >>> images = np.full((2, 4, 4), 255, "uint8")
    >>> data = Dataset("mine", images, np.ones((2, 1)), images, np.ones((2, 1)), "regression")
    >>> float(scaled(data).x_train.max())
    1.0
    """
    train = dataset.x_train
    if train.dtype != np.uint8 or train.ndim == 2 or max(part.max() for part in pieces(train)) <= 1:
        return dataset
    note = "The inputs are images of bytes: 0 to 255 became 0 to 1, as the built-in models take it."
    return dataclasses.replace(
        dataset,
        x_train=changed(train, _from_bytes),
        x_val=changed(dataset.x_val, _from_bytes),
        notes=(*dataset.notes, note),
    )


def _from_bytes(images: NDArray[Any]) -> NDArray[Any]:
    scaled_images: NDArray[Any] = np.divide(images, BRIGHTEST, dtype=np.float32)
    return scaled_images
