"""The graph of a built Keras model: which call feeds which.

A *call* is Keras' ``Node``: one use of a layer or operation. A shared layer has
several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import keras

from normwise.errors import ModelError
from normwise.keras_private import calls_in_order, functional_inside
from normwise.models.builder_text import builder_for
from normwise.models.kinds import defined_by_keras, require_keras

__all__ = ["Arguments", "Call", "Graph", "data_of", "functional_of", "has_graph"]

_TWO_WAYS_OUT = """\
1. a function that builds a functional model, which is then rewritten for you:

    def build():
        x = inputs = keras.Input(shape=(784,))
        x = keras.layers.Dense(100, activation="relu")(x)
        return keras.Model(inputs, keras.layers.Dense(10)(x))

2. a builder that takes an argument `norm` and places the normalisation itself:

"""


class Arguments(Protocol):
    """What a call was given, with symbolic tensors (``keras.KerasTensor``) in their places.

    Attributes:
        args: The positional arguments.
        kwargs: The keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def fill_in(self, tensors: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a tensor for each symbolic one, found by its ``id``."""


class Call(Protocol):
    """One use of a layer or operation in a graph: Keras' ``Node``, as far as it is used here.

    Attributes:
        operation: The layer or operation that is called.
        arguments: What it is called with.
        input_tensors: The symbolic tensors among the arguments, in their order.
        outputs: The symbolic tensors that it gives.
        is_input: Whether this is an input of the model, which takes no tensor.
    """

    operation: Any
    arguments: Arguments
    outputs: list[Any]
    is_input: bool

    @property
    def input_tensors(self) -> list[Any]:
        """The symbolic tensors among the arguments, in their order."""


def has_graph(model: Any) -> bool:
    """Whether ``model`` is functional or ``Sequential``, without a ``call`` of its own."""
    if not isinstance(model, keras.Function | keras.Sequential):
        return False
    return defined_by_keras(type(model), "call")


def functional_of(model: Any) -> Any:
    """The functional model that holds ``model``'s graph.

    Raises:
        ModelError: The model is subclassed, or a ``Sequential`` that does not
            know its input's shape, or no Keras model at all.
    """
    require_keras(model)
    if not has_graph(model):
        raise ModelError(
            f"model {model.name!r} is of the subclassed type {type(model).__name__}, whose layers "
            f"are called from Python code that cannot be rewritten; expected a Sequential or "
            f"functional model. There are two ways out:\n\n{_TWO_WAYS_OUT}{builder_for(model)}"
        )
    if not isinstance(model, keras.Sequential):
        return model
    functional = functional_inside(model)
    if functional is None:
        raise ModelError(
            f"Sequential model {model.name!r} does not know the shape of its input; expected a "
            f"built model; put keras.Input(shape=...) first, as in "
            f"keras.Sequential([keras.Input(shape=(784,)), ...])"
        )
    return functional


class Graph:
    """Calls of a built model in the order they run, and who uses what they give.

    Masks travel through a Keras graph as tensors, too; only data counts here.

    Args:
        model: A ``Sequential`` or functional model, built.

    Attributes:
        model: The model.
        calls: The calls that the outputs depend on, inputs first.
        outputs: The calls that give the model's outputs.

    Raises:
        ModelError: As :func:`functional_of`.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.ReLU()])
    >>> graph = Graph(model)
    >>> [type(call.operation).__name__ for call in graph.calls]
    ['InputLayer', 'Dense', 'ReLU']
    >>> graph.consumers(graph.calls[1]) == [graph.calls[2]]
    True
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        functional = functional_of(model)
        ordered: list[Call] = calls_in_order(functional)
        self._maker = {id(tensor): call for call in ordered for tensor in call.outputs}
        self.outputs = [self.source_of(tensor) for tensor in functional.outputs]
        needed = self._ancestors(self.outputs)
        self.calls = [call for call in ordered if call in needed]
        self._consumers: dict[Call, list[Call]] = {call: [] for call in self.calls}
        for call in self.calls:
            for source in self.sources(call):
                self._consumers[source].append(call)

    def consumers(self, call: Call) -> list[Call]:
        """The calls that use an output of ``call`` as data."""
        return self._consumers[call]

    def sources(self, call: Call) -> list[Call]:
        """The calls whose outputs ``call`` uses as data."""
        return [self.source_of(tensor) for tensor in data_of(call)]

    def source_of(self, tensor: Any) -> Call:
        """The call that gives ``tensor``."""
        return self._maker[id(tensor)]

    def next_call(self, call: Call) -> Call | None:
        """The one call that uses ``call``'s output; ``None`` if it branches or leaves the model."""
        consumers = self._consumers[call]
        return consumers[0] if len(consumers) == 1 and call not in self.outputs else None

    def is_shared(self, operation: Any) -> bool:
        """Whether ``operation`` is called more than once."""
        return sum(call.operation is operation for call in self.calls) > 1

    def _ancestors(self, calls: list[Call]) -> set[Call]:
        found, waiting = set(calls), list(calls)
        while waiting:
            new = [source for source in self.sources(waiting.pop()) if source not in found]
            found.update(new)
            waiting.extend(new)
        return found


def data_of(call: Call) -> Iterator[Any]:
    """The tensors a call takes as data: all but the masks."""
    # Keras hands masks over as keyword arguments: `mask`, `query_mask` and the like.
    keywords = call.arguments.kwargs.items()
    data = [value for name, value in keywords if not name.endswith("mask")]
    for value in keras.tree.flatten((call.arguments.args, data)):
        if isinstance(value, keras.KerasTensor):
            yield value
