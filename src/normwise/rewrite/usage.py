"""How the layers of a model are used: how often, and which in training mode by force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from normwise.rewrite.graph import Graph, has_graph
from normwise.rewrite.kinds import core, sublayers

__all__ = ["Usage"]


class Usage:
    """Of all layers of a model, whichever of its graphs they are called in.

    Args:
        graphs: Of the model and of those nested in it, outer ones first.

    >>> import keras
    >>> x, norm = keras.Input((2,)), keras.layers.BatchNormalization()
    >>> model = keras.Model(x, norm(norm(x), training=True))
    >>> graph = Graph(model)
    >>> usage = Usage([graph])
    >>> usage.is_shared(norm), [usage.is_forced(graph, call) for call in graph.calls]
    (True, [False, False, True])
    """

    def __init__(self, graphs: Sequence[Graph]) -> None:
        self._calls: Counter[Any] = Counter()
        self._forced: set[Any] = set()
        for graph in graphs:
            for call in graph.calls:
                inner = core(call.operation)
                if has_graph(inner):
                    # Its layers are called in a graph of its own.
                    self._forced |= {inner} if self.is_forced(graph, call) else set()
                else:
                    self._calls.update(sublayers(call.operation))

    def is_shared(self, operation: Any) -> bool:
        """Whether a layer is called more than once: here, in a nested model, inside a layer."""
        return self._calls[core(operation)] > 1

    def is_forced(self, graph: Graph, call: Any) -> bool:
        """Whether ``model(x)`` runs a call in training mode, as ``training=True`` asks.

        ``model.predict`` does not.
        """
        return graph.model in self._forced or bool(call.arguments.kwargs.get("training"))
