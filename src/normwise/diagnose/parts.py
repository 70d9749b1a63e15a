"""The training and the validation part of what a finished model is looked at with."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from normwise.datasets import Dataset
from normwise.datasets.arrays import split
from normwise.datasets.labels import labelling
from normwise.errors import DataError
from normwise.rewrite.feeding import count, rows

__all__ = ["Parts", "parts_of"]

# "training" and "validation", each to its inputs and labels.
Parts: TypeAlias = dict[str, tuple[Any, Any]]


def parts_of(data: Any) -> Parts:
    """Training and validation part of data in any of the forms that :func:`normwise.gap` takes.

    Arrays stay as they are: the model was trained on numbers of its user's own scaling.

    Args:
        data: As there.

    Raises:
        DataError: It is none of these forms, or inputs and labels differ in number.

    >>> data = np.zeros((10, 2)), np.arange(10) % 2
    >>> {name: len(y) for name, (_, y) in parts_of(data).items()}
    {'training': 8, 'validation': 2}
    """
    if isinstance(data, Dataset):
        found = (data.x_train, data.y_train), (data.x_val, data.y_val)
    elif isinstance(data, tuple) and len(data) == 4:
        found = data[:2], data[2:]
    elif isinstance(data, tuple) and [type(part) for part in data] == [tuple, tuple]:
        found = data
    elif isinstance(data, tuple) and len(data) == 2:
        found = _split(*data)
    else:
        raise DataError(
            f"data is of type {type(data).__name__}; expected a Dataset, (x, y), "
            f"((x, y), (x_val, y_val)) or (x, y, x_val, y_val); try gap(model, (x, y))"
        )
    parts = dict(zip(("training", "validation"), found, strict=True))
    for name, (x, y) in parts.items():
        if count(x) != count(y):
            raise DataError(
                f"there are {count(x)} inputs and {count(y)} labels in the {name} part; expected "
                f"as many of each; check how the arrays were cut"
            )
    return parts


def _split(x: Any, y: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """As a study splits them, so that a study's model meets the parts it was trained with."""
    if not hasattr(y, "shape"):
        raise DataError(
            f"labels of type {type(y).__name__} cannot be split; expected an array, or a "
            f"validation part; pass (x, y, x_val, y_val)"
        )
    train, val = split(y, labelling("y", np.asarray(y), None).task)
    return (rows(x, train), y[train]), (rows(x, val), y[val])
