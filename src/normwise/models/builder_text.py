"""A builder for a model whose layers no graph shows, in code with the model's own names."""

from __future__ import annotations

from typing import Any

import keras

from normwise.keras_private import is_keras_own
from normwise.models.kinds import activation_of, is_linear, sublayers

__all__ = ["builder_for", "holders_in"]


def builder_for(model: Any, holder: Any = None) -> str:
    """Python code, indented, that places normalisation itself where a study asks for it.

    Args:
        model: A model of a class of the user's, or one that holds a layer of such a class.
        holder: That layer; the model itself unless given.

    >>> class Net(keras.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden, self.last = keras.layers.Dense(4), keras.layers.Dense(1)
    >>> print(builder_for(Net()))  # doctest: +ELLIPSIS
        class Net(keras.Model):
            def __init__(self, norm, ...):  # a normwise Variant, and what it takes today
                ...  # as today, but self.hidden without its activation
                self.places = norm.places
    ...
    """
    owner = model if holder is None else holder
    name, kind = type(owner).__name__, "Model" if holder is None else "Layer"
    hidden, activation = _first_linear(owner)
    if holder is None:
        made = f"model = {name}(norm, ...)"
    else:
        made = f"model = ...  # as today, with {name}(norm, ..., name={owner.name!r}) in it"
    return f"""\
    class {name}(keras.{kind}):
        def __init__(self, norm, ...):  # a normwise Variant, and what it takes today
            ...  # as today, but self.{hidden} without its activation
            self.places = norm.places
            self.{hidden}_norm = keras.layers.BatchNormalization() if norm.places else None

        def call(self, inputs, training=None):
            x = self.{hidden}(inputs)
            if "before" in self.places:
                x = self.{hidden}_norm(x, training=training)
            x = keras.activations.{activation}(x)
            if "after" in self.places:
                x = self.{hidden}_norm(x, training=training)
            ...  # as today

    def build(norm):
        {made}
        model.compile(...)  # as today
        return model"""


def holders_in(model: Any) -> list[Any]:
    """The layers of a graph, of classes of the user's, that hold layers with weights to act on."""
    return [
        layer
        for layer in model.layers
        if not is_keras_own(type(layer)) and any(map(is_linear, sublayers(layer)[1:]))
    ]


def _first_linear(owner: Any) -> tuple[str, str]:
    """Under which name a layer or model keeps its first dense layer, and its activation's name."""
    for name, value in vars(owner).items():
        if isinstance(value, keras.layers.Layer):
            for layer in filter(is_linear, sublayers(value)):
                own = getattr(activation_of(layer), "__name__", "relu")
                known = own if hasattr(keras.activations, own) else "relu"
                return str(name).lstrip("_"), known
    return "hidden", "relu"
