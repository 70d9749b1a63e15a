"""Finding the inputs that can be normalised."""

from __future__ import annotations

from typing import Any

import keras

from normwise.keras_private import is_preprocessing
from normwise.models.graph import Call, Graph, data_of, functional_of, has_graph
from normwise.models.kinds import is_frozen, is_model, is_weighted, sublayers

__all__ = ["SHAPING", "find_inputs", "input_axis"]

# Layers that move values to other places and do not change them.
SHAPING = (
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.Masking,
)


def find_inputs(graph: Graph) -> list[Call]:
    """The calls behind which input normalisation goes, one for each input of numbers.

    It goes directly behind the input, or behind what alone follows it and only
    prepares it: preprocessing (rescaling, augmentation, …), ``Flatten``,
    ``Reshape``, ``Permute``, ``Masking``. Left out are integer inputs, inputs
    that an ``Embedding`` reads, and inputs of frozen layers.
    """
    inputs = [call for call in graph.calls if call.is_input]
    prepared = [_after_preparation(graph, call) for call in inputs]
    return [call for call in prepared if _takes_numbers(graph, call)]


def input_axis(graph: Graph, call: Call) -> int:
    """The channel axis of what ``call`` gives: 1 if the layers that use it have channels first."""
    users = [layer for user in graph.consumers(call) for layer in sublayers(user.operation)]
    formats = [layer.data_format for layer in users if hasattr(layer, "data_format")]
    return 1 if formats[:1] == ["channels_first"] else -1


def _after_preparation(graph: Graph, call: Call) -> Call:
    while (following := graph.next_call(call)) is not None and _prepares(following.operation):
        call = following
    return call


def _prepares(operation: Any) -> bool:
    if is_model(operation):
        return not is_weighted(operation)
    return is_preprocessing(operation) or isinstance(operation, SHAPING)


def _takes_numbers(graph: Graph, call: Call) -> bool:
    tensor = call.outputs[0]
    floating = keras.backend.is_float_dtype(tensor.dtype)
    return floating and not any(_spoils(user, tensor) for user in graph.consumers(call))


def _spoils(user: Call, tensor: Any) -> bool:
    """Whether ``user`` needs ``tensor`` as it is: an embedding, or a frozen layer."""
    operation = user.operation
    if is_frozen(operation):
        return True
    if not has_graph(operation):
        return any(isinstance(layer, keras.layers.Embedding) for layer in sublayers(operation))
    inner = Graph(operation)
    ports = zip(data_of(user), functional_of(operation).inputs, strict=True)
    return any(
        _spoils(inner_user, port)
        for outside, port in ports
        if outside is tensor
        for inner_user in inner.consumers(inner.source_of(port))
    )
