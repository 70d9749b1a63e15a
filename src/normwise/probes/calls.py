"""What layers take and give in a call of their model."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from normwise.data.nested import Arrays
from normwise.keras_private import is_keras_own, mask_of
from normwise.models.hooks import Call, wrapping
from normwise.models.kinds import (
    activation_of,
    channel_axis,
    is_activation,
    is_linear,
    is_normalisation,
    unwrapped,
)
from normwise.models.stateless_call import stateless
from normwise.probes.moment import Values

__all__ = ["Key", "Seen", "called"]

# Activations of Keras that mix the units of a layer: a unit alone has no slope.
_MIXING = ("softmax", "logsoftmax", "sparsemax", "glu")


class Key(NamedTuple):
    """Which signal it is: of which layer, which of its values, in which of its calls."""

    layer: Any
    kind: str
    call: int


@dataclass(frozen=True, eq=False)
class Seen:
    """A signal's values.

    Attributes:
        values: ``(examples, …)``, channels where the layer has them.
        axis: The axis of the channels.
        taken: What the layer or the activation makes them of; ``None`` where that is not known.
        slopes: Of the activation at each of the values, of their shape; ``None`` where none is.
        curve: The activation as a function without weights, where it is one.
        mask: Which positions count, of a shape that ``values`` begin with; ``None`` for all.
    """

    values: Any
    axis: int
    taken: Any = None
    slopes: Any = None
    curve: Callable[[Any], Any] | None = None
    mask: Any = None

    @functools.cached_property
    def rows(self) -> Any:
        """The values as ``(values, channels)``."""
        return _rows(self.values, self.axis).astype("float32")

    @functools.cached_property
    def slope_rows(self) -> Any:
        """The slopes as ``(values, channels)``; ``None`` where there are none."""
        return None if self.slopes is None else _rows(self.slopes, self.axis)

    @functools.cached_property
    def counts(self) -> Any:
        """Which of the rows' values count, of their shape; ``None`` for all."""
        shape, known = np.shape(self.values), np.shape(self.mask)
        if self.mask is None or shape[: len(known)] != known:
            return None
        mask = jnp.asarray(self.mask, bool).reshape(known + (1,) * (len(shape) - len(known)))
        return _rows(jnp.broadcast_to(mask, shape), self.axis)


def _rows(values: Any, axis: int) -> Any:
    if np.ndim(values) < 2:
        return jnp.reshape(values, (-1, 1))
    last = jnp.moveaxis(values, axis, -1)
    return last.reshape((-1, last.shape[-1]))


def called(
    model: keras.Model, layers: Sequence[Any], trainable: Values, non_trainable: Values, x: Arrays
) -> dict[Key, Seen]:
    """What some layers take and give in a call of their model in training mode.

    Args:
        model: Built.
        layers: Some of its layers, and operations that are activations.
        trainable: Values of the trainable variables.
        non_trainable: Of the others.
        x: Inputs.
    """
    notes = _Notes()
    with wrapping(layers, lambda layer, call: _noting(layer, call, notes)):
        stateless(model, training=True)(trainable, non_trainable, x)
    return notes.found


@dataclass(frozen=True, eq=False)
class _Notes:
    """What has been seen so far.

    Attributes:
        found: In the order in which it was computed.
        calls: Of each layer, how often values of each kind were.
    """

    found: dict[Key, Seen] = field(default_factory=dict)
    calls: Counter[tuple[int, str]] = field(default_factory=Counter)

    def add(self, layer: Any, kind: str, seen: Seen) -> None:
        """Note values of a layer."""
        self.found[Key(layer, kind, self.calls[id(layer), kind])] = seen
        self.calls[id(layer), kind] += 1

    def axis_of(self, values: Any) -> int:
        """Of the channels: as in the latest values of as many axes, the last where none are."""
        alike = [one.axis for one in self.found.values() if np.ndim(one.values) == np.ndim(values)]
        return alike[-1] if alike else -1


def _noting(layer: Any, call: Call, notes: _Notes) -> Call:
    if is_normalisation(layer):
        return _of_normalisation(layer, call, notes)
    if is_activation(layer):
        return _of_activation(layer, call, notes)
    fused = activation_of(layer) if is_linear(layer) and unwrapped(layer) is layer else None

    def called(*arguments: Any, **options: Any) -> Any:
        taken = _taken(arguments, options)
        axis = channel_axis(layer) if is_linear(layer) else notes.axis_of(taken)
        mask = _mask(taken, options)
        if taken is not None:
            notes.add(layer, "inputs", Seen(taken, axis, mask=mask))
        if fused is not None:
            with _replaced(layer, _between(layer, fused, taken, mask, notes)):
                return call(*arguments, **options)
        outputs = call(*arguments, **options)
        for one in jax.tree.leaves(outputs)[:1]:
            notes.add(layer, "sums", Seen(one, channel_axis(layer), taken, mask=mask))
        return outputs

    return called


