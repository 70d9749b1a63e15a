"""How the layers of a model are used: how often, and which in training mode by force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from normwise.models.graph import Call, Graph, has_graph
from normwise.models.kinds import is_linear, sublayers, unwrapped
from normwise.models.modes import Mode, modes_of

__all__ = ["Usage"]


class Usage:
    """How the layers of a model are used, whichever of its graphs calls them.

    Args:
        graphs: The graphs of the model and of the models nested in it, outer ones first.

    >>> import keras
    >>> x, norm = keras.Input((2,)), keras.layers.BatchNormalization()
    >>> model = keras.Model(x, norm(norm(x), training=True))
    >>> graph = Graph(model)
    >>> usage = Usage([graph])
    >>> usage.is_shared(norm), [usage.mode(call).is_training for call in graph.calls]
    (True, [False, False, True])
    """

    def __init__(self, graphs: Sequence[Graph]) -> None:
        self._calls: Counter[Any] = Counter()
        self._modes = modes_of(graphs[0].model)
        for graph in graphs:
            for call in graph.calls:
                # The layers of a model inside stand in a graph of its own.
                if not has_graph(unwrapped(call.operation)):
                    self._calls.update(sublayers(call.operation))

    def is_shared(self, operation: Any) -> bool:
        """Whether a layer is called more than once: here, in a nested model, inside a layer."""
        return self._calls[unwrapped(operation)] > 1

    def mode(self, call: Call) -> Mode:
        """The mode that ``model(x)`` runs a call in; ``model.predict`` runs all in inference."""
        return self._modes.get(call, Mode())

    def decides_modes(self, call: Call) -> bool:
        """Whether a call decides the mode of others that may differ between the two modes."""
        return any(
            mode.decided_by is call and other is not call and not is_linear(other.operation)
            for other, mode in self._modes.items()
        )
