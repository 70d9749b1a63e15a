"""How much each training example counts in the loss: class weights and sample weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.errors import SpecError, UnknownNameError

__all__ = ["class_weights", "sample_weights"]

Array = NDArray[Any]


def class_weights(weight: Mapping[str, float], dataset: Dataset) -> Array:
    """The weight of each training example, by its class; 1 where its class has none.

    Args:
        weight: Class to weight: all by name, where the data have names, or all by number.
        dataset: What is trained on.

    Returns:
        ``(n,)``, float32.

    Raises:
        SpecError: The labels are no classes, or none of the examples counts.
        UnknownNameError: There is no such class.

    >>> from normwise.data import from_arrays
    >>> data = from_arrays([[0.0], [1.0], [2.0]] * 2, [0, 1, 1] * 2, [[0.0]], [0])
    >>> class_weights({"1": 4.0}, data).tolist()
    [1.0, 4.0, 4.0, 1.0, 4.0, 4.0]
    """
    if dataset.task == "regression":
        raise SpecError(
            f"class_weight was given, and the labels of {dataset.name!r} are numbers to predict; "
            f"expected classes; try sample_weight from Python"
        )
    numbers = [str(number) for number in range(dataset.classes)]
    names = dataset.class_names if weight.keys() <= set(dataset.class_names) else numbers
    for name in weight:
        if name not in names:
            raise UnknownNameError("class in class_weight", name, [*dataset.class_names, *numbers])
    by_number = np.array([weight.get(name, 1.0) for name in names], np.float32)
    labels: Array = dataset.y_train.reshape(len(dataset.y_train)).astype(int)
    return _counting("class_weight", by_number[labels])


def sample_weights(weight: Any, examples: int) -> Array:
    """One weight an example, checked.

    Args:
        weight: ``(examples,)``, finite and at least 0.
        examples: How many are expected.

    Returns:
        ``(examples,)``, float32.

    Raises:
        SpecError: It is anything else.
    """
    expected = f"expected {examples:,} finite numbers of at least 0, one for each example"
    try:
        array = np.asarray(weight, np.float32)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"sample_weight is no array of numbers ({error}); {expected}; "
            f"try sample_weight=numpy.ones({examples})"
        ) from None
    if array.shape != (examples,):
        raise SpecError(
            f"sample_weight has shape {array.shape}; {expected}; "
            f"try sample_weight=numpy.ones({examples})"
        )
    if not (np.isfinite(array) & (array >= 0)).all():
        row = int(np.flatnonzero(~(np.isfinite(array) & (array >= 0)))[0])
        raise SpecError(
            f"sample_weight holds {array[row]:g} in row {row}; {expected}; "
            f"try sample_weight=numpy.ones({examples})"
        )
    return _counting("sample_weight", array)


def _counting(what: str, weights: Array) -> Array:
    if not weights.any():
        raise SpecError(
            f"{what} gives every training example the weight 0, so that no loss would be left to "
            f"learn from; expected one above 0; leave {what} out"
        )
    return weights
