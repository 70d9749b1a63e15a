"""Seeing what the layers of a model are called with, whatever kind of model it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Watch", "watching"]

# Called with the layer, its inputs and its mask, before the layer computes.
Watch = Callable[[Any, Any, Any], None]


@contextmanager
def watching(layers: list[Any], watch: Watch) -> Iterator[None]:
    """While the block runs, show every call of these layers to ``watch``.

    It works on layers, not on a graph, so nested, wrapped, shared and subclassed ones are
    seen all the same.

    Args:
        layers: Built layers; they are as before when the block ends.
        watch: Sees each call; what it raises ends the model's call.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="only")])
    >>> with watching(model.layers, lambda layer, x, mask: print(layer.name, x.shape)):
    ...     _ = model(np.ones((3, 2)))
    only (3, 2)
    """

    def shown(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(inputs: Any, *arguments: Any, **options: Any) -> Any:
            watch(layer, inputs, options.get("mask"))
            return call(inputs, *arguments, **options)

        return called

    try:
        for layer in layers:
            # On the object: Keras would track it as an attribute.
            object.__setattr__(layer, "call", shown(layer, layer.call))
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")
