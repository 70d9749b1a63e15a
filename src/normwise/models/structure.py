"""Which inputs a model takes, and the same from data in any structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from normwise.data import Names
from normwise.errors import DataError, listed
from normwise.models.graph import functional_of, has_graph
from normwise.models.kinds import has_keras_steps

__all__ = [
    "agrees",
    "in_order",
    "inputs_of",
    "is_known",
    "names_of",
    "shapes_of",
    "tensors_of",
    "weighted_as_outputs",
]


def is_known(model: Any) -> bool:
    """Whether the model says which inputs it takes."""
    return has_graph(model) and bool(model.built)


def names_of(model: Any) -> Names:
    """What a model calls its inputs and outputs, as far as it says so, and whether it needs labels.

    >>> ends = [keras.layers.Dense(1, name=name) for name in ("yes", "size")]
    >>> row = keras.Input((2,), name="row")
    >>> names_of(keras.Model(row, [end(row) for end in ends]))
    Names(inputs=('row',), outputs=('yes', 'size'), needs_labels=True)
    """
    needs_labels = has_keras_steps(model, ("train_step", "compute_loss"))
    if not is_known(model):
        return Names(needs_labels=needs_labels)
    found = functional_of(model)
    outputs = found.output if isinstance(found.output, Mapping) else found.output_names
    return Names(tuple(_input_names(found)), tuple(outputs), needs_labels)


def weighted_as_outputs(model: Any, parts: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Labels and weights of each part, in the order of outputs that are a list.

    Where both go by the outputs' names: Keras takes either of them so for such a model, and fails
    on both.

    >>> row = keras.Input((2,), name="row")
    >>> model = keras.Model(row, [keras.layers.Dense(1, name=name)(row) for name in ("b", "a")])
    >>> weighted_as_outputs(model, [({"a": 1, "b": 2}, {"a": 3, "b": 4}), ({"a": 5, "b": 6}, None)])
    [([2, 1], [4, 3]), ([6, 5], None)]
    """
    named = [[isinstance(one, Mapping) for one in part] for part in parts]
    if not any(map(all, named)) or not is_known(model):
        return list(parts)
    found = functional_of(model)
    names = list(found.output_names)
    by_name = [one for part in parts for one in part if isinstance(one, Mapping)]
    if isinstance(found.output, Mapping) or any(set(one) != set(names) for one in by_name):
        return list(parts)

    def in_order_of_outputs(one: Any) -> Any:
        return [one[name] for name in names] if isinstance(one, Mapping) else one

    return [
        (in_order_of_outputs(labels), in_order_of_outputs(weights)) for labels, weights in parts
    ]


def agrees(wanted: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    """Whether Keras takes such an array: an axis of one at its end may be missing or there."""
    if len(wanted) == len(shape) + 1 and wanted[-1] == 1:
        wanted = wanted[:-1]
    elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    pairs = list(zip(wanted, shape, strict=False))[1:]
    return len(wanted) == len(shape) and all(want in (None, size) for want, size in pairs)


def in_order(model: Any, x: Any) -> list[Any] | None:
    """The arrays in the order of the model's inputs; ``None`` where there are others."""
    tensors = functional_of(model).inputs
    names = _input_names(functional_of(model))
    if isinstance(x, Mapping):
        # Like Keras: arrays without an input of their name are not used.
        x = [x[name] for name in names] if set(names) <= set(x) else []
    found = keras.tree.flatten(x)
    return found if len(found) == len(tensors) else None


def _input_names(functional: Any) -> list[str]:
    struct = functional.input
    return (
        sorted(struct) if isinstance(struct, Mapping) else [one.name for one in functional.inputs]
    )


def inputs_of(model: Any, x: Any) -> Any:
    """The inputs in the structure that the model was made with.

    Raises:
        DataError: There are others.
    """
    if not is_known(model):
        return x
    found, functional = in_order(model, x), functional_of(model)
    if found is None:
        given = sorted(map(str, x)) if isinstance(x, Mapping) else shapes_of(x)
        wanted = [f"{tensor.name} {tensor.shape}" for tensor in functional.inputs]
        raise DataError(
            f"the inputs are {len(given)} ({listed(given)}), and model {model.name!r} takes "
            f"{len(wanted)}: {listed(wanted)}; expected an array for each, in a list or by their "
            f"names; labels go with them in a tuple, (x, y), and parts of one array together, "
            f"numpy.concatenate(parts)"
        )
    return keras.tree.pack_sequence_as(functional.input, found)


def tensors_of(model: Any) -> list[Any]:
    """The symbolic inputs of a model that says which it takes."""
    tensors: list[Any] = functional_of(model).inputs
    return tensors


def shapes_of(x: Any) -> list[str]:
    """The shape of each array, in words."""
    return [f"shape {np.shape(part)}" for part in keras.tree.flatten(x)]
