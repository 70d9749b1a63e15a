"""Data and example weights, in whatever form they were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset, find_dataset, from_arrays
from normwise.domain import image_size
from normwise.errors import SpecError
from normwise.spec import Spec
from normwise.study.weights import class_weights, sample_weights

__all__ = ["Arrived", "arrived", "as_dataset", "check_batch", "example_weights"]


@dataclass(frozen=True, eq=False)
class Arrived:
    """Data as a study knows them.

    Attributes:
        data: A name, a :class:`~normwise.data.Dataset`, ``(x, y)`` or
            ``((x, y), (x_val, y_val))``.
        weights: How much each example of ``x`` counts, where that came with the examples.
        note: What was decided as batches were drawn; empty where nothing was.
    """

    data: Any
    weights: Any = None
    note: str = ""


def arrived(data: Any) -> Arrived:
    """Data in one of the forms that a study knows; batches are drawn once into memory.

    Raises:
        DataError: Batches fail, or do not go together.

    >>> arrived(([[1.0]], [1], [0.5])).weights
    [0.5]
    """
    data, note = _drawn(data)
    if not isinstance(data, tuple):
        return Arrived(data, note=note)
    if len(data) == 4 and not note:
        data = data[:2], data[2:]
    weights = None
    if len(data) == 3:
        *data, weights = data
    elif len(data) == 2 and isinstance(data[0], tuple) and len(data[0]) == 3:
        (*train, weights), val = data
        data = tuple(train), val
    return Arrived(tuple(data), weights, note)


def _drawn(data: Any) -> tuple[Any, str]:
    """Data with what loaders give in their place, and what was decided on the way."""
    if isinstance(data, str):
        return data, ""
    # Here, so that to import the package does not load Keras.
    from normwise.models.loaders import (
        Drawn,
        draw,
        is_loader,
        is_pair_of_loaders,
        refuse_single_examples,
    )

    if is_loader(data):
        found = draw(data, to_its_end=True)
        return found.parts, found.note
    if not is_pair_of_loaders(data):
        refuse_single_examples(data)
        return data, ""
    drawn = [draw(part, to_its_end=True) if is_loader(part) else part for part in data]
    notes = [one.note for one in drawn if isinstance(one, Drawn)]
    return tuple(one.parts if isinstance(one, Drawn) else one for one in drawn), " ".join(notes)


def as_dataset(data: Any, spec: Spec) -> Dataset:
    """The data set behind what a study was given.

    Raises:
        SpecError: It is nothing that a study takes.
        DataError: It cannot be found, or does not read.
    """
    if isinstance(data, str):
        return find_dataset(
            data,
            spec.target_column,
            spec.task,
            spec.group_column,
            spec.labels,
            image_size(spec.image_size) if spec.image_size else None,
            spec.color_mode,
        )
    if spec.group_column is not None:
        raise SpecError(
            f"group_column {spec.group_column!r} was given with a {type(data).__name__}, which has "
            f"no columns to name; expected a FILE.csv; try ((x, y), (x_val, y_val)) with "
            f"other groups in the second pair"
        )
    if isinstance(data, Dataset):
        return data.require(spec.task)
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise SpecError(
            f"data is of type {type(data).__name__}; expected (x, y), ((x, y), (x_val, y_val)), "
            f"batches of (x, y), a name or a file; try Study(model, (x, y))"
        )
    if isinstance(data[0], tuple) and isinstance(data[1], tuple) and len(data[1]) == 3:
        raise SpecError(
            "the validation part has weights of its own, (x_val, y_val, weights); expected "
            "examples that count alike, since variants are judged by them; try (x_val, y_val)"
        )
    if _has_validation(data):
        return from_arrays(*data[0], *data[1], task=spec.task)
    return from_arrays(data[0], data[1], task=spec.task)


def _has_validation(data: Any) -> bool:
    """Whether data are ``((x, y), (x_val, y_val))`` rather than ``(x, y)``."""
    pairs = all(isinstance(part, tuple | list) and len(part) == 2 for part in data)
    return pairs and np.ndim(data[0][0]) > 0


def example_weights(
    spec: Spec, data: Any, dataset: Dataset, sample_weight: Any
) -> NDArray[Any] | None:
    """The weight of each training example in the loss; ``None`` if all are alike."""
    if sample_weight is None:
        return None if spec.class_weight is None else class_weights(spec.class_weight, dataset)
    if spec.class_weight is not None:
        raise SpecError(
            "class_weight and sample_weight were both given; expected one of them; multiply the "
            "class's weight into sample_weight"
        )
    if not isinstance(data, tuple | list) or _has_validation(data):
        return sample_weights(sample_weight, len(dataset.x_train))
    given = sample_weights(sample_weight, len(data[1]))
    # Their way to the training part is that of the examples: as row numbers, they show it.
    numbers = np.arange(len(given), dtype=np.int32)[:, None]
    rows = from_arrays(numbers, data[1], task=spec.task).x_train
    return np.take(given, rows[:, 0])


def check_batch(spec: Spec, dataset: Dataset) -> None:
    """Refuse batches that are larger than the training part.

    Raises:
        SpecError: One is.
    """
    examples, largest = len(dataset.x_train), max(spec.batch_size)
    if largest > examples:
        raise SpecError(
            f"batch size is {largest} and the training part of {dataset.name!r} has "
            f"{examples} examples; expected a batch no larger than the data; "
            f"try --batch-size {min(32, examples)}"
        )
