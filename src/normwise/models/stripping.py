"""Taking the normalisation out of a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import keras

from normwise.models.blocks import graphs_of
from normwise.models.graph import Call, Graph
from normwise.models.hidden_normalisation import refuse_hidden
from normwise.models.kinds import (
    activation_of,
    channel_axis,
    is_frozen,
    is_linear,
    is_transparent,
    unwrapped,
)
from normwise.models.normalised import check_removable, normalising_calls
from normwise.models.rebuild import Edits, clone_layer, rebuild

__all__ = ["strip"]

_MERGING = (
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.Concatenate,
    keras.layers.Subtract,
)


def strip(model: Any) -> Any:
    """A copy of a model without its normalisation: the baseline to compare with.

    Removes batch, layer, group and RMS normalisation, layers as well as operations
    (``keras.ops.layer_normalization(x)``), also inside nested
    models; frozen layers and models (``trainable = False``) keep theirs.
    Normalisation inside a layer (one of your own, a wrapper, a recurrent cell)
    cannot be taken out, and is refused. Preprocessing
    (``keras.layers.Normalization``), ``UnitNormalization`` and ``keras.ops.normalize``,
    which have no parameters, and ``SpectralNormalization``, which is of weights, stay.

    A layer that goes without a bias because a removed normalisation had an offset
    β gets one, so that the baseline can learn what the model could: of β's
    value if that normalisation directly follows the layer, else of the
    layer's initial value. β may also lie behind a sum, a concatenation or
    pooling, but not behind an activation.

    The result does not compute what the model computed, unless its
    normalisation was the identity: γ and the statistics are gone. An activation
    that :func:`~normwise.models.place` had split off goes back into its layer,
    so that stripping what was placed gives the model that one started from,
    weights included.

    Args:
        model: A ``Sequential`` or functional model, built. It stays untouched.

    Returns:
        A new model of the same kind; all other layers keep their names and
        values. It is not compiled.

    Raises:
        ModelError: The model is subclassed or unbuilt, or has normalisation inside a layer, or
            an operation that normalises with a scale or an offset computed by the model.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, use_bias=False, name="hidden"),
    ...     keras.layers.BatchNormalization(), keras.layers.ReLU(name="relu"),
    ... ])
    >>> stripped = strip(model)
    >>> [layer.name for layer in stripped.layers], stripped.layers[0].use_bias
    (['hidden', 'relu'], True)
    """
    edits, graphs = Edits(), list(graphs_of(model))
    refuse_hidden(model, graphs)
    for graph, call in normalising_calls(graphs):
        check_removable(graph, call)
        _remove(graph, call, edits)
    return rebuild(model, edits)


def _remove(graph: Graph, call: Call, edits: Edits) -> None:
    edits.removed.add(call)
    for layer in _layers_without_bias(graph, call):
        edits.settings[layer]["use_bias"] = True
    # An operation takes mean and variance behind its input, where the model computes them.
    source = graph.source_of(call.input_tensors[0])
    if edits.settings.get(source.operation, {}).get("use_bias"):
        _keep_offset(unwrapped(call.operation), source, edits)
    _merge_activation(graph, source, call, edits)


def _layers_without_bias(graph: Graph, call: Call) -> Iterator[Any]:
    """The layers without bias to which the β of ``call`` adds an offset."""
    if not getattr(unwrapped(call.operation), "center", False):
        return
    waiting, seen = graph.sources(call), set()
    while waiting:
        source = waiting.pop()
        layer = source.operation
        if is_linear(layer) and activation_of(layer) is None and not is_frozen(layer):
            if not getattr(unwrapped(layer), "use_bias", True):
                yield layer
        elif source not in seen and (is_transparent(layer) or isinstance(layer, _MERGING)):
            waiting.extend(graph.sources(source))
        seen.add(source)


def _keep_offset(norm: Any, source: Call, edits: Edits) -> None:
    """Let β be the bias, where it has one value a channel of what the layer gives."""
    rank = len(source.outputs[0].shape)
    axes = norm.axis if isinstance(norm.axis, list | tuple) else [norm.axis]
    if [axis % rank for axis in axes] == [channel_axis(source.operation) % rank]:
        edits.values.append((source.operation, "bias", norm.beta))


def _merge_activation(graph: Graph, source: Call, call: Call, edits: Edits) -> None:
    """Undo the split of ``Dense(8, activation="relu")`` into layers, by the name it left."""
    layer, following = source.operation, graph.next_call(call)
    if following is None or not isinstance(following.operation, keras.layers.Activation):
        return
    split_name = rf"{re.escape(layer.name)}_activation(_\d+)?"
    if is_linear(layer) and re.fullmatch(split_name, following.operation.name):
        edits.settings[layer]["activation"] = clone_layer(following.operation.activation)
        regularizer = following.operation.activity_regularizer
        if regularizer is not None:
            edits.settings[layer]["activity_regularizer"] = regularizer
        edits.removed.add(following)
