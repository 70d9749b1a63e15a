"""The calls that normalise in a model's graphs: of layers, and of operations of ``keras.ops``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from normwise.errors import ModelError
from normwise.models.graph import Call, Graph
from normwise.models.kinds import is_frozen, is_normalisation, is_weighted

__all__ = ["check_removable", "normalising_calls"]

# Arguments of an operation that may be removed with it. A scale and an offset that the model
# computes may not: they act on what follows, normalised or not.
_STATISTICS = frozenset({"mean", "variance"})


def normalising_calls(graphs: Iterable[Graph]) -> Iterator[tuple[Graph, Call]]:
    """Graph and call of every normalisation of activations that is not frozen.

    An operation is frozen if the model is in whose graph it stands.

    >>> inputs = keras.Input((4,))
    >>> model = keras.Model(inputs, keras.ops.layer_normalization(inputs))
    >>> [type(call.operation).__name__ for _, call in normalising_calls([Graph(model)])]
    ['LayerNorm']
    """
    for graph in graphs:
        for call in graph.calls:
            is_layer = isinstance(call.operation, keras.layers.Layer)
            if is_normalisation(call.operation) and not is_frozen(
                call.operation if is_layer else graph.model
            ):
                yield graph, call


def check_removable(graph: Graph, call: Call) -> None:
    """Refuse an operation whose scale or offset the model computes, as conditional ones are.

    And one whose statistics are those of something else than what it normalises.

    Args:
        graph: The graph that the call stands in.
        call: A call of a normalisation.

    Raises:
        ModelError: Without it, what computes them would be gone as well.
    """
    if isinstance(call.operation, keras.layers.Layer):
        return
    signature = inspect.signature(call.operation.call)
    taken = signature.bind(*call.arguments.args, **call.arguments.kwargs).arguments
    kept = _behind(graph, taken.pop("x"))
    computed = [
        name
        for name, value in taken.items()
        if isinstance(value, keras.KerasTensor)
        and (name not in _STATISTICS or any(map(_is_own, _behind(graph, value) - kept)))
    ]
    if computed:
        raise ModelError(
            f"operation {call.operation.name!r} of model {graph.model.name!r} normalises, and its "
            f"{' and '.join(computed)} the model computes: taken out, it would take along what "
            f"computes them; expected normalisation with weights of its own, or the scale and the "
            f"offset as operations behind it; try keras.ops.layer_normalization(x) * scale + "
            f"offset, or a builder with an argument 'norm', which decides itself"
        )


def _behind(graph: Graph, tensor: Any) -> set[Call]:
    """The calls that a tensor depends on."""
    found, waiting = set[Call](), [graph.source_of(tensor)]
    while waiting:
        call = waiting.pop()
        if call not in found:
            found.add(call)
            waiting.extend(graph.sources(call))
    return found


def _is_own(call: Call) -> bool:
    """Whether a call brings in what no other has: weights, or an input."""
    return call.is_input or is_weighted(call.operation)
