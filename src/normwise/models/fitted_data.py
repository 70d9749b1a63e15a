"""A study's data as its model takes them: inputs in its structure, labels as its loss has them.

What labels are was told from their values alone when they were read. The model that is compiled
knows better: its loss and its output are the authority.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from normwise.data import Dataset, Task
from normwise.data.given import as_quantities, in_form_given
from normwise.data.nested import is_nested, leaves, mapped, shape_of_examples
from normwise.errors import DataError, ModelError
from normwise.models.compiled import compiled_of, has_own_loss, is_computed_by_keras, parts_of
from normwise.models.kinds import has_keras_steps
from normwise.models.loss_names import BY_ELEMENT, OF_SHARES, OF_TWO, loss_kind
from normwise.models.metrics import name_of
from normwise.models.outputs import is_row, output_shape
from normwise.models.structure import agrees, inputs_of, is_known, tensors_of, weighted_as_outputs

__all__ = ["with_inputs_of", "with_labels_for"]


def with_inputs_of(dataset: Dataset, model: Any) -> Dataset:
    """The data with their inputs in the structure that the model was made with.

    Raises:
        DataError: There are others.
        ModelError: An input has another shape.
    """
    x_train, x_val = (inputs_of(model, x) for x in (dataset.x_train, dataset.x_val))
    if is_known(model):
        for tensor, array in zip(tensors_of(model), leaves(x_train), strict=True):
            if not agrees(tensor.shape, array.shape):
                own, example = tuple(tensor.shape), array.shape[1:]
                raise ModelError(
                    f"the model's input has shape {own} and an example of {dataset.name!r} "
                    f"{example}; expected the same; begin the model with keras.Input({example})"
                )
    return dataclasses.replace(dataset, x_train=x_train, x_val=x_val)


def with_labels_for(dataset: Dataset, model: Any, loss: Any, asked: Task | None = None) -> Dataset:
    """The data with their labels as the loss that is trained with takes them.

    Class numbers become rows with a single 1 for a categorical crossentropy, and such rows become
    numbers for a sparse one, or where no loss was given. Whole numbers that the loss takes as they
    are stay so, whatever classes they could be. Labels that fit neither classes nor rows of numbers
    stay as they are, for the loss alone. Code of the user's own sees labels in the form in which
    they were given.

    Args:
        dataset: As it was read.
        model: Built; its inputs are those of the data.
        loss: The loss that was given or compiled, or those of several outputs; ``None`` if none.
        asked: What the user said that the labels are; the loss decides unless told.

    Raises:
        DataError: The labels do not fit the output.

    >>> import keras
    >>> end = keras.layers.Dense(3, activation="softmax")
    >>> model = keras.Sequential([keras.Input((2,)), end])
    >>> x, y = np.zeros((3, 2)), np.arange(3)
    >>> data = Dataset("mine", x, y, x, y, "classes")
    >>> with_labels_for(data, model, "categorical_crossentropy").y_train.tolist()[1]
    [0.0, 1.0, 0.0]
    """
    found = _labels_for(_as_outputs(dataset, model), model, loss, asked)
    return _as_given(found) if _is_seen_by_own_code(model, loss) else found


def _as_outputs(dataset: Dataset, model: Any) -> Dataset:
    """Labels and weights that both go by name, as the model has its outputs."""
    parts = dataset.train, dataset.val
    weighted = weighted_as_outputs(model, [(one.y, one.weights) for one in parts])
    if all(y is one.y for (y, _), one in zip(weighted, parts, strict=True)):
        return dataset
    train, val = (
        one._replace(y=y, weights=weights)
        for one, (y, weights) in zip(parts, weighted, strict=True)
    )
    return dataset.of(train, val)


def _labels_for(dataset: Dataset, model: Any, loss: Any, asked: Task | None) -> Dataset:
    shape = output_shape(model, dataset)
    takes_own = not is_row(shape) if loss is not None else _takes_its_own_loss(model)
    if dataset.task != "own" and asked is None and takes_own:
        dataset = _own(dataset)
    units = shape[-1] if is_row(shape) else 0  # 0: what was asked for does not fit, and is refused
    if dataset.task == "regression" and asked is None:
        dataset = _numbers(dataset, model, loss, units)
    if dataset.task == "own":
        _check_shapes(dataset, model, loss, shape)
    if dataset.task in ("own", "regression"):
        return dataset
    if loss is not None and asked is None:
        dataset = _as_they_came(dataset, loss, units)
    return dataset if dataset.task == "own" else _classes(dataset, loss, units)


def _as_they_came(dataset: Dataset, loss: Any, units: int) -> Dataset:
    """The data with whole numbers as they were where the loss takes them so, as in ``fit``.

    They were counted as classes from 0 when they were read. That is right for two classes, and
    where a loss that counts classes could not take them otherwise.
    """
    numbers = as_quantities(dataset)
    if numbers is dataset:  # texts, or rows with a single 1
        return dataset
    name, came = loss_kind(loss), np.concatenate([numbers.y_train, numbers.y_val]).ravel()
    if np.any(came == _ignored_by(loss)):
        return _own(dataset)
    are_counted = np.array_equal(came, np.concatenate([dataset.y_train, dataset.y_val]).ravel())
    if "categorical" in name:
        fits = units > 2 and came.min() >= 0 and came.max() < units
        return _numbered(dataset, numbers) if fits else dataset
    if name in BY_ELEMENT:
        stay = are_counted and dataset.task == "binary"
        return numbers if units == 1 and not stay and name not in OF_TWO else dataset
    tells = units in {1, 2} if dataset.task == "binary" else units == dataset.classes
    return dataset if are_counted and tells else _own(dataset)


def _ignored_by(loss: Any) -> Any:
    """The class that a loss of Keras' own leaves out; ``None`` where it counts all of them."""
    return next((getattr(part, "ignore_class", None) for part in parts_of([loss])), None)


