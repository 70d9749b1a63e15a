"""A look: what all probes need is computed once, and each of them reads its series from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.data.nested import Arrays
from normwise.domain import derive_seed
from normwise.errors import ModelError
from normwise.layers.ghost import slice_sizes
from normwise.models.kinds import has_keras_steps
from normwise.models.population_statistics import batch_normalisations
from normwise.models.tracing import tracing
from normwise.probes.activations import Activations
from normwise.probes.activity import activity_of, moments, ordered
from normwise.probes.calls import Key
from normwise.probes.found import Found, Moments
from normwise.probes.gradients import Gradients
from normwise.probes.landscape import STEPS, Landscape
from normwise.probes.moment import Moment, Start, Values
from normwise.probes.probe import Probe
from normwise.probes.shift import Shift
from normwise.probes.signals import Signals, signals_in
from normwise.probes.statistics import Held, Statistics
from normwise.probes.sweep import Sweep
from normwise.probes.weights import Weighted, evenly, unseen_layers, weighted_layers

__all__ = ["BATCHES", "SHOWN", "Looking", "looking_at"]

# Examples of the reference: what its signals take may not be more than so many bytes.
_MOST, _MOST_BYTES, _FEWEST = 2048, 2**27, 64
BATCHES = 8
"""Batches whose statistics are compared, at most."""
# Layers whose gradients are compared with the layers below moved; each costs a gradient.
_SHIFTED = 12
SHOWN = 2
"""Examples that a model is shown to find its signals."""


@dataclass(frozen=True, eq=False)
class Looking:
    """What is looked at in a model.

    Attributes:
        signals: Its signals.
        norms: Its batch normalisations that have moving statistics and can be seen.
        sweep: Points around a step; ``None`` where what a step does is not known.
        probes: By name.
    """

    signals: Signals
    norms: tuple[Key, ...]
    sweep: Sweep | None
    probes: Mapping[str, Probe]

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """What the axes of the series stand for."""
        return {axis: own for one in self.probes.values() for axis, own in one.names().items()}

    def look(self, moment: Moment) -> dict[str, Any]:
        """``PROBE/SERIES`` to its values at this moment; pure, so that it may be compiled."""
        found = self._found(moment)
        return {
            f"{probe}/{name}": values
            for probe, one in self.probes.items()
            for name, values in one.read(found).items()
        }

    @functools.cached_property
    def program(self) -> Callable[[Moment], dict[str, Any]]:
        """:meth:`look`, compiled where the model is: once for all runs that are looked at."""
        is_eager: bool = self.signals.model.run_eagerly
        return self.look if is_eager else jax.jit(self.look)

    @staticmethod
    def settled(series: Mapping[str, Any]) -> dict[str, Any]:
        """What looks gave, outside of the program, with quantiles in the place of samples.

        Args:
            series: ``PROBE/SERIES`` to NumPy arrays, with any axes in front of those of a look.
        """
        prefix = "activations/"
        own = {name: one for name, one in series.items() if name.startswith(prefix)}
        found = ordered({name.removeprefix(prefix): one for name, one in own.items()})
        rest = {name: one for name, one in series.items() if name not in own}
        return {**rest, **{f"{prefix}{name}": one for name, one in found.items()}}

    def reference(self, examples: int) -> NDArray[np.int32]:
        """Numbers of the examples that signals are of, ascending: the same for the same data.

        Args:
            examples: How many there are.
        """
        most = _MOST_BYTES // max(1, self.signals.bytes_an_example)
        most = max(_FEWEST, min(_MOST, most))
        drawn = np.random.default_rng(derive_seed(0, "reference")).permutation(examples)[:most]
        return np.sort(drawn).astype(np.int32)

    def _found(self, moment: Moment) -> Found:
        swept = None if self.sweep is None else self.sweep.at(moment)
        after = moment.trainable if swept is None else swept.after
        ends = [jnp.stack(both) for both in zip(moment.trainable, after, strict=True)]
        both = lax.map(lambda values: self._signals(values, moment), ends)
        (activity, population), (afterwards, _) = (_at(both, end) for end in (0, 1))
        noise = lax.map(
            lambda x: self._moments(moment.trainable, moment.non_trainable, x), moment.batches
        )
        return Found(moment, activity, afterwards, population, noise, swept)

    def _signals(self, trainable: Values, moment: Moment) -> tuple[Any, tuple[Moments, ...]]:
        seen = self.signals.seen(trainable, moment.non_trainable, moment.reference)
        activity = activity_of([seen[key] for key in self.signals.shown])
        return activity, self._moments_in(seen)

    def _moments(self, trainable: Values, others: Values, x: Arrays) -> tuple[Moments, ...]:
        """Those that each normalisation takes of a batch, ``(groups, channels)`` each."""
        seen = self.signals.seen(trainable, others, x)
        return tuple(_moments_of(seen[key], _group_of(key)) for key in self.norms)

    def _moments_in(self, seen: Mapping[Key, Any]) -> tuple[Moments, ...]:
        return tuple(Moments(*_at(_moments_of(seen[key]), 0)) for key in self.norms)


def _at(arrays: Any, place: int) -> Any:
    return jax.tree.map(lambda one: one[place], arrays)


def _group_of(key: Key) -> int | None:
    """Examples that a normalisation takes moments of; ``None`` where that is a whole batch."""
    size: int | None = getattr(key.layer, "virtual_batch_size", None)
    return size


def _moments_of(seen: Any, group: int | None = None) -> Moments:
    """Of groups of so many examples, those of one size; of all unless given."""
    rows, counts = seen.rows, seen.counts
    examples = len(seen.values)
    sizes = slice_sizes(examples, group or examples)
    alike = sizes.count(sizes[0])

    def cut(values: Any) -> Any:
        whole = values[: alike * sizes[0] * (len(rows) // examples)]
        return whole.reshape((alike, -1, values.shape[-1]))

    return Moments(*moments(cut(rows), 1, None if counts is None else cut(counts)))


def looking_at(model: keras.Model, start: Start, x: Arrays) -> Looking:
    """What is looked at in a model.

    Where it has a ``train_step`` of its own, which may do anything, that is signals and statistics
    alone.

    Args:
        model: Built and compiled, its optimiser and metrics built, too.
        start: Values of its variables.
        x: Some of its inputs, at least :data:`SHOWN`.

    Raises:
        ModelError: No layer has weights where they can be seen.
    """
    with tracing(model, "training"):
        signals = signals_in(model, start, jax.tree.map(lambda one: one[:SHOWN], x))
    layers = weighted_layers(signals)
    if not layers:
        raise ModelError(
            f"no layer of model {model.name!r} has weights that are trained where they can be "
            f"seen; expected one such as Dense or Conv2D; leave the probes out"
        )
    probes: dict[str, Probe] = {"activations": Activations(signals.names)}
    if held := dict(_norms_in(model, signals)):
        probes["statistics"] = Statistics(tuple(held.values()))
    sweep = None
    if has_keras_steps(model, ["train_step"]):
        around, shares = _around_a_step(layers, signals)
        probes, sweep = {**around, **probes}, Sweep(model, start.metrics, shares)
    return Looking(signals, tuple(held), sweep, probes)


def _around_a_step(
    layers: list[Weighted], signals: Signals
) -> tuple[dict[str, Probe], NDArray[np.float32]]:
    """What is seen around a step, and at which points of a sweep."""
    variables = len(signals.model.trainable_variables)
    # Below the first layer nothing moves.
    places = tuple(evenly([at for at, one in enumerate(layers) if one.below], _SHIFTED))
    along = 1 + len(places)
    shift = Shift(tuple(layers[at] for at in places), places, slice(1, along))
    landscape = Landscape(slice(along, along + len(STEPS)))
    gradients = Gradients(tuple(layers), unseen_layers(signals))
    probes: dict[str, Probe] = {"gradients": gradients, "shift": shift, "landscape": landscape}
    begins = np.zeros((1, variables), np.float32)
    return probes, np.concatenate([begins, shift.shares(variables), landscape.shares(variables)])


def _norms_in(model: keras.Model, signals: Signals) -> list[tuple[Key, Held]]:
    """The batch normalisations whose statistics move, in the order in which they are called."""
    known = {id(layer) for layer in batch_normalisations(model) if layer.trainable}
    own = [(layer, signals.inputs_of(layer)) for layer in signals.layers if id(layer) in known]
    return [
        (key, _held(model, layer, signals.layer_names[layer.name]))
        for layer, key in own
        if key is not None
    ]


def _held(model: keras.Model, layer: Any, name: str) -> Held:
    trainable = {id(one): place for place, one in enumerate(model.trainable_variables)}
    others = {id(one): place for place, one in enumerate(model.non_trainable_variables)}
    return Held(
        name,
        trainable.get(id(layer.gamma)) if layer.scale else None,
        trainable.get(id(layer.beta)) if layer.center else None,
        (others[id(layer.moving_mean)], others[id(layer.moving_variance)]),
        int(layer.moving_mean.shape[0]),
        layer.epsilon,
    )
