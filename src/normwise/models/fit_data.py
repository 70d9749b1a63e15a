"""Data in every form that Keras' ``fit`` takes, for a model that is there."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from normwise.data import (
    Dataset,
    Given,
    TableOptions,
    columns_without_numbers,
    find_given,
    given_in_frames,
    given_of,
    is_image_folder,
    needs_preparation,
)
from normwise.data.dataset import check_finite
from normwise.data.frames import in_columns_of
from normwise.data.nested import count, rows
from normwise.data.plain_array import check_numbers, check_range, in_memory, is_array
from normwise.errors import DataError, listed
from normwise.models.compiled import has_own_loss
from normwise.models.graph import functional_of
from normwise.models.loaders import draw, is_loader, is_pair_of_loaders, refuse_single_examples
from normwise.models.picture_inputs import form_of_pictures
from normwise.models.pixel_range import scaling_note
from normwise.models.structure import (
    agrees,
    in_order,
    inputs_of,
    is_known,
    names_of,
    shapes_of,
    weighted_as_outputs,
)

__all__ = ["given_to"]

log = logging.getLogger("normwise")

# Training and validation part, or one part: each inputs, labels and weights as far as known.
Reading = list[tuple[Any, ...]]


def given_to(model: Any, data: Any, table: TableOptions | None = None) -> Given:
    """Data as a model takes them: all rows, as its ``fit`` would get them.

    Nothing is split, scaled or encoded. What is decided on the way is logged as a warning: that
    a generator was not drawn to its end, that pixels reach weights unscaled.

    Args:
        model: Any built Keras model.
        data: Inputs as the model takes them: an array, a data frame, a tensor, a list or tuple
            of them, a dictionary by the names of the inputs; ``(x, y)`` or ``(x, y, weights)``;
            ``(x, y, x_val, y_val)`` or ``((x, y), (x_val, y_val))``; a ``PyDataset``, loader or
            generator of batches, drawn once into memory, or two of them, for training and
            validation; a :class:`~normwise.data.Dataset`;
            a built-in name or a file. Of a tuple, what fits the model's inputs is the inputs.
            What this function returned is returned as it is.
        table: How a table is read.

    Raises:
        DataError: It is none of these, or not what the model takes.
        UnknownNameError: There is no such data.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> given = given_to(model, (np.zeros((3, 2)), np.ones(3)))
    >>> given.x.shape, given.y.shape
    ((3, 2), (3,))
    """
    if isinstance(data, Given):
        return data
    found = _given(model, data, table)
    parts = _as_taken(model, found)
    for name, part in zip(("training", "validation"), parts, strict=False):
        _check(name, part)
        _check_labels(model, name, *part[1:])
    for x, *_ in parts[1:]:
        _check_validation(model, parts[0][0], x)
    note = scaling_note(model, parts[0][0])
    if note:
        log.warning(note)
    x, y, weights = (*parts[0], None)[:3]
    validation = next(iter(parts[1:]), None)
    return dataclasses.replace(found, x=x, y=y, weights=weights, validation=validation)


def _as_taken(model: Any, found: Given) -> Reading:
    """The parts, in the structure in which the model has its inputs and outputs."""
    pairs = [(*part, None, None)[1:3] for part in found.parts]
    return [
        (inputs_of(model, part[0]), *pair[: len(part) - 1])
        for part, pair in zip(found.parts, weighted_as_outputs(model, pairs), strict=True)
    ]


def _given(model: Any, data: Any, table: TableOptions | None) -> Given:
    if isinstance(data, str | Path):
        return _noted(find_given(str(data), _read_for(model, str(data), table or TableOptions())))
    if isinstance(data, Dataset):
        return given_of(data)
    if is_loader(data):
        return _read(model, _drawn(data), whole=False)
    if is_pair_of_loaders(data):
        train, val = (_drawn(part) if is_loader(part) else part for part in data)
        return _read(model, (train, in_memory("data[1]", val)), whole=True)
    if (frames := _frames_in(data)) is not None:
        return _noted(given_in_frames(*frames))
    if is_array(data) or isinstance(data, list | tuple | Mapping):
        return _read(model, in_memory("data", _aligned(model, data)), whole=True)
    refuse_single_examples(data)
    raise DataError(
        f"data is of type {type(data).__name__}; expected arrays as the model takes them, a "
        f"Dataset, (x, y), ((x, y), (x_val, y_val)), a loader or generator of batches, a name or a "
        f"file; try (x, y)"
    )


def _noted(found: Given) -> Given:
    for note in found.notes:
        log.warning(note)
    return found


def _frames_in(data: Any) -> tuple[Any, Any] | None:
    """Training and validation part that are frames with text beside labels; ``None`` for others.

    Raises:
        DataError: It is such a frame alone.
    """
    if needs_preparation(data):
        raise DataError(
            f"data has columns that hold no numbers: {listed(columns_without_numbers(data))}; "
            f"expected numbers, or a frame beside its labels, which is prepared as in a study; try "
            f"(frame, labels)"
        )
    if not isinstance(data, tuple):
        return None
    is_pair = len(data) == 2 and all(isinstance(part, tuple | list) for part in data)
    train, val = data if is_pair else (data[:2], data[2:]) if len(data) == 4 else (data, None)
    parts = [part for part in (train, val) if part is not None]
    are_frames = all(len(part) in (2, 3) and needs_preparation(part[0]) for part in parts)
    return (train, val) if are_frames else None


def _drawn(loader: Any) -> Any:
    """What a loader gives, as one batch; where it was left before its end, that is said."""
    found = draw(loader)
    if found.cut:
        log.warning(found.cut)
    return found.parts


def _read_for(model: Any, data: str, table: TableOptions) -> TableOptions:
    """How data are read, with what the model says of them where nobody else did."""
    if not is_image_folder(data):
        return dataclasses.replace(table, names=lambda: names_of(model))
    size, color = form_of_pictures(model)
    return dataclasses.replace(
        table, image_size=table.image_size or size, color_mode=table.color_mode or color
    )


def _aligned(model: Any, data: Any) -> Any:
    """Data with the columns of a validation frame in the order of the training frame's."""
    if not isinstance(data, tuple):
        return data
    if len(data) == 4 and not (is_known(model) and _has_parts(model, data)):
        x, y, x_val, y_val = data
        return x, y, _in_columns_of(x, x_val), y_val
    if len(data) == 2 and all(isinstance(part, tuple | list) and part for part in data):
        train, (x_val, *others) = data
        return train, (_in_columns_of(train[0], x_val), *others)
    return data


