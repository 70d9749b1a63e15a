"""Which layers of a model are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from normwise.keras_private import every_layer
from normwise.models.kinds import (
    is_activation,
    is_linear,
    is_normalisation,
    is_recurrent,
    unwrapped,
)

__all__ = ["own_variables", "watched_layers"]

_KINDS = (is_linear, is_recurrent, is_normalisation, is_activation)


def watched_layers(model: keras.Model) -> list[Any]:
    """Layers whose signals say something: those of a known kind, and others that hold weights.

    What a layer of a known kind holds inside of it, such as its activation or its cell, is left
    out. Activations may also be operations of a functional model.
    """
    layers = [one for one in every_layer(model, itself=False) if isinstance(one, keras.Layer)]
    known = [one for one in layers if _is_known(one)]
    inside = {id(inner) for one in known for inner in every_layer(one, itself=False)}
    found = [one for one in layers if _is_known(one) or own_variables(one)]
    found = [one for one in found if id(one) not in inside]
    return list(dict.fromkeys((*found, *_operations(model))))


def own_variables(layer: Any) -> list[Any]:
    """The trainable variables that a layer holds itself, and no layer inside of it."""
    inner = {
        id(variable)
        for one in every_layer(layer, itself=False)
        for variable in one.trainable_variables
    }
    return [one for one in layer.trainable_variables if id(one) not in inner]


def _is_known(layer: Any) -> bool:
    is_wrapper = unwrapped(layer) is not layer
    return any(kind(layer) for kind in _KINDS) or (is_wrapper and bool(layer.trainable_variables))


def _operations(model: keras.Model) -> Iterator[Any]:
    """The activations among the operations of a functional model, and of those inside of it."""
    for one in every_layer(model):
        for operation in getattr(one, "operations", ()):
            if not isinstance(operation, keras.Layer) and is_activation(operation):
                yield operation
