"""Data and example weights, in whatever form they were given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from normwise.data import (
    AskNames,
    Dataset,
    find_dataset,
    from_arrays,
    from_frame,
    from_frames,
    is_frame,
    needs_preparation,
    no_names,
)
from normwise.data.nested import is_nested
from normwise.data.plain_array import holds_numbers
from normwise.domain import image_size
from normwise.errors import DataError, SpecError, listed
from normwise.spec import Spec
from normwise.study.weights import class_weights, sample_weights

__all__ = ["Arrived", "arrived", "as_dataset", "check_batch"]

# Inputs and labels, and perhaps weights.
PARTS = (2, 3)
# What the labels among the arrays of a dictionary are called.
_LABELS = ("y", "label", "labels", "target", "targets", "class", "y_train")


@dataclass(frozen=True, eq=False)
class Arrived:
    """Data as a study knows them.

    Attributes:
        data: A name, a :class:`~normwise.data.Dataset`, or ``(x, y)`` or ``(x, y, weights)``.
        validation: The same of what validates, where that was given.
        note: What was decided as batches were drawn; empty where nothing was.
    """

    data: Any
    validation: tuple[Any, ...] | None = None
    note: str = ""


def arrived(data: Any) -> Arrived:
    """Data in one of the forms that a study knows; batches are drawn once into memory.

    Raises:
        DataError: Batches fail, or do not go together.

    >>> arrived(([[1.0]], [1], [[2.0]], [0])).validation
    ([[2.0]], [0])
    """
    if isinstance(data, str):
        return Arrived(data)
    # Here, so that to import the package does not load Keras.
    from normwise.models.loaders import (
        draw,
        is_loader,
        is_pair_of_loaders,
        note_of,
        refuse_single_examples,
    )

    if is_loader(data):
        found = draw(data, to_its_end=True)
        return Arrived(_with_labels(found.parts, found.loader), note=note_of(found))
    note = ""
    if is_pair_of_loaders(data):
        data, note = _drawn(data)
    else:
        refuse_single_examples(data)
    if not isinstance(data, tuple | list):
        return Arrived(data)
    if len(data) == 2 * PARTS[0]:
        return Arrived(tuple(data[:2]), tuple(data[2:]))
    if len(data) == 2 and all(map(_is_part, data)) and not _are_alike(*data):
        return Arrived(tuple(data[0]), tuple(data[1]), note)
    return Arrived(tuple(data))


def _drawn(parts: Any) -> tuple[Any, str]:
    """Two parts with what loaders give in their place, and what was decided on the way."""
    from normwise.models.loaders import Drawn, draw, is_loader, note_of

    drawn = [draw(part, to_its_end=True) if is_loader(part) else part for part in parts]
    note = note_of(*(one for one in drawn if isinstance(one, Drawn)))
    return tuple(
        _with_labels(one.parts, one.loader) if isinstance(one, Drawn) else one for one in drawn
    ), note


def _with_labels(parts: Any, loader: str) -> tuple[Any, ...]:
    """What a loader gave as inputs and labels; ``None`` for these where it gave inputs alone.

    Raises:
        DataError: It gave a dictionary, which is inputs by their names, as to ``fit``.
    """
    if isinstance(parts, Mapping):
        raise _of_dictionary(f"the {loader} gives dictionaries", parts, "batch")
    return parts if isinstance(parts, tuple) and len(parts) > 1 else (*_as_tuple(parts), None)


def _as_tuple(parts: Any) -> tuple[Any, ...]:
    return parts if isinstance(parts, tuple) else (parts,)


def _of_dictionary(what: str, parts: Mapping[Any, Any], name: str) -> DataError:
    """Why a dictionary is no data: ``fit`` takes it for inputs, and labels are missed."""
    labels = next((key for key in parts if str(key).lower() in _LABELS), None)
    others = [key for key in parts if key != labels]
    x = f"{name}[{others[0]!r}]" if labels is not None and len(others) == 1 else name
    y = "None" if labels is None else f"{name}[{labels!r}]"
    return DataError(
        f"{what} of {listed([repr(key) for key in parts])}, which fit takes for inputs by their "
        f"names, without labels; expected (x, y), or (x, y, weights); try ({x}, {y})"
    )


def _is_part(part: Any) -> bool:
    """Whether it is ``(x, y)`` or ``(x, y, weights)``."""
    return isinstance(part, tuple | list) and len(part) in PARTS and not holds_numbers(part)


def _are_alike(x: Any, y: Any) -> bool:
    """Whether lists hold the arrays of several inputs and outputs: as many examples in each."""
    if isinstance(x, tuple) or isinstance(y, tuple):
        return False
    lengths = {len(one) for one in (*x, *y) if not is_nested(one) and np.ndim(one)}
    return len(lengths) == 1


def as_dataset(
    came: Arrived, spec: Spec, sample_weight: Any = None, names: AskNames = no_names
) -> Dataset:
    """The data set behind what a study was given.

    Args:
        came: What it was given.
        spec: Its settings.
        sample_weight: How much each example counts in the training loss.
        names: Says what the model calls its inputs and outputs.

    Raises:
        SpecError: It is nothing that a study takes, or weights do not fit.
        DataError: It cannot be found, or does not read.
    """
    if isinstance(came.data, str):
        named = find_dataset(
            came.data,
            spec.target_column,
            spec.task,
            spec.group_column,
            spec.labels,
            image_size(spec.image_size) if spec.image_size else None,
            spec.color_mode,
            names,
        )
        return _weighted(named, spec, sample_weight, came.note)
    if is_frame(came.data) or (isinstance(came.data, tuple) and needs_preparation(came.data[0])):
        return _of_frames(came, spec, sample_weight)
    if spec.group_column is not None:
        raise SpecError(
            f"group_column {spec.group_column!r} was given with a {type(came.data).__name__}, "
            f"which has no columns to name; expected a FILE.csv; try ((x, y), (x_val, y_val)) with "
            f"other groups in the second pair"
        )
    if isinstance(came.data, Mapping):
        raise _of_dictionary("data is a dictionary", came.data, "data")
    if isinstance(came.data, Dataset):
        return _weighted(came.data.require(spec.task), spec, sample_weight, came.note)
    if not isinstance(came.data, tuple) or len(came.data) not in (1, *PARTS):
        raise SpecError(
            f"data is of type {type(came.data).__name__}; expected (x, y), "
            f"((x, y), (x_val, y_val)), batches of (x, y), a name or a file; try Study(model, "
            f"(x, y)), or (x, None) for a model whose steps need no labels"
        )
    x, y, own = (*came.data, None, None)[:3]
    given = own if sample_weight is None else sample_weight
    x_val, y_val, weights_val = (*(came.validation or (None, None)), None)[:3]
    dataset = from_arrays(
        x,
        y,
        x_val,
        y_val,
        task=spec.task,
        weights=(_weights_of(given, x), _weights_of(weights_val, x_val)),
    )
    return _weighted(dataset, spec, None, came.note)


def _of_frames(came: Arrived, spec: Spec, sample_weight: Any) -> Dataset:
    """A table from Python, prepared like a file's, with the weights of the rows that are left."""
    given = came.data if isinstance(came.data, tuple) else (came.data,)
    frame, y, own = (*given, None, None)[:3]
    x_val, y_val, held = (*(came.validation or (None, None)), None)[:3]
    if y is None:
        found = from_frame(frame, spec.target_column, spec.task, spec.group_column)
    else:
        val = None if came.validation is None else (x_val, y_val)
        found = from_frames((frame, y), val, spec.task, spec.group_column)
    dataset, train_rows, val_rows = found
    weights = _weights_of(own if sample_weight is None else sample_weight, frame)
    if came.validation is not None:  # whose rows are counted behind those that train
        held, val_rows = _weights_of(held, x_val), val_rows - len(frame)
    else:
        held = weights
    taken = (
        None if weights is None else weights[train_rows],
        None if held is None else held[val_rows],
    )
    return _weighted(replace(dataset, weights=taken), spec, None, came.note)


