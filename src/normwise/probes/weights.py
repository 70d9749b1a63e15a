"""The layers of a model whose weights are trained, in the order in which signals reach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normwise.keras_private import every_layer
from normwise.models.kinds import is_activation, is_normalisation
from normwise.probes.signals import Signals
from normwise.probes.watched import own_variables

__all__ = ["Weighted", "evenly", "unseen_layers", "weighted_layers"]

# Dimensions of a kernel at least: biases, γ and β have fewer.
_KERNEL = 2


class Weighted(NamedTuple):
    """A layer with kernels.

    Attributes:
        name: The layer's.
        kernels: Where its kernels stand among the model's trainable variables.
        below: Where the variables stand that what it takes depends on, its own left out.
    """

    name: str
    kernels: tuple[int, ...]
    below: tuple[int, ...]


def weighted_layers(signals: Signals) -> list[Weighted]:
    """The layers of a model that have kernels which are trained, in the order of their calls."""
    places = {id(one): place for place, one in enumerate(signals.model.trainable_variables)}
    found = []
    for layer in _with_kernels(signals.layers):
        own = _variables(layer, signals.layers)
        kernels = tuple(places[id(one)] for one in own if _is_kernel(one) and id(one) in places)
        below = signals.below.get(layer, frozenset()).difference(places[id(one)] for one in own)
        if kernels:
            found.append(Weighted(signals.layer_names[layer.name], kernels, tuple(sorted(below))))
    return found


def unseen_layers(signals: Signals) -> tuple[str, ...]:
    """Names of layers whose kernels are trained and not looked at: they run in a loop, say."""
    seen = {id(one) for layer in _with_kernels(signals.layers) for one in _variables(layer, ())}
    return tuple(
        layer.name
        for layer in every_layer(signals.model)
        if not (is_normalisation(layer) or is_activation(layer))
        and any(_is_kernel(one) and id(one) not in seen for one in own_variables(layer))
    )


def _with_kernels(layers: Sequence[Any]) -> list[Any]:
    """But for γ and β that have a value for each position, and what an activation learns."""
    return [one for one in layers if not (is_normalisation(one) or is_activation(one))]


def _is_kernel(variable: Any) -> bool:
    return len(variable.shape) >= _KERNEL


def _variables(layer: Any, others: Sequence[Any]) -> list[Any]:
    """Those of a layer that are trained, but for those of others that it holds."""
    inside = {id(one) for one in every_layer(layer, itself=False)}
    apart = {
        id(variable)
        for other in others
        if id(other) in inside
        for variable in other.trainable_variables
    }
    return [one for one in layer.trainable_variables if id(one) not in apart]


def evenly(items: Sequence[Any], most: int) -> list[Any]:
    """At most so many of them, evenly chosen, the first and the last included.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(items) <= most:
        return list(items)
    numbers: NDArray[Any] = np.linspace(0, len(items) - 1, most).round().astype(int)
    return [items[number] for number in numbers]
