"""Seeing and changing what the layers of a model do, whatever kind of model it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

__all__ = ["Call", "Watch", "Wrap", "watching", "wrapping"]

Call = Callable[..., Any]

# Takes a layer and its `call`, and gives the `call` that takes its place.
Wrap = Callable[[Any, Call], Call]

# Called with the layer, its inputs and its mask, before the layer computes.
Watch = Callable[[Any, Any, Any], None]


@contextmanager
def wrapping(layers: Iterable[Any], wrap: Wrap) -> Iterator[None]:
    """While the block runs, let ``wrap`` decide what a call of these layers computes.

    It works on layers, not on a graph, so nested, wrapped, shared and subclassed ones are
    reached all the same. What Keras or JAX compiled before does not see it; what they compile
    in the block keeps it.

    Args:
        layers: Built layers, or other operations; they are as before when the block ends.
        wrap: Makes each layer's new ``call`` from its own one.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> with wrapping(model.layers, lambda layer, call: lambda x: 0 * call(x) + 7):
    ...     print(np.asarray(model(np.ones((1, 2)))).tolist())
    [[7.0]]
    """
    wrapped = []
    try:
        for layer in layers:
            # Past Keras' own __setattr__, which would track it.
            object.__setattr__(layer, "call", wrap(layer, layer.call))
            wrapped.append(layer)
        yield
    finally:
        for layer in wrapped:
            object.__delattr__(layer, "call")


def watching(layers: Iterable[Any], watch: Watch) -> AbstractContextManager[None]:
    """While the block runs, show every call of these layers to ``watch``.

    Args:
        layers: Built layers, or other operations; they are as before when the block ends.
        watch: Sees each call; an error that it raises ends the model's call.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="only")])
    >>> with watching(model.layers, lambda layer, x, mask: print(layer.name, x.shape)):
    ...     _ = model(np.ones((3, 2)))
    only (3, 2)
    """

    def shown(layer: Any, call: Call) -> Call:
        def called(inputs: Any, *arguments: Any, **options: Any) -> Any:
            watch(layer, inputs, options.get("mask"))
            return call(inputs, *arguments, **options)

        return called

    return wrapping(layers, shown)