def _weights_of(given: Any, x: Any) -> Any:
    return None if given is None else sample_weights(given, _examples(x))


def _examples(x: Any) -> int:
    while is_nested(x) and not holds_numbers(x):
        x = next(iter(x.values() if isinstance(x, Mapping) else x))
    return len(x)


def _weighted(dataset: Dataset, spec: Spec, sample_weight: Any, note: str) -> Dataset:
    """The data set with the weights that were asked for, and a note."""
    weights, weights_val = (_weights_of(one.weights, one.x) for one in (dataset.train, dataset.val))
    if sample_weight is not None:
        weights = sample_weights(sample_weight, dataset.examples)
    if spec.class_weight is not None:
        if weights is not None:
            raise SpecError(
                "class_weight and sample_weight were both given; expected one of them; multiply "
                "the class's weight into sample_weight"
            )
        weights = class_weights(spec.class_weight, dataset)
    notes = (*dataset.notes, *filter(None, [note]))
    return replace(dataset, weights=(weights, weights_val), notes=notes)


def check_batch(spec: Spec, dataset: Dataset) -> None:
    """Refuse batches that are larger than the training part.

    Raises:
        SpecError: One is.
    """
    examples, largest = dataset.examples, max(spec.batch_size)
    if largest > examples:
        raise SpecError(
            f"batch size is {largest} and the training part of {dataset.name!r} has "
            f"{examples} examples; expected a batch no larger than the data; "
            f"try --batch-size {min(32, examples)}"
        )
