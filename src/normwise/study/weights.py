"""How much each training example counts in the loss: class weights and sample weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.labels import class_numbers
from normwise.data.nested import Arrays, is_nested, leaves, mapped
from normwise.data.plain_array import holds_numbers, in_memory
from normwise.errors import SpecError, UnknownNameError

__all__ = ["class_weights", "sample_weights"]

Array = NDArray[Any]


def class_weights(weight: Mapping[str, float], dataset: Dataset) -> Array:
    """The weight of each training example, by its class; 1 where its class has none.

    Of labels that are shares of classes, as in ``fit``, the class is that of the largest share.

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
    classes = _shares(dataset) or dataset.classes
    if classes == 0:
        kind = "numbers to predict" if dataset.task == "regression" else "no classes of examples"
        raise SpecError(
            f"class_weight was given, and the labels of {dataset.name!r} are {kind}; "
            f"expected classes; try sample_weight from Python"
        )
    numbers = [str(number) for number in range(classes)]
    names = dataset.class_names if weight.keys() <= set(dataset.class_names) else numbers
    for name in weight:
        if name not in names:
            raise UnknownNameError("class in class_weight", name, [*dataset.class_names, *numbers])
    by_number = np.array([weight.get(name, 1.0) for name in names], np.float32)
    weights: Array = by_number[class_numbers(dataset.y_train)]
    if not weights.any():
        raise _counting_nothing("class_weight")
    return weights


def _shares(dataset: Dataset) -> int:
    """Of how many classes each label is a distribution; 0 where labels are none."""
    if dataset.task != "regression" or dataset.label_width == 1:
        return 0
    shares = dataset.y_train
    are_shares = bool((shares >= 0).all()) and np.allclose(shares.sum(axis=-1), 1, atol=1e-3)
    return dataset.label_width if are_shares else 0


def sample_weights(weight: Any, examples: int) -> Arrays:
    """Weights of examples, checked.

    Args:
        weight: ``(examples,)``, or ``(examples, steps)`` for each time step, or a list or
            dictionary of such arrays for each output; finite and at least 0.
        examples: How many are expected.

    Returns:
        The same, float32.

    Raises:
        SpecError: It is anything else.

    >>> sample_weights({"kind": [0, 1], "size": [[1.0], [2.0]]}, 2)["size"].shape
    (2, 1)
    """
    if is_nested(weight) and not holds_numbers(weight):
        found = mapped(lambda one: _checked(one, examples), in_memory("sample_weight", weight))
    else:
        found = _checked(weight, examples)
    if not any(array.any() for array in leaves(found)):
        raise _counting_nothing("sample_weight")
    return found


def _checked(weight: Any, examples: int) -> Array:
    expected = f"expected {examples:,} finite numbers of at least 0, one for each example"
    instead = f"try sample_weight=numpy.ones({examples})"
    try:
        array = np.asarray(weight, np.float32)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"sample_weight is no array of numbers ({error}); {expected}; {instead}"
        ) from None
    if array.shape[:1] != (examples,):
        raise SpecError(f"sample_weight has shape {array.shape}; {expected}; {instead}")
    fine = (np.isfinite(array) & (array >= 0)).reshape(examples, -1)
    if not fine.all():
        row, place = (int(number[0]) for number in np.nonzero(~fine))
        value = array.reshape(examples, -1)[row, place]
        raise SpecError(f"sample_weight holds {value:g} in row {row}; {expected}; {instead}")
    return array


def _counting_nothing(what: str) -> SpecError:
    return SpecError(
        f"{what} gives every training example the weight 0, so that no loss would be left to "
        f"learn from; expected one above 0; leave {what} out"
    )
