"""The model of a study that was given none: a small network that suits the data, and its code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from normwise.data import Dataset
from normwise.data.mapped_rows import chosen
from normwise.data.nested import is_nested
from normwise.errors import ModelError
from normwise.models.feeding import small_batches
from normwise.models.moments import Moments
from normwise.models.pixel_range import divisor_of

__all__ = ["default_code", "default_model", "default_note"]

# Units of the two hidden layers of a table; of the one behind convolutions.
UNITS, LAST_UNITS = (64, 32), 64
# Filters of the first convolution and of the last ones; each has twice those of the one before.
FEWEST, MOST = 16, 64
# Longer sides are read in strides down to this, and pooled down to that.
STRIDDEN, POOLED = 64, 7
LEARNING_RATE = 0.001
# What is known of the inputs' scale, so many examples say, evenly spread.
EXAMPLES = 10_000
# The root mean square of inputs that train as they are: of all, and of the largest column.
SCALE, LARGEST = (0.1, 3.0), 10.0
# Arrays `(n, a, a)` of at least this size are pictures, as are those of bytes.
PICTURE = 8
# Of so many channels pictures are made, where these come first.
CHANNELS = (1, 3, 4)
_SPACES = {1: "sequences", 2: "pictures", 3: "volumes"}


@dataclass(frozen=True)
class _Step:
    """One of Keras' layers, which can be made and written down.

    Attributes:
        kind: The name of its class.
        arguments: What it is made with, in order.
        options: And by name.
    """

    kind: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def layer(self) -> keras.Layer:
        return getattr(keras.layers, self.kind)(*self.arguments, **self.options)

    def code(self) -> str:
        given = [*map(_literal, self.arguments)]
        given += [f"{name}={_literal(value)}" for name, value in self.options.items()]
        return f"keras.layers.{self.kind}({', '.join(given)})"


def default_model(dataset: Dataset) -> keras.Model:
    """A network for these data, compiled with Adam; loss and metrics are the study's to add.

    Of several labels an example, each 0 or 1, the loss is its own: a study would predict numbers.

    Tables get two hidden layers of 64 and 32 units; sequences ``(n, t, f)``, pictures
    ``(n, h, w)`` and ``(n, h, w, c)`` and volumes convolutions, each pooled, and a layer of 64
    units. Inputs of another scale are brought to that of weights by a first layer.

    Raises:
        ModelError: Inputs or labels are of a form that it does not cover.

    >>> from normwise.data import find_dataset
    >>> default_model(find_dataset("circles")).count_params()
    2305
    """
    steps = _steps(dataset)
    layers = [keras.Input(dataset.x_train.shape[1:]), *(step.layer() for step in steps)]
    model = keras.Sequential(layers)
    loss = _loss(dataset) if _has_several_labels(dataset) else None
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
    return model


def default_code(dataset: Dataset) -> str:
    """The same model as Python code that runs by itself.

    Raises:
        ModelError: As :func:`default_model`.
    """
    steps = [step.code() for step in _steps(dataset)]
    lines = [f"keras.Input({dataset.x_train.shape[1:]})", *steps]
    described = _described(dataset)
    loss = f'loss="{_loss(dataset)}"'
    if _has_several_labels(dataset):
        compiling = f"    model.compile(keras.optimizers.Adam({LEARNING_RATE}), {loss})"
    else:
        compiling = f"""\
    # A study adds the loss that fits the labels; fit needs one: {loss}.
    model.compile(keras.optimizers.Adam({LEARNING_RATE}))"""
    stack = "\n".join(f"            {line}," for line in lines)
    return f'''\
import keras


def build():
    """{described[0].upper()}{described[1:]}."""
    model = keras.Sequential(
        [
{stack}
        ]
    )
{compiling}
    return model


model = build()  # in a file mymodels.py: normwise study --model mymodels:build …
'''


def default_note(dataset: Dataset) -> str:
    """What was chosen where no model was given, in sentences."""
    return (
        f"No model was given, so the default one trains: {_described(dataset)}, by Adam at a rate "
        f"of {LEARNING_RATE}. --show-model prints it as Keras code to copy and change."
    )


def _steps(dataset: Dataset) -> list[_Step]:
    _refuse_other_forms(dataset)
    shape = _shape(dataset)
    body = _of_table() if len(shape) == 1 else _of_space(shape)
    return [*_arranging(dataset, shape), *_scaling(dataset.x_train, shape), *body, _output(dataset)]


def _arranging(dataset: Dataset, shape: tuple[int, ...]) -> list[_Step]:
    """A layer that brings examples to this shape, where they have another."""
    there = dataset.x_train.shape[1:]
    if shape == there:
        return []
    return [_Step("Reshape", (shape,)) if len(there) == 2 else _Step("Permute", ((2, 3, 1),))]


def _shape(dataset: Dataset) -> tuple[int, ...]:
    """Of an example, with an axis of channels at its end where pictures come without."""
    shape: tuple[int, ...] = dataset.x_train.shape[1:]
    if len(shape) == 3 and shape[0] in CHANNELS and min(shape[1:]) >= PICTURE:
        return (*shape[1:], shape[0])  # as PyTorch has them
    if len(shape) != 2:
        return shape
    is_picture = dataset.x_train.dtype == np.uint8 or divisor_of(dataset.x_train) is not None
    is_picture |= shape[0] == shape[1] >= PICTURE
    return (*shape, 1) if is_picture else shape


def _of_table() -> list[_Step]:
    return [_Step("Dense", (units,), {"activation": "relu"}) for units in UNITS]


def _of_space(shape: tuple[int, ...]) -> list[_Step]:
    """Convolutions over one, two or three axes, which end where few positions are left."""
    axes = len(shape) - 1
    longest = max(shape[:-1])
    stride = math.ceil(longest / STRIDDEN)
    blocks = max(2, math.ceil(math.log2(math.ceil(longest / stride) / POOLED)))
    steps = []
    for block in range(blocks):
        filters = min(FEWEST * 2**block, MOST)
        strides = {"strides": stride} if block == 0 and stride > 1 else {}
        size = max(3, 2 * stride - 1) if strides else 3
        options = {**strides, "padding": "same", "activation": "relu"}
        steps.append(_Step(f"Conv{axes}D", (filters, size), options))
        steps.append(_Step(f"MaxPooling{axes}D", (), {"padding": "same"}))
    return [*steps, _Step("Flatten"), _Step("Dense", (LAST_UNITS,), {"activation": "relu"})]


def _output(dataset: Dataset) -> _Step:
    if _has_several_labels(dataset):
        return _Step("Dense", (dataset.label_width,), {"activation": "sigmoid"})
    if dataset.task == "regression":
        return _Step("Dense", (dataset.label_width,))
    if dataset.task == "binary":
        return _Step("Dense", (1,), {"activation": "sigmoid"})
    return _Step("Dense", (dataset.classes,), {"activation": "softmax"})


def _has_several_labels(dataset: Dataset) -> bool:
    """Whether an example has several labels, each there or not."""
    several = dataset.task == "regression" and dataset.label_width > 1
    return several and bool(np.isin(dataset.y_train, (0, 1)).all())


def _loss(dataset: Dataset) -> str:
    if _has_several_labels(dataset):
        return "binary_crossentropy"
    if dataset.task == "regression":
        return "mean_squared_error"
    if dataset.task == "binary":
        return "binary_crossentropy"
    return f"{'' if dataset.label_width > 1 else 'sparse_'}categorical_crossentropy"


def _scaling(inputs: Any, shape: tuple[int, ...]) -> list[_Step]:
    """A layer that brings inputs of this shape to the scale of weights; none if they are of it."""
    divisor = divisor_of(inputs)
    if divisor is not None:
        return [_Step("Rescaling", (1 / divisor,))]
    found = _moments(inputs, shape)
    squares = found.variance + found.mean**2
    if SCALE[0] <= math.sqrt(squares.mean()) <= SCALE[1] and squares.max() <= LARGEST**2:
        return []
    variance = np.where(found.variance == 0, 1.0, found.variance)
    known = {"mean": _rounded(found.mean), "variance": _rounded(variance)}
    return [_Step("Normalization", (), known)]


def _moments(inputs: Any, shape: tuple[int, ...]) -> Moments:
    """Of each channel, over some of the examples, which are brought to this shape."""
    found, numbers = Moments(axis=-1), np.linspace(0, len(inputs) - 1, EXAMPLES).astype(int)
    for batch in small_batches(chosen(inputs, np.unique(numbers))):
        is_last = shape[-1] in (1, batch.shape[-1])
        by_channel = batch if is_last else np.moveaxis(batch, 1, -1)
        found.add(by_channel.reshape(-1, shape[-1]).astype(np.float64))
    return found


def _rounded(values: Any) -> list[float]:
    """To four digits: as many as somebody copies."""
    return [float(f"{value:.4g}") for value in values]


def _refuse_other_forms(dataset: Dataset) -> None:
    if is_nested(dataset.x_train) or not 1 <= dataset.x_train.ndim - 1 <= 4:
        raise _no_default(dataset, "inputs", dataset.x_train)
    labels = dataset.y_train
    if dataset.task not in ("binary", "classes", "regression") or not (
        isinstance(labels, np.ndarray) and labels.ndim <= 2
    ):
        raise _no_default(dataset, "labels", labels)


def _no_default(dataset: Dataset, what: str, given: Any) -> ModelError:
    shapes = keras.tree.map_structure(np.shape, given)
    return ModelError(
        f"no model was given, and there is no default one for {what} of the form {shapes}, which "
        f"those of {dataset.name!r} have; expected rows of a table, sequences, pictures or "
        f"volumes, with a class or numbers each; give a model: --model package.module:function"
    )


def _described(dataset: Dataset) -> str:
    """What the network is, in a few words."""
    steps, shape = _steps(dataset), _shape(dataset)
    convolutions = [str(step.arguments[0]) for step in steps if step.kind.startswith("Conv")]
    hidden = [str(step.arguments[0]) for step in steps[:-1] if step.kind == "Dense"]
    form = " × ".join(map(str, shape))
    if not convolutions:
        kind = f"a two-layer network for tables ({form} inputs, {' and '.join(hidden)} units, ReLU)"
    else:
        kind = (
            f"a small convolutional network for {_SPACES[len(shape) - 1]} of {form} "
            f"({', '.join(convolutions)} filters, {hidden[0]} units, ReLU)"
        )
    found = {"Rescaling": "scales pixels", "Normalization": "standardises inputs"}
    scaling = [found[step.kind] for step in steps if step.kind in found]
    return f"{kind}{''.join(f', which {what}' for what in scaling)}"


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
