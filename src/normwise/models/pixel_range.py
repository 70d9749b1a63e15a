"""Pixels in a range that a model does not expect: 0 to 255 unscaled, or 0 to 1 scaled again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from normwise.data.mapped_rows import read_rows
from normwise.errors import listed
from normwise.keras_private import is_augmentation
from normwise.models.graph import Call, Graph, data_of, functional_of, has_graph
from normwise.models.inputs import SHAPING
from normwise.models.kinds import is_linear, is_model, is_recurrent, is_transparent, unwrapped

__all__ = ["divisor_of", "scaling_note"]

# How many examples are looked at, evenly spread.
EXAMPLES = 256
# Whole numbers up to at least this and at most 255 are taken for pixels.
BRIGHT, BRIGHTEST = 128, 255
# By how much values of a resized picture may lie outside: bicubic ones do.
OVERSHOOT = 32
# A flat picture has so many columns, and of so many values some (nearly) reach the brightest.
COLUMNS, SATURATED = 100, 0.98


def scaling_note(model: Any, x: Any) -> str:
    """A sentence where pixels meet a model that was made for others.

    Pixels of 0 to 255 meet weights with nothing in between that scales them; or numbers of 0 to 1
    meet a ``Rescaling`` that is for those: it divides by 255, or by 127.5 to reach -1 and 1. Bytes
    and 16-bit words of three and more dimensions are taken for pixels, and numbers of 0 to 255 that
    need all of that range: whole ones, of four dimensions others, too, as pictures have that were
    made smaller; of two dimensions those of a hundred columns or more that share that range, as
    flat pictures do and ages and counts do not. Only what a graph shows is known to scale nothing.

    Args:
        model: A built model.
        x: Its inputs, arrays in the order of the model's own.

    Returns:
        The sentence; empty where there is nothing to say.

    >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3, name="first")])
    >>> pixels = np.full((2, 8, 8, 1), 255, "uint8")
    >>> scaling_note(model, pixels)[:57]
    "The inputs hold whole numbers up to 255 and reach 'first'"
    >>> scaling_note(model, pixels / 255)
    ''
    """
    if not has_graph(model):
        return ""
    graph, tensors = Graph(model), functional_of(model).inputs
    for tensor, array in zip(tensors, keras.tree.flatten(x), strict=True):
        # An optional input may be left out.
        if array is not None and array.dtype.kind in "fiu" and array.ndim > 1 and array.size:
            met = list(_layers_reached(graph, graph.source_of(tensor)))
            note = _note_if_unscaled(array, met) or _note_if_scaled_twice(array, met)
            if note:
                return note
    return ""


def divisor_of(array: Any) -> int | None:
    """What brings pixels to the range from 0 to 1; ``None`` for what is not taken for pixels.

    >>> divisor_of(np.full((2, 8, 8, 1), 200, "uint8"))
    255
    """
    if not _are_pixels(array):
        return None
    return max(int(_sample(array).max()), BRIGHTEST) if array.dtype == np.uint16 else BRIGHTEST


def _note_if_unscaled(array: Any, met: list[Any]) -> str:
    names = [repr(layer.name) for layer in met if not _is_rescaling(layer)]
    divisor = divisor_of(array) if names else None
    if divisor is None:
        return ""
    some = _sample(array)
    largest, kind = some.max(), "whole numbers" if _are_whole(some) else "numbers"
    return (
        f"The inputs hold {kind} up to {largest:.5g} and reach "
        f"{listed(list(dict.fromkeys(names)))} unscaled, as fit would give them to the model: "
        f"pass what it was trained on, or begin it with keras.layers.Rescaling(1 / {divisor})."
    )


def _note_if_scaled_twice(array: Any, met: list[Any]) -> str:
    factors = {layer.name: float(np.max(layer.scale)) for layer in met if _is_rescaling(layer)}
    again = [name for name, factor in factors.items() if 0 < factor <= 2 / BRIGHTEST]
    some = _sample(array)
    if not again or array.dtype.kind != "f" or not 0 <= some.min() < some.max() <= 1:
        return ""
    return (
        f"The inputs lie between 0 and 1, and {again[0]!r} divides them by "
        f"{1 / factors[again[0]]:.4g}: pass the pixels as the model was trained on them (built-in "
        f"pictures go from 0 to 1, those of a file stay as they are: --data FILE.npz)."
    )


def _are_pixels(array: Any) -> bool:
    some, deep = _sample(array), array.ndim > 2
    least, largest = float(some.min()), float(some.max())
    if array.dtype == np.uint8:
        return largest > 1 if deep else largest >= BRIGHT
    if array.dtype == np.uint16 and largest > BRIGHTEST:
        return deep or _share_a_range(some, np.iinfo(np.uint16).max)
    if not deep:
        return _share_a_range(some, BRIGHTEST)
    if array.ndim > 3 and not _are_whole(some):
        return least >= -OVERSHOOT and BRIGHT <= largest <= BRIGHTEST + OVERSHOOT
    return least >= 0 and BRIGHT <= largest <= BRIGHTEST and _are_whole(some)


def _are_whole(some: Any) -> bool:
    return bool((some == np.floor(some)).all())


def _share_a_range(rows: Any, brightest: int) -> bool:
    """Whether half of many columns, but for those that never change, need most of one range."""
    least, largest = rows.min(axis=0), rows.max(axis=0)
    if len(least) < COLUMNS or least.min() < 0:
        return False
    if not SATURATED * brightest <= largest.max() <= brightest:
        return False
    spans = (largest - least)[largest > least]
    return len(spans) >= COLUMNS and bool(2 * np.median(spans) >= brightest)


def _sample(array: Any) -> Any:
    return read_rows(array, np.unique(np.linspace(0, len(array) - 1, EXAMPLES).astype(int)))


def _layers_reached(graph: Graph, call: Call) -> Iterator[Any]:
    """The layers with weights, and rescaling ones, that the values of ``call`` reach unscaled."""
    for user in graph.consumers(call):
        layer = unwrapped(user.operation)
        if is_linear(layer) or is_recurrent(layer) or _is_rescaling(layer):
            yield layer
        elif is_model(layer) and has_graph(layer):
            inner, ports = Graph(layer), functional_of(layer).inputs
            for outside, port in zip(data_of(user), ports, strict=True):
                if any(outside is one for one in call.outputs):
                    yield from _layers_reached(inner, inner.source_of(port))
        elif _keeps_range(layer):
            yield from _layers_reached(graph, user)


def _is_rescaling(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Rescaling)


def _keeps_range(layer: Any) -> bool:
    return is_augmentation(layer) or is_transparent(layer) or isinstance(layer, SHAPING)
