"""The layers of a model whose weights are trained, in the order in which signals reach them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from normwise.keras_private import every_layer

__all__ = ["Weighted", "evenly", "weighted_layers"]

# Dimensions of a kernel at least: biases, γ and β have fewer.
_KERNEL = 2


class Weighted(NamedTuple):
    """A layer with kernels.

    Attributes:
        name: The layer's.
        kernels: Where its kernels stand among the model's trainable variables.
        below: Where all variables of the layers below it stand.
    """

    name: str
    kernels: tuple[int, ...]
    below: tuple[int, ...]


def weighted_layers(
    model: keras.Model, layers: Sequence[Any], names: Mapping[str, str]
) -> list[Weighted]:
    """The layers that have kernels which are trained.

    Args:
        model: Built.
        layers: Its layers, in the order of their calls.
        names: What each is called, by its name.
    """
    places = {id(one): place for place, one in enumerate(model.trainable_variables)}
    found, below = [], list[int]()
    for layer in layers:
        own = [places[id(one)] for one in _trained(layer) if id(one) in places]
        kernels = [p for p in own if len(model.trainable_variables[p].shape) >= _KERNEL]
        if kernels:
            found.append(Weighted(names[layer.name], tuple(kernels), tuple(below)))
        below += [place for place in own if place not in below]
    return found


def _trained(layer: Any) -> list[Any]:
    found = [variable for inner in every_layer(layer) for variable in inner.trainable_variables]
    return list({id(one): one for one in found}.values())


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, evenly chosen, the first and the last included.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(items) <= most:
        return list(items)
    numbers: NDArray[Any] = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[number] for number in numbers]
