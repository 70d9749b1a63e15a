"""What flows from layer to layer: weighted sums, what normalisation makes of them, activations.

A model is called once with real numbers to find out which of its layers run where they can be
seen; from then on their signals can be had in a compiled program, too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import keras
import numpy as np

from normwise.data.nested import Arrays
from normwise.models.kinds import is_normalisation
from normwise.models.population_statistics import holds_numbers
from normwise.probes.calls import Key, Seen, called
from normwise.probes.dependence import Origin, origins
from normwise.probes.moment import Start, Values
from normwise.probes.naming import stable_names
from normwise.probes.watched import watched_layers

__all__ = ["Signal", "Signals", "signals_in"]


class Signal(NamedTuple):
    """A signal in words.

    Attributes:
        layer: Name of the layer that it is at, with the number of its call from the second on.
        kind: ``inputs`` (what a layer or an activation takes, where that is no other signal),
            ``sums`` (what a layer with weights gives, before its activation where that can be
            seen), ``normalised`` (what a normalisation gives), ``activations``.
        takes: Place of the signal that it is made of, among all; empty where it is none.
        is_output: Whether it is an activation that no layer with weights takes up.
    """

    layer: str
    kind: str
    takes: str
    is_output: bool = False


@dataclass(frozen=True, eq=False)
class Signals:
    """The signals of a model that can be seen.

    Attributes:
        model: The model.
        keys: All of them, in the order in which a call computes them.
        shown: Those that are shown, with the place among them of the one that each is made of.
        outputs: Activations that no layer with weights takes up.
        below: Of each layer, where the variables that what it takes depends on stand among the
            model's trainable ones.
        bytes_an_example: What those that are shown take, in float32.
    """

    model: keras.Model
    keys: tuple[Key, ...]
    shown: Mapping[Key, int | None]
    outputs: frozenset[Key]
    below: Mapping[Any, frozenset[int]]
    bytes_an_example: int

    @property
    def layers(self) -> list[Any]:
        """The layers that they are at, in the order of their first calls."""
        return list(dict.fromkeys(key.layer for key in self.keys))

    @property
    def names(self) -> tuple[Signal, ...]:
        """Those that are shown, in words."""
        return tuple(self._in_words(key, takes) for key, takes in self.shown.items())

    def _in_words(self, key: Key, takes: int | None) -> Signal:
        again = f" ({key.call + 1})" if key.call else ""
        return Signal(
            f"{self.layer_names[key.layer.name]}{again}",
            key.kind,
            "" if takes is None else str(takes),
            key in self.outputs,
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
        found = called(self.model, self.layers, trainable, non_trainable, x)
        return {key: found[key] for key in self.keys}


def signals_in(model: keras.Model, start: Start, x: Arrays) -> Signals:
    """The signals of a model that can be seen.

    Those of a layer that runs in a loop, as the cell of a recurrent layer does, cannot be.

    Args:
        model: Built.
        start: Values of its variables.
        x: A few inputs; the model is called on them, and stays as it is.
    """
    layers = watched_layers(model)
    found = called(model, layers, start.trainable, start.others, x)
    unseen = {key.layer for key, seen in found.items() if not holds_numbers(seen.values)}
    keys = tuple(key for key in found if key.layer not in unseen)
    origin = _origins(model, keys, start, x)
    shown = _shown(keys, found, origin)
    sizes = [np.size(found[key].values) for key in shown]
    examples = len(jax.tree.leaves(x)[0])
    return Signals(
        model,
        keys,
        shown,
        frozenset(_outputs(keys, origin)),
        _below(origin),
        4 * sum(sizes) // examples,
    )


def _origins(model: keras.Model, keys: Sequence[Key], start: Start, x: Arrays) -> dict[Key, Origin]:
    """Which trainable variables, and which others of the signals, each is computed from."""
    layers = list(dict.fromkeys(key.layer for key in keys))

    def values(*trainable: Any) -> list[Any]:
        found = called(model, layers, list(trainable), start.others, x)
        return [found[key].values for key in keys]

    return dict(zip(keys, origins(values, start.trainable), strict=True))


def _shown(
    keys: Sequence[Key], found: Mapping[Key, Seen], origin: Mapping[Key, Origin]
) -> dict[Key, int | None]:
    """Those that are shown, with the place among them of what each is made of.

    What a layer takes is left out where it is shown already, and where no weights act on it.
    """
    places: dict[int, int] = {}
    shown: dict[Key, int | None] = {}
    for key in keys:
        values, taken = found[key].values, found[key].taken
        is_told = bool(origin[key].arguments) or is_normalisation(key.layer)
        if key.kind != "inputs" or (is_told and id(values) not in places):
            shown[key] = places.get(id(taken))
            places[id(values)] = len(shown) - 1
    return shown


def _outputs(keys: Sequence[Key], origin: Mapping[Key, Origin]) -> Iterator[Key]:
    """Activations that no layer with weights takes up."""
    taken_up = {place for key in keys if key.kind == "sums" for place in origin[key].results}
    for place, key in enumerate(keys):
        if key.kind == "activations" and place not in taken_up:
            yield key


def _below(origin: Mapping[Key, Origin]) -> dict[Any, frozenset[int]]:
    """Of each layer which variables what it takes depends on, in any of its calls."""
    below: dict[Any, frozenset[int]] = {}
    for key, own in origin.items():
        if key.kind == "inputs":
            below[key.layer] = below.get(key.layer, frozenset()) | own.arguments
    return below
