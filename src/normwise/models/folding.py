"""Folding batch normalisation into the weights of its neighbours, for inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from normwise.models.affine import affine
from normwise.models.blocks import graphs_of
from normwise.models.foldable import Neighbourhood
from normwise.models.graph import Call
from normwise.models.hidden_normalisation import norms_left_in
from normwise.models.kinds import unwrapped
from normwise.models.linear import LinearWeights
from normwise.models.naming import unused_name
from normwise.models.rebuild import Edits, rebuild
from normwise.models.usage import Usage

__all__ = ["Folding", "fold", "folding_of"]


@dataclass(frozen=True, slots=True)
class Folding:
    """A folded model, and what became of each batch normalisation.

    Attributes:
        model: The folded model.
        folded: The name of each normalisation that is gone, to the name of the layer whose weights
            hold it now.
        left: The name of each normalisation that is still there, to the reason. One inside a layer
            is named ``layer/normalisation``.
    """

    model: Any
    folded: dict[str, str]
    left: dict[str, str]


def fold(model: Any) -> Any:
    """A copy of a model in which other layers' weights do what batch normalisation did.

    In inference, batch normalisation multiplies each channel by ``γ / √(σ² + ε)`` and adds
    ``β - μ·γ / √(σ² + ε)``. Directly behind a linear layer without activation both go into that
    layer's kernel and bias; directly in front of a dense layer, or of a convolution without
    padding, into that one's. In front, flattening and pooling may come in between (maxima where
    no factor is below 0), and dropout anywhere. Dense, convolutions of any rank, in groups,
    transposed (from behind), depthwise and separable take part, in ``TimeDistributed`` as well.
    Normalisation inside layers of your own, in recurrent cells, and where ``training=True``
    calls it in training mode stays. In training the copy is another
    model: fold what is finished. :func:`folding_of` also says what was folded, and why the rest
    was not.

    Args:
        model: A ``Sequential`` or functional model, built; nested models are entered, frozen
            ones and those in ``TimeDistributed`` as well. It stays untouched.

    Returns:
        The folded model, uncompiled.

    Raises:
        ModelError: The model is subclassed or unbuilt.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, name="hidden"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU(name="relu"),
    ... ])
    >>> [layer.name for layer in fold(model).layers]
    ['hidden', 'relu']
    """
    return folding_of(model).model


def folding_of(model: Any) -> Folding:
    """What :func:`fold` does, and what became of each normalisation.

    Args:
        model: A ``Sequential`` or functional model, built. It stays untouched.

    Raises:
        ModelError: The model is subclassed or unbuilt.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, activation="relu", name="hidden"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU(name="relu"),
    ... ])
    >>> folding_of(model).left
    {'norm': "'hidden' has an activation in between, and 'relu' behind it is a ReLU"}
    """
    graphs = list(graphs_of(model, frozen=True, wrapped=True))
    usage, edits = Usage(graphs), Edits()
    changed: dict[Any, LinearWeights] = {}
    folded: dict[str, str] = {}
    left: dict[str, str] = {}
    for graph in graphs:
        around = Neighbourhood(graph, usage)
        for call in graph.calls:
            if not isinstance(unwrapped(call.operation), keras.layers.BatchNormalization):
                continue
            name = unused_name(call.operation.name, {*folded, *left})
            place = around.target_for(call)
            if isinstance(place, str):
                left[name] = place
                continue
            layer, is_behind = place
            _multiply(changed.setdefault(layer, LinearWeights(unwrapped(layer))), call, is_behind)
            edits.removed.add(call)
            folded[name] = layer.name
    for name, why in norms_left_in(model, graphs):
        left[unused_name(name, {*folded, *left})] = why
    for layer, weights in changed.items():
        edits.settings[layer]["use_bias"] = True
        edits.values.extend((layer, name, value) for name, value in weights.values())
    return Folding(rebuild(model, edits), folded, left)


def _multiply(weights: LinearWeights, call: Call, is_behind: bool) -> None:
    (weights.scale_outputs if is_behind else weights.scale_inputs)(
        *affine(unwrapped(call.operation))
    )
