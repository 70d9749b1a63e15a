"""What flows from layer to layer: weighted sums, what normalisation makes of them, activations.

A model is called once with real numbers to find out which of its layers run where they can be
seen; from then on their signals can be had in a compiled program, too.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.data.nested import Arrays
from normwise.keras_private import every_layer
from normwise.models.hooks import Call, wrapping
from normwise.models.kinds import (
    activation_of,
    channel_axis,
    is_activation,
    is_linear,
    is_normalisation,
    is_recurrent,
    unwrapped,
)
from normwise.models.population_statistics import holds_numbers
from normwise.models.stateless_call import stateless
from normwise.probes.moment import Start, Values
from normwise.probes.naming import stable_names

__all__ = ["Key", "Seen", "Signal", "Signals", "signals_in"]

# Activations that mix the units of a layer: a unit alone has no slope.
_MIXING = ("softmax", "log_softmax", "sparsemax")


class Key(NamedTuple):
    """Which signal it is: of which layer, which of its values, in which of its calls."""

    layer: Any
    kind: str
    call: int


class Signal(NamedTuple):
    """A signal in words.

    Attributes:
        layer: Name of the layer that it is at, with the number of its call from the second on.
        kind: ``sums`` (what a layer with weights gives before its activation), ``inputs`` and
            ``normalised`` (what a normalisation takes and gives), ``activations``.
    """

    layer: str
    kind: str


@dataclass(frozen=True, eq=False)
class Seen:
    """A signal's values.

    Attributes:
        values: ``(examples, …)``, channels where the layer has them.
        axis: The axis of the channels.
        before: What an activation takes; ``None`` for all else.
        activation: What makes ``values`` of it, unit by unit.
        curve: The same as a function without weights, where it is one.
        mask: Which values count, of what a normalisation takes, if not all.
    """

    values: Any
    axis: int
    before: Any = None
    activation: Callable[[Any], Any] | None = None
    curve: Callable[[Any], Any] | None = None
    mask: Any = None

    @functools.cached_property
    def rows(self) -> Any:
        """The values as ``(values, channels)``."""
        return _rows(self.values, self.axis)

    @functools.cached_property
    def slopes(self) -> Any:
        """The activation's slope at each value, ``(values, channels)``; ``None`` where none is."""
        if self.activation is None:
            return None
        _, slopes = jax.jvp(self.activation, (self.before,), (jnp.ones_like(self.before),))
        return _rows(slopes, self.axis)


Emit: TypeAlias = Callable[[Any, str, Seen], None]


def _rows(values: Any, axis: int) -> Any:
    last = jnp.moveaxis(values, axis, -1)
    return last.reshape((-1, last.shape[-1])).astype("float32")


@dataclass(frozen=True, eq=False)
class Signals:
    """The signals of a model that can be seen.

    Attributes:
        model: The model.
        keys: All of them, in the order in which a call computes them.
        shown: Those that are shown: what a normalisation takes is not where it is shown already.
        bytes_an_example: What all of them take, in float32.
    """

    model: keras.Model
    keys: tuple[Key, ...]
    shown: tuple[Key, ...]
    bytes_an_example: int

    @property
    def layers(self) -> list[Any]:
        """The layers that they are at, in the order of their first calls."""
        return list(dict.fromkeys(key.layer for key in self.keys))

    @property
    def names(self) -> tuple[Signal, ...]:
        """Those that are shown, in words."""
        names = self.layer_names
        return tuple(
            Signal(f"{names[key.layer.name]}{f' ({key.call + 1})' if key.call else ''}", key.kind)
            for key in self.shown
        )

    @functools.cached_property
    def layer_names(self) -> dict[str, str]:
        """What each of the layers is called, by its name: the same in every process."""
        return stable_names(self.layers)

    def inputs_of(self, layer: Any) -> Key | None:
        """What a normalisation takes in its first call; ``None`` where it is not seen."""
        key = Key(layer, "inputs", 0)
        return key if key in self.keys else None

    def seen(self, trainable: Values, non_trainable: Values, x: Arrays) -> dict[Key, Seen]:
        """All of them in a call in training mode.

        Args:
            trainable: Values of the trainable variables.
            non_trainable: Of the others.
            x: Inputs.
        """
        found = _called(self.model, self.layers, trainable, non_trainable, x)
        return {key: found[key] for key in self.keys}


