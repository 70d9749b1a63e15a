"""Finding what there is to normalise: blocks of a linear part and its activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from normwise.errors import ModelError
from normwise.models.graph import Call, Graph, has_graph
from normwise.models.kinds import (
    activation_of,
    is_activation,
    is_frozen,
    is_gate_activation,
    is_linear,
    is_model,
    is_recurrent,
    is_transparent,
    is_weighted,
    unwrapped,
)

__all__ = ["Block", "find_blocks", "graphs_of"]

_PRODUCTS = frozenset({"Multiply", "Dot", "Matmul", "Einsum"})


@dataclass(frozen=True, slots=True)
class Block:
    """A layer with weights that is linear before its activation, or a recurrent layer.

    Attributes:
        call: The call of the layer. A shared layer has a block a call.
        end: The call whose output is the block's: the activation if it is a layer
            of its own, else ``call`` itself.
    """

    call: Call
    end: Call

    @property
    def layer(self) -> Any:
        """The layer that holds the weights."""
        return self.call.operation


def find_blocks(model: Any) -> list[Block]:
    """The blocks of a model that normalisation may go into, in the order they run.

    Nested models are entered. Left out are the output layers (no other weights
    act between them and an output, whatever activations, pooling or merging
    there is), frozen layers, and gates (a sigmoid or softmax that is
    multiplied with something), with the squeeze before them.

    Raises:
        ModelError: The model has no graph to read.

    >>> import keras
    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, name="hidden"), keras.layers.ReLU(name="relu"),
    ...     keras.layers.Dense(3, name="logits"), keras.layers.Softmax(),
    ... ])
    >>> [(block.layer.name, block.end.operation.name) for block in find_blocks(model)]
    [('hidden', 'relu')]
    """
    return list(_blocks_in(model, leaves=True, beyond=None, seen=set()))


def graphs_of(model: Any, *, frozen: bool = False, wrapped: bool = False) -> Iterator[Graph]:
    """The graphs of a model and of the models nested in it, each once, outer ones first.

    A nested model that is subclassed has none, and is passed over.

    Args:
        model: A ``Sequential`` or functional model, built.
        frozen: Whether to enter nested models that are frozen, too.
        wrapped: Whether to enter those in ``TimeDistributed``, too.

    Raises:
        ModelError: The model itself has no graph to read.
    """
    waiting, seen = [model], {model}
    while waiting:
        graph = Graph(waiting.pop())
        yield graph
        for call in graph.calls:
            layer = unwrapped(call.operation) if wrapped else call.operation
            if has_graph(layer) and layer not in seen and (frozen or not is_frozen(layer)):
                seen.add(layer)
                waiting.append(layer)


def _blocks_in(model: Any, *, leaves: bool, beyond: Call | None, seen: set[Any]) -> Iterator[Block]:
    """Blocks of one graph and those nested in it.

    Args:
        model: The model whose graph it is.
        leaves: Whether what this model gives reaches the outermost output
            without passing other weights.
        beyond: The activation outside that alone uses this model's one output.
        seen: Models entered already.
    """
    graph = Graph(model)
    output_layers = {call.operation for call in _output_calls(graph)} if leaves else set()
    for call in graph.calls:
        layer = call.operation
        if is_frozen(layer) or layer in seen:
            continue
        _refuse_wrapped_model(layer)
        if has_graph(layer):
            seen.add(layer)
            outside = None if graph.is_shared(layer) else _activation_after(graph, call, beyond)
            yield from _blocks_in(layer, leaves=layer in output_layers, beyond=outside, seen=seen)
            continue
        if (is_linear(layer) or is_recurrent(layer)) and layer not in output_layers:
            block = Block(call, _end(graph, call, beyond))
            if not _is_gate(graph, block) and not _is_squeeze(graph, block):
                yield block


def _refuse_wrapped_model(layer: Any) -> None:
    inner = unwrapped(layer)
    if layer is inner or not (is_model(inner) and is_weighted(inner)):
        return
    raise ModelError(
        f"layer {layer.name!r} wraps the model {inner.name!r} in {type(layer).__name__}, where "
        f"normalisation would see one time step at a time; expected layers whose output can be "
        f"normalised over the whole sequence; try calling the layers of {inner.name!r} one by one, "
        f"each in a {type(layer).__name__} of its own"
    )


def _output_calls(graph: Graph) -> set[Call]:
    """Calls from which an output is reached without passing the weights of another layer."""
    found = set(graph.outputs)
    for call in reversed(graph.calls):
        if any(user in found and not is_weighted(user.operation) for user in graph.consumers(call)):
            found.add(call)
    return found


def _end(graph: Graph, call: Call, beyond: Call | None) -> Call:
    layer = call.operation
    if is_recurrent(layer) or activation_of(layer) is not None:
        return call
    return _activation_after(graph, call, beyond) or call


def _activation_after(graph: Graph, call: Call, beyond: Call | None) -> Call | None:
    """The activation that alone uses ``call``'s output, pooling and the like in between or not."""
    step = call
    while (following := graph.next_call(step)) is not None:
        if is_activation(following.operation):
            return following
        if not is_transparent(following.operation):
            return None
        step = following
    leaves_here = graph.outputs == [step] and not graph.consumers(step)
    return beyond if leaves_here else None


def _is_gate(graph: Graph, block: Block) -> bool:
    """Whether the block only weighs something else: what a sigmoid gives is multiplied."""
    if block.end not in graph.calls:
        return False
    activation = activation_of(block.layer) or block.end.operation
    users = graph.consumers(block.end)
    multiplied = [
        type(user.operation).__name__ in _PRODUCTS and len(graph.sources(user)) > 1
        for user in users
    ]
    return is_gate_activation(activation) and bool(users) and all(multiplied)


def _is_squeeze(graph: Graph, block: Block) -> bool:
    """Whether this is the first half of squeeze-and-excitation: pooled, and read by a gate only."""
    following = graph.next_call(block.end) if block.end in graph.calls else None
    if following is None or not is_linear(following.operation):
        return False
    gate = Block(following, _end(graph, following, None))
    return _is_gate(graph, gate) and _is_pooled(graph, block.call)


def _is_pooled(graph: Graph, call: Call) -> bool:
    (source,) = graph.sources(call)
    if isinstance(source.operation, keras.layers.Reshape):
        return _is_pooled(graph, source)
    return type(source.operation).__name__.startswith("Global")
