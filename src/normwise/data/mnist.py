"""MNIST and Fashion-MNIST: from the data folder, else from Keras' cache or its download."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.backend import keras_home, require_jax
from normwise.data.dataset import Dataset
from normwise.data.folder import in_data_folder, not_found
from normwise.errors import DataError

__all__ = ["KERAS_CACHE", "fashion_mnist", "keras_folder", "mnist"]

Array = NDArray[Any]
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
            "Bag", "Ankle boot")  # fmt: skip
# As the book that the study follows holds them out.
FASHION_VALIDATION = 5000
PARTS = ("x_train", "y_train", "x_test", "y_test")
# What Keras leaves in its folder of data sets once it has downloaded them.
KERAS_CACHE = {
    "mnist.npz": "mnist.npz",
    "fashion_mnist.npz": "fashion-mnist/train-images-idx3-ubyte.gz",
}


def mnist() -> Dataset:
    """60,000 handwritten digits train, the 10,000 of the test part validate.

    Images are ``(28, 28, 1)`` float32 in [0, 1].

    Raises:
        DataError: It is neither here nor to be downloaded.
    """
    parts = _load("mnist.npz")
    return Dataset(
        name="mnist",
        x_train=_pixels(parts["x_train"]),
        y_train=parts["y_train"].astype(np.int32),
        x_val=_pixels(parts["x_test"]),
        y_val=parts["y_test"].astype(np.int32),
        task="classes",
        class_names=tuple(map(str, range(10))),
        notes=(
            (
                f"{len(parts['x_train']):,} images train, the {len(parts['x_test']):,} of the "
                f"test part validate; pixels in [0, 1]."
            ),
        ),
    )


def fashion_mnist() -> Dataset:
    """55,000 pictures of garments train, the first 5,000 validate, the test part is left alone.

    Images are ``(28, 28, 1)`` float32 in [0, 1].

    Raises:
        DataError: It is neither here nor to be downloaded.
    """
    parts = _load("fashion_mnist.npz")
    images, labels = _pixels(parts["x_train"]), parts["y_train"].astype(np.int32)
    held = FASHION_VALIDATION
    return Dataset(
        name="fashion-mnist",
        x_train=images[held:],
        y_train=labels[held:],
        x_val=images[:held],
        y_val=labels[:held],
        task="classes",
        class_names=GARMENTS,
        notes=(
            (
                f"{len(images) - held:,} images train, the first {held:,} validate, the "
                f"{len(parts['x_test']):,} of the test part stay unseen; pixels in [0, 1]."
            ),
        ),
    )


def keras_folder() -> Path:
    """Where Keras keeps the data sets that it downloads."""
    return keras_home() / "datasets"


def _pixels(images: Array) -> Array:
    return images.astype(np.float32)[..., None] / np.float32(255)


def _load(file_name: str) -> dict[str, Array]:
    path = in_data_folder(file_name)
    parts = _from_keras(file_name) if path is None else _from_file(path)
    for part, digits in zip(PARTS, (3, 1, 3, 1), strict=True):
        if parts[part].ndim != digits or parts[part].dtype.kind not in "iu":
            raise DataError(
                f"{file_name!r} holds {part} of shape {parts[part].shape} and type "
                f"{parts[part].dtype}; expected whole numbers, images as (n, 28, 28) and labels "
                f"as (n,); for an archive of another kind try --data path/to/{file_name}"
            )
    return parts


def _from_file(path: Path) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {part: archive[part] for part in PARTS}
    except Exception as error:  # noqa: BLE001 (a broken archive raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({error}); expected an archive with {', '.join(PARTS)}; "
            f"delete it, and it is downloaded again, or put a whole copy there"
        ) from None


def _from_keras(file_name: str) -> dict[str, Array]:
    require_jax()
    import keras

    name = file_name.removesuffix(".npz")
    try:
        # Keras announces a download on standard output, which is the study's.
        with contextlib.redirect_stdout(sys.stderr):
            train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # noqa: BLE001 (a network fails as it pleases)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise not_found(
            file_name,
            f"path/to/{file_name}",
            f"not in Keras' cache {str(keras_folder())!r}, and its download failed: {reason}",
        ) from None
    return dict(zip(PARTS, (*train, *test), strict=True))