def _taken(arguments: Any, options: dict[str, Any]) -> Any:
    """The first of the arrays that a layer is called with; ``None`` where there is none."""
    given = {name: one for name, one in options.items() if name not in ("training", "mask")}
    arrays = [one for one in jax.tree.leaves((arguments, given)) if np.ndim(one)]
    return arrays[0] if arrays else None


def _mask(taken: Any, options: dict[str, Any]) -> Any:
    mask = options.get("mask")
    return mask_of(taken) if mask is None else next(iter(jax.tree.leaves(mask)))


def _of_normalisation(layer: Any, call: Call, notes: _Notes) -> Call:
    own = getattr(layer, "axis", -1)

    def called(inputs: Any, *arguments: Any, **options: Any) -> Any:
        axis = own if isinstance(own, int) else notes.axis_of(inputs)
        mask = _mask(inputs, options)
        notes.add(layer, "inputs", Seen(inputs, axis, mask=mask))
        outputs = call(inputs, *arguments, **options)
        notes.add(layer, "normalised", Seen(outputs, axis, inputs, mask=mask))
        return outputs

    return called


def _of_activation(layer: Any, call: Call, notes: _Notes) -> Call:
    inner = getattr(layer, "activation", None) or layer

    def called(inputs: Any, *arguments: Any, **options: Any) -> Any:
        axis, mask = notes.axis_of(inputs), _mask(inputs, options)
        notes.add(layer, "inputs", Seen(inputs, axis, mask=mask))
        outputs = call(inputs, *arguments, **options)
        slopes, curve = _slopes(inner, call, inputs, axis)
        notes.add(layer, "activations", Seen(outputs, axis, inputs, slopes, curve, mask))
        return outputs

    return called


def _between(layer: Any, activation: Any, taken: Any, mask: Any, notes: _Notes) -> Call:
    """The activation of a layer, both sides of which are seen."""
    axis = channel_axis(layer)

    def between(sums: Any) -> Any:
        outputs = activation(sums)
        slopes, curve = _slopes(activation, activation, sums, axis)
        notes.add(layer, "sums", Seen(sums, axis, taken, mask=mask))
        notes.add(layer, "activations", Seen(outputs, axis, sums, slopes, curve, mask))
        return outputs

    return between


@contextmanager
def _replaced(layer: Any, activation: Any) -> Iterator[None]:
    own = layer.activation
    try:
        object.__setattr__(layer, "activation", activation)  # past Keras' own, which would track it
        yield
    finally:
        object.__setattr__(layer, "activation", own)


def _slopes(activation: Any, call: Call, taken: Any, axis: int) -> tuple[Any, Call | None]:
    """The slopes of an activation, and itself where it has no weights; nothing if it mixes units.

    They are taken within the model's call, where its weights have the values of the moment.
    """
    if _mixes(activation, call, taken, axis):
        return None, None
    _, slopes = jax.jvp(call, (taken,), (jnp.ones_like(taken),))
    curve = call if hasattr(activation, "call") else activation
    return slopes, None if getattr(activation, "weights", ()) else curve


def _mixes(activation: Any, call: Call, taken: Any, axis: int) -> bool:
    """Whether an activation makes a unit of several; that of others' code is tried out."""
    if is_keras_own(activation):
        name = getattr(activation, "__name__", type(activation).__name__)
        return name.lower().replace("_", "") in _MIXING
    if getattr(activation, "weights", ()):
        return False
    example = np.random.default_rng(0).normal(size=(1, *np.shape(taken)[1:]))
    way = np.zeros_like(example)
    np.moveaxis(way, axis, -1)[..., 0] = 1
    # Of numbers alone, so that it is known while a program is traced.
    with jax.ensure_compile_time_eval():
        values = [jnp.asarray(one, taken.dtype) for one in (example, way)]
        _, moved = jax.jvp(call, values[:1], values[1:])
        others = np.moveaxis(np.asarray(moved), axis, -1)[..., 1:]
        return np.shape(moved) != np.shape(example) or bool(np.any(others))