def _numbered(dataset: Dataset, numbers: Dataset) -> Dataset:
    """The data with the numbers that the labels had as those of their classes."""
    y_train, y_val = (y.reshape(len(y)).astype("i4") for y in (numbers.y_train, numbers.y_val))
    return dataclasses.replace(
        dataset, y_train=y_train, y_val=y_val, task="classes", class_names=()
    )


def _numbers(dataset: Dataset, model: Any, loss: Any, units: int) -> Dataset:
    """Numbers to predict, unless something else is predicted of them.

    What a crossentropy compares are shares of classes, or labels of which each holds or not. Those
    of a loss of the user's own that takes another number of outputs, such as a mean and a
    deviation for each, are none either.
    """
    is_other = units != dataset.y_train.shape[1] and has_own_loss(model)
    if loss_kind(loss) not in OF_SHARES and not is_other:
        return dataset
    return dataclasses.replace(dataset, task="own", notes=_unread(dataset.notes))


def _unread(notes: tuple[str, ...]) -> tuple[str, ...]:
    """Notes without what was said of labels as quantities."""
    return tuple(note for note in notes if " goes from " not in note)


def _classes(dataset: Dataset, loss: Any, units: int) -> Dataset:
    name, is_one_hot = loss_kind(loss), dataset.task == "classes" and dataset.y_train.ndim == 2
    if is_one_hot and (not name or name.startswith("sparse")):
        return _with_labels(dataset, lambda y: y.argmax(axis=-1).astype(np.int32), "classes")
    if not is_one_hot and "categorical" in name and not name.startswith("sparse") and units > 1:
        width = max(units, dataset.classes)
        return _with_labels(dataset, lambda y: _one_hot(y, width), "classes")
    return dataset


def _takes_its_own_loss(model: Any) -> bool:
    return not has_keras_steps(model, ("train_step", "compute_loss"))


def _own(dataset: Dataset) -> Dataset:
    """Labels that only the loss knows, in their shape; whole ones as such: they may be classes."""
    labels = as_quantities(dataset)
    whole = not any((y % 1).any() for y in (labels.y_train, labels.y_val))
    labels = dataclasses.replace(labels, notes=_unread(labels.notes))
    kind = np.int32 if whole else labels.y_train.dtype
    return _with_labels(labels, lambda y: in_form_given(labels, y).astype(kind), "own")


def _as_given(dataset: Dataset) -> Dataset:
    return _with_labels(dataset, lambda y: in_form_given(dataset, y), dataset.task)


def _is_seen_by_own_code(model: Any, loss: Any) -> bool:
    """Whether labels reach a loss, a metric or steps of the user's own."""
    compiled = compiled_of(model)
    given = [loss] if compiled is None else [loss, compiled.metrics, compiled.weighted_metrics]
    parts = [one for one in parts_of(given) if not isinstance(one, str)]
    return not (has_keras_steps(model) and all(map(is_computed_by_keras, parts)))


def _with_labels(dataset: Dataset, change: Any, task: Task) -> Dataset:
    y_train, y_val = (mapped(change, y) for y in (dataset.y_train, dataset.y_val))
    return dataclasses.replace(dataset, y_train=y_train, y_val=y_val, task=task)


def _one_hot(labels: Any, width: int) -> Any:
    return np.eye(width, dtype=np.float32)[labels.reshape(len(labels)).astype(int)]


def _check_shapes(dataset: Dataset, model: Any, loss: Any, shape: Any) -> None:
    """Refuse labels that Keras would stretch over an output of another shape without a word."""
    if is_nested(dataset.y_train) or not isinstance(shape, tuple) or dataset.y_train is None:
        return
    name, labels, outputs = loss_kind(loss), dataset.y_train.shape, tuple(shape)
    if name.startswith("sparsecategorical"):
        outputs = outputs[:-1]
    elif name not in BY_ELEMENT:
        return
    if not agrees(outputs, labels):
        raise DataError(
            f"the labels of {dataset.name!r} have shape {labels} and the output of model "
            f"{model.name!r} {tuple(shape)}, and loss {name_of(parts_of([loss])[0])!r} compares "
            f"number by number; expected labels of shape {shape_of_examples(outputs[1:])}; reshape "
            f"them, or end the model in such an output"
        )
