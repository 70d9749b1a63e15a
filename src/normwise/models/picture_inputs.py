"""What a model says of the pictures that it takes: their size and their channels."""

from __future__ import annotations

from typing import Any

from normwise.models.graph import functional_of, has_graph

__all__ = ["form_of_pictures"]

_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}
Form = tuple[tuple[int, int] | None, str | None]


def form_of_pictures(model: Any) -> Form:
    """Height and width, and the colour mode, of a model's only input; ``None`` where it is free.

    Args:
        model: Any Keras model.

    >>> import keras
    >>> form_of_pictures(keras.Sequential([keras.Input((8, 9, 3)), keras.layers.Flatten()]))
    ((8, 9), 'rgb')
    """
    tensors = functional_of(model).inputs if has_graph(model) and model.built else []
    if len(tensors) != 1 or len(tensors[0].shape) != 4:
        return None, None
    _, height, width, channels = tensors[0].shape
    return (height, width) if height and width else None, _MODES.get(channels)
