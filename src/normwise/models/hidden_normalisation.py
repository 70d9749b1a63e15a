"""Normalisation inside layers, where no graph shows it: named, and refused in a baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras

from normwise.errors import ModelError, listed
from normwise.models.graph import Graph, has_graph
from normwise.models.kinds import (
    is_batch_normalisation,
    is_frozen,
    is_normalisation,
    sublayers,
    unwrapped,
)
from normwise.models.normalised import normalising_calls

__all__ = ["Hidden", "hidden_in", "norms_left_in", "refuse_hidden", "refuse_normalised_baseline"]


@dataclass(frozen=True, slots=True)
class Hidden:
    """A normalisation that stands in no graph.

    Attributes:
        norm: The normalisation.
        holder: The layer of a graph that holds it, however deep: one of the user's own, a
            wrapper, a recurrent layer; or the model itself, if that has no graph.
    """

    norm: Any
    holder: Any

    @property
    def name(self) -> str:
        """The holder's name and the normalisation's: ``holder/norm``."""
        return f"{self.holder.name}/{self.norm.name}"

    @property
    def why(self) -> str:
        """Why nothing can be said of its place, in words that follow its name."""
        kind = type(self.holder).__name__
        return f"it is inside {self.holder.name!r}, a {kind}, where no graph shows what it follows"


def hidden_in(model: Any, graphs: Iterable[Graph]) -> list[Hidden]:
    """The normalisation of a model that stands in none of these graphs.

    What counts is what :func:`~normwise.models.strip` takes out of a graph: batch, layer,
    group and RMS normalisation, Keras' own or derived from it, and their operations.

    Args:
        model: Any built Keras model.
        graphs: The graphs of the model and of the models nested in it, outer ones first.

    >>> norm = keras.layers.BatchNormalization(name="norm")
    >>> inner = keras.Sequential([keras.Input((2,)), norm], name="inner")
    >>> steps = keras.layers.TimeDistributed(inner, name="steps")
    >>> model = keras.Sequential([keras.Input((3, 2)), steps])
    >>> [found.name for found in hidden_in(model, [Graph(model)])]
    ['steps/norm']
    """
    calls = [call for graph in graphs for call in graph.calls]
    shown = {unwrapped(call.operation) for call in calls}
    holders = {} if has_graph(model) else dict.fromkeys(_norms_in(model), model)
    for call in calls:  # what is nested comes later, and knows the holder better
        holders |= dict.fromkeys(_norms_in(call.operation), call.operation)
    return [Hidden(norm, holder) for norm, holder in holders.items() if norm not in shown]


def norms_left_in(model: Any, graphs: Iterable[Graph]) -> Iterator[tuple[str, str]]:
    """Name and reason of each batch normalisation that is no layer of a graph, and so stays.

    Args:
        model: Any built Keras model.
        graphs: The graphs of the model and of the models nested in it, outer ones first.
    """
    graphs = list(graphs)
    for hidden in hidden_in(model, graphs):
        if is_batch_normalisation(hidden.norm):
            yield hidden.name, hidden.why
    for graph in graphs:
        for call in graph.calls:
            operation = call.operation
            is_layer = isinstance(operation, keras.layers.Layer)
            if is_batch_normalisation(operation) and not is_layer:
                yield operation.name, "it is an operation, with no statistics or weights of a layer"


def refuse_hidden(model: Any, graphs: Iterable[Graph]) -> None:
    """Refuse a model with normalisation that cannot be taken out: it would be no baseline.

    Args:
        model: Any built Keras model.
        graphs: The graphs of the model and of the models nested in it, outer ones first.

    Raises:
        ModelError: It has some that is not frozen.
    """
    found = [one for one in hidden_in(model, graphs) if not is_frozen(one.norm)]
    if not found:
        return
    holder = found[0].holder
    raise ModelError(
        f"model {model.name!r} has normalisation inside layers, where it cannot be taken out: "
        f"{listed([_in_words(one) for one in found])}; expected it as layers of the model's own "
        f"graph. There are two ways out:\n\n{_ways_out(holder.name, type(holder).__name__)}"
    )


def refuse_normalised_baseline(model: Any, builder: str) -> None:
    """Refuse the model that a builder with an argument ``norm`` gives for the baseline.

    Args:
        model: That model.
        builder: The function's name.

    Raises:
        ModelError: It has normalisation that is not frozen.
    """
    norms = [norm for norm in _norms_in(model) if not is_frozen(norm)]
    names = dict.fromkeys(repr(norm.name) for norm in norms)
    if names:
        raise ModelError(
            f"the model that {builder!r} gives for 'none' has normalisation: {listed([*names])}; "
            f"expected a baseline without any; build it only where norm.is_baseline is false"
        )


def _norms_in(operation: Any) -> Iterator[Any]:
    """The normalisation in a layer, however deep; of operations those that are not frozen."""
    for layer in sublayers(operation):
        if is_normalisation(layer) and layer is unwrapped(layer):
            yield layer
        elif has_graph(layer) and layer.built:
            found = [call.operation for _, call in normalising_calls([Graph(layer)])]
            yield from (one for one in found if not isinstance(one, keras.layers.Layer))


def _in_words(found: Hidden) -> str:
    norm, holder = found.norm, found.holder
    return (
        f"{norm.name!r} ({type(norm).__name__}) in layer {holder.name!r} ({type(holder).__name__})"
    )


def _ways_out(name: str, kind: str) -> str:
    return f"""\
1. take it out of {name!r} in the function that builds the model, where normwise then places
   normalisation around that layer and in the layers beside it:

    def build():
        return keras.Sequential([keras.Input(shape), {kind}(..., normalise=False), ...])

2. a builder that takes an argument `norm` and decides itself, with none of it in the baseline:

    def build(norm):  # a normwise Variant
        block = {kind}(..., normalise=not norm.is_baseline)
        return keras.Sequential([keras.Input(shape), block, ...])"""
