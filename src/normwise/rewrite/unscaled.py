"""Pixels of 0 to 255 in front of a model that does not scale them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from normwise.errors import listed
from normwise.rewrite.graph import Graph, data_of, functional_of, has_graph
from normwise.rewrite.inputs import SHAPING
from normwise.rewrite.kinds import core, is_linear, is_model, is_recurrent, is_transparent

__all__ = ["unscaled_note"]

# Examples that are looked at, evenly spread.
EXAMPLES = 256
# Whole numbers up to at least this and at most 255 are taken for pixels.
BRIGHT, BRIGHTEST = 128, 255


def unscaled_note(model: Any, x: Any) -> str:
    """A sentence where pixels of 0 to 255 meet weights with nothing in between that scales them.

    Bytes of three and more dimensions are taken for pixels, and whole numbers of 0 to 255 that
    need all of that range; only what a graph shows is known to scale nothing.

    Args:
        model: A built model.
        x: Its inputs, arrays in the order of the model's own.

    Returns:
        The sentence; empty where there is nothing to say.

    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3, name="first")])
    >>> pixels = np.full((2, 8, 8, 1), 255, "uint8")
    >>> unscaled_note(model, pixels)[:57]
    "The inputs hold whole numbers up to 255 and reach 'first'"
    >>> unscaled_note(model, pixels / 255)
    ''
    """
    arrays = keras.tree.flatten(x)
    if not has_graph(model):
        return ""
    graph, tensors = Graph(model), functional_of(model).inputs
    pixels = [(tensor, x) for tensor, x in zip(tensors, arrays, strict=True) if _are_pixels(x)]
    reached = [layer.name for tensor, _ in pixels for layer in _met(graph, graph.source_of(tensor))]
    if not reached:
        return ""
    largest = max(int(np.max(_some(array))) for _, array in pixels)
    return (
        f"The inputs hold whole numbers up to {largest} and reach "
        f"{listed([repr(name) for name in dict.fromkeys(reached)])} unscaled, as fit would give "
        f"them to the model: pass what it was trained on, or begin it with "
        f"keras.layers.Rescaling(1 / 255)."
    )


def _are_pixels(array: Any) -> bool:
    if array.dtype.kind not in "fiu" or array.ndim < 2 or array.size == 0:
        return False
    some, deep = _some(array), array.ndim > 2
    least, largest = some.min(), some.max()
    if array.dtype == np.uint8:
        return bool(largest > 1 if deep else largest >= BRIGHT)
    in_range = deep and least >= 0 and BRIGHT <= largest <= BRIGHTEST
    return bool(in_range and (some == np.floor(some)).all())


def _some(array: Any) -> Any:
    return array[np.unique(np.linspace(0, len(array) - 1, EXAMPLES).astype(int))]


def _met(graph: Graph, call: Any) -> Iterator[Any]:
    """The layers with weights that what ``call`` gives reaches as it is."""
    for user in graph.consumers(call):
        layer = core(user.operation)
        if is_linear(layer) or is_recurrent(layer):
            yield layer
        elif is_model(layer) and has_graph(layer):
            inner, ports = Graph(layer), functional_of(layer).inputs
            for outside, port in zip(data_of(user), ports, strict=True):
                if any(outside is one for one in call.outputs):
                    yield from _met(inner, inner.source_of(port))
        elif _keeps_range(layer):
            yield from _met(graph, user)


def _keeps_range(layer: Any) -> bool:
    augments = ".preprocessing.image_preprocessing." in type(layer).__module__
    return augments or is_transparent(layer) or isinstance(layer, SHAPING)
