"""Walks through a graph that several rules share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras

from normwise.checks.subject import Subject
from normwise.models.graph import Call, Graph
from normwise.models.kinds import (
    activation_of,
    is_activation,
    is_transparent,
    is_weighted,
    sublayers,
    unwrapped,
)

__all__ = [
    "asked_training",
    "batch_norms",
    "is_passive",
    "name_of_activation",
    "norms_in",
    "walk_back",
    "weights_before",
]

Passes = Callable[[Any], bool]


def batch_norms(subject: Subject) -> Iterator[tuple[Graph, Call]]:
    """Every call of a batch normalisation, with the graph that it stands in."""
    for graph in subject.graphs:
        for call in graph.calls:
            if isinstance(unwrapped(call.operation), keras.layers.BatchNormalization):
                yield graph, call


def norms_in(operation: Any) -> list[Any]:
    """The batch normalisations among a layer and those inside it, however deep.

    >>> norms_in(keras.layers.TimeDistributed(keras.layers.BatchNormalization(name="a")))[0].name
    'a'
    """
    kind = keras.layers.BatchNormalization
    return [layer for layer in sublayers(operation) if isinstance(layer, kind)]


def asked_training(call: Call) -> bool | None:
    """What a call asks for as ``training``; ``None`` where that is its signature's default."""
    given = call.arguments.kwargs.get("training")
    parameter = inspect.signature(call.operation.call).parameters.get("training")
    return None if parameter is None or given == parameter.default else given


def walk_back(graph: Graph, call: Call, passes: Passes) -> Call | None:
    """The nearest call in front that ``passes`` does not let through; ``None`` at a merge."""
    while True:
        sources = graph.sources(call)
        if len(sources) != 1:
            return None
        call = sources[0]
        if not passes(call.operation):
            return call


def is_passive(operation: Any) -> bool:
    """Whether a layer returns its input unchanged.

    >>> is_passive(keras.layers.Activation("linear")), is_passive(keras.layers.Activation("relu"))
    (True, False)
    """
    linear = isinstance(operation, keras.layers.Activation) and activation_of(operation) is None
    return linear or isinstance(operation, keras.layers.Identity)


def weights_before(graph: Graph, call: Call) -> Any | None:
    """The layer with weights whose channels a call takes, through activations and pooling."""
    found = walk_back(graph, call, lambda o: is_activation(o) or is_transparent(o) or is_passive(o))
    return found.operation if found is not None and is_weighted(found.operation) else None


def name_of_activation(operation: Any) -> str:
    """The lower-case name of an activation: a layer, an operation, or the one inside a layer."""
    inner = getattr(operation, "activation", None)
    return str(getattr(inner, "__name__", type(inner or operation).__name__)).lower()