def signals_in(model: keras.Model, start: Start, x: Arrays) -> Signals:
    """The signals of a model that can be seen.

    Those of a layer that runs in a loop, as the cell of a recurrent layer does, cannot be.

    Args:
        model: Built.
        start: Values of its variables.
        x: A few inputs; the model is called on them, and stays as it is.
    """
    layers = _layers_of(model)
    found = _called(model, layers, start.trainable, start.others, x)
    unseen = {key.layer for key, seen in found.items() if not holds_numbers(seen.values)}
    keys = [key for key in found if key.layer not in unseen]
    sizes = [np.size(found[key].values) for key in keys]
    examples = len(jax.tree.leaves(x)[0])
    return Signals(model, tuple(keys), tuple(_shown(keys, found)), 4 * sum(sizes) // examples)


def _shown(keys: Sequence[Key], found: dict[Key, Seen]) -> Iterator[Key]:
    last = None
    for key in keys:
        if key.kind != "inputs" or found[key].values is not last:
            yield key
        last = found[key].values


def _layers_of(model: keras.Model) -> list[Any]:
    """Layers whose signals say something, those inside of recurrent ones and wrappers left out."""
    kinds = (is_linear, is_recurrent, is_normalisation, is_activation)
    found = [
        layer
        for layer in every_layer(model, itself=False)
        if isinstance(layer, keras.Layer) and any(kind(layer) for kind in kinds)
    ]
    inside = {
        id(inner)
        for layer in found
        if is_recurrent(layer) or unwrapped(layer) is not layer
        for inner in every_layer(layer, itself=False)
    }
    return [layer for layer in dict.fromkeys(found) if id(layer) not in inside]


def _called(
    model: keras.Model, layers: Sequence[Any], trainable: Values, non_trainable: Values, x: Arrays
) -> dict[Key, Seen]:
    """What the layers take and give in a call in training mode."""
    found: dict[Key, Seen] = {}
    calls: Counter[tuple[int, str]] = Counter()

    def emit(layer: Any, kind: str, seen: Seen) -> None:
        found[Key(layer, kind, calls[id(layer), kind])] = seen
        calls[id(layer), kind] += 1

    with wrapping(layers, lambda layer, call: _emitting(layer, call, emit)):
        stateless(model, training=True)(trainable, non_trainable, x)
    return found


def _emitting(layer: Any, call: Call, emit: Emit) -> Call:
    if is_normalisation(layer):
        return _of_normalisation(layer, call, emit)
    if is_activation(layer):
        return _of_activation(layer, call, emit)
    fused = activation_of(layer) if is_linear(layer) and unwrapped(layer) is layer else None
    if fused is not None:
        return _of_both(layer, call, fused, emit)

    def called(*arguments: Any, **options: Any) -> Any:
        outputs = call(*arguments, **options)
        for one in jax.tree.leaves(outputs)[:1]:
            emit(layer, "sums", Seen(one, channel_axis(layer)))
        return outputs

    return called


def _of_normalisation(layer: Any, call: Call, emit: Emit) -> Call:
    axis = getattr(layer, "axis", -1)
    axis = axis if isinstance(axis, int) else -1

    def called(inputs: Any, *arguments: Any, **options: Any) -> Any:
        emit(layer, "inputs", Seen(inputs, axis, mask=options.get("mask")))
        outputs = call(inputs, *arguments, **options)
        emit(layer, "normalised", Seen(outputs, axis))
        return outputs

    return called


def _of_activation(layer: Any, call: Call, emit: Emit) -> Call:
    inner = getattr(layer, "activation", None)
    function, curve = (call, inner) if _is_of_units(inner or layer) else (None, None)

    def called(inputs: Any, *arguments: Any, **options: Any) -> Any:
        outputs = call(inputs, *arguments, **options)
        emit(layer, "activations", Seen(outputs, -1, inputs, function, curve))
        return outputs

    return called


def _of_both(layer: Any, call: Call, activation: Any, emit: Emit) -> Call:
    """Of a layer with an activation inside, both sides of which are seen."""
    axis = channel_axis(layer)
    function = activation if _is_of_units(activation) else None
    curve = None if isinstance(activation, keras.Layer) else function

    def between(sums: Any) -> Any:
        outputs = activation(sums)
        emit(layer, "sums", Seen(sums, axis))
        emit(layer, "activations", Seen(outputs, axis, sums, function, curve))
        return outputs

    def called(*arguments: Any, **options: Any) -> Any:
        with _replaced(layer, between):
            return call(*arguments, **options)

    return called


@contextmanager
def _replaced(layer: Any, activation: Any) -> Iterator[None]:
    own = layer.activation
    try:
        object.__setattr__(layer, "activation", activation)  # past Keras' own, which would track it
        yield
    finally:
        object.__setattr__(layer, "activation", own)


def _is_of_units(activation: Any) -> bool:
    """Whether it treats each unit alone."""
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    return name not in _MIXING
