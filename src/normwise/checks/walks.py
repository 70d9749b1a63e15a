"""Ways through a graph that several rules go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras

from normwise.checks.subject import Subject
from normwise.rewrite.graph import Graph
from normwise.rewrite.kinds import activation_of, core, is_activation, is_transparent, is_weighted

__all__ = ["batch_norms", "is_passive", "name_of_activation", "source", "weights_before"]

Passes = Callable[[Any], bool]


def batch_norms(subject: Subject) -> Iterator[tuple[Graph, Any]]:
    """Every call of a batch normalisation, with the graph that it stands in."""
    for graph in subject.graphs:
        for call in graph.calls:
            if isinstance(core(call.operation), keras.layers.BatchNormalization):
                yield graph, call


def source(graph: Graph, call: Any, passes: Passes) -> Any | None:
    """The call behind this one, past those that ``passes`` lets through; ``None`` at a merge."""
    while True:
        sources = graph.sources(call)
        if len(sources) != 1:
            return None
        call = sources[0]
        if not passes(call.operation):
            return call


def is_passive(operation: Any) -> bool:
    """Whether a layer hands on what it takes: no function, no noise, no other place.

    >>> is_passive(keras.layers.Activation("linear")), is_passive(keras.layers.Activation("relu"))
    (True, False)
    """
    linear = isinstance(operation, keras.layers.Activation) and activation_of(operation) is None
    return linear or isinstance(operation, keras.layers.Identity)


def weights_before(graph: Graph, call: Any) -> Any | None:
    """The layer with weights whose channels a call takes, through activations and pooling."""
    found = source(graph, call, lambda o: is_activation(o) or is_transparent(o) or is_passive(o))
    return found.operation if found is not None and is_weighted(found.operation) else None


def name_of_activation(operation: Any) -> str:
    """Of an activation layer, an operation such as ``ops.tanh``, or a layer with one inside."""
    inner = getattr(operation, "activation", None)
    return str(getattr(inner, "__name__", type(inner or operation).__name__)).lower()