def _in_columns_of(x: Any, x_val: Any) -> Any:
    x_val, notes = in_columns_of(x, x_val)
    for note in notes:
        log.warning(note)
    return x_val


def _read(model: Any, data: Any, *, whole: bool) -> Given:
    """Tell inputs, labels and weights apart: what fits the model's inputs is the inputs."""
    readings = list(_readings(data, whole=whole))
    fitting = [one for one in readings if all(_fits(model, part[0]) for part in one)]
    # The right number of parts in wrong shapes is refused when the model is called.
    counted = [one for one in readings if all(_has_parts(model, part[0]) for part in one)]
    [*_, last] = readings
    reading = next(iter([*fitting, *counted]), last)
    x, y, weights = (*reading[0], None, None)[:3]
    return Given(x, y, weights, tuple(reading[1]) if len(reading) > 1 else None)


def _readings(data: Any, *, whole: bool) -> Iterator[Reading]:
    """What data may be, the likeliest first; ``whole`` data may bring a validation part."""
    if isinstance(data, tuple):
        pairs = [isinstance(part, tuple | list) and len(part) in (2, 3) for part in data]
        if whole and len(data) == 4:
            yield [data[:2], data[2:]]
        if whole and pairs == [True, True]:
            yield [tuple(part) for part in data]
        if 1 <= len(data) <= 3:
            yield [data]
    yield [(data,)]


def _fits(model: Any, x: Any) -> bool:
    """Whether these are inputs of the model, by their number, names and shapes."""
    if not is_known(model):
        return _is_called_with(model, x)
    inputs = in_order(model, x)
    tensors = functional_of(model).inputs
    return inputs is not None and all(
        part is None or agrees(tensor.shape, np.shape(part))
        for tensor, part in zip(tensors, inputs, strict=True)
    )


def _has_parts(model: Any, x: Any) -> bool:
    return not is_known(model) or in_order(model, x) is not None


def _is_called_with(model: Any, x: Any) -> bool:
    try:
        model(rows(x, slice(1)), training=False)
    except Exception:  # noqa: BLE001 (a user's own code raises what it pleases)
        return False
    return True


def _check_validation(model: Any, train: Any, val: Any) -> None:
    # A training part that does not fit is refused when the model is called.
    if is_known(model) and _fits(model, train) and not _fits(model, val):
        raise DataError(
            f"the inputs have {listed(shapes_of(train))} in the training part and "
            f"{listed(shapes_of(val))} in the validation part; expected the same after the first "
            f"axis; check how the arrays were cut"
        )


def _check(name: str, part: tuple[Any, ...]) -> None:
    """Refuse inputs that are no numbers, and parts of different lengths."""
    for array in keras.tree.flatten(part[0]):
        if array is not None:
            check_numbers(f"an input of the {name} part", array)
            check_range(f"an input of the {name} part", array)
    x, *others = (count(one) for one in part if one is not None)
    for other, what in zip(others, ("labels", "weights"), strict=False):
        if other != x:
            raise DataError(
                f"there are {x} inputs and {other} {what} in the {name} part; expected as many of "
                f"each; check how the arrays were cut"
            )


def _check_labels(model: Any, name: str, labels: Any = None, weights: Any = None) -> None:
    """Refuse labels and weights that no loss can be taken of.

    A loss of the user's own may leave labels out that are no numbers.
    """
    for array in _arrays(labels):
        if array.dtype.kind not in "fiubU":
            raise DataError(
                f"the labels of the {name} part have type {array.dtype}; expected numbers or "
                f"texts; convert them, as in labels.astype(str), and leave out what has none"
            )
        if not has_own_loss(model):
            check_finite("given", f"the {name} labels", array)
    for array in _arrays(weights):
        check_numbers(f"the weights of the {name} part", array)
        check_finite("given", f"the {name} weights", array)
    if _arrays(weights) and not any(array.any() for array in _arrays(weights)):
        raise DataError(
            f"the weights of the {name} part are all 0, so no example counts in a loss; expected "
            f"some above 0; leave the weights out"
        )


def _arrays(part: Any) -> list[Any]:
    return [array for array in keras.tree.flatten(part) if array is not None]
