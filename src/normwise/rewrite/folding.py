"""Folding batch normalisation into the weights of its neighbours, for inference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from normwise.rewrite.blocks import graphs_of
from normwise.rewrite.graph import Graph
from normwise.rewrite.kinds import MAXIMA, MEANS, activation_of, channel_axis, core, is_linear
from normwise.rewrite.linear import READING, WRITING, FloatArray, LinearWeights, as_array
from normwise.rewrite.rebuild import Edits, rebuild

__all__ = ["Folding", "affine", "fold", "folding_of", "inference_statistics"]

# What does nothing in inference.
_IDLE = (
    keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D, keras.layers.GaussianNoise, keras.layers.GaussianDropout,
    keras.layers.AlphaDropout, keras.layers.ActivityRegularization,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folding:
    """What became of a model's batch normalisation.

    Attributes:
        model: The folded model.
        folded: Each normalisation that is gone, to the layer whose weights hold it now.
        left: Each that is still there, to the reason.
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
    transposed (from behind), depthwise and separable take part. In training the copy is another
    model: fold what is finished. :func:`folding_of` also says what was folded, and why the rest
    was not.

    Args:
        model: A ``Sequential`` or functional model, built; nested models are entered, frozen
            ones as well. It stays untouched.

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
        model: As there.

    Raises:
        ModelError: As there.

    >>> model = keras.Sequential([
    ...     keras.Input((4,)), keras.layers.Dense(8, activation="relu", name="hidden"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU(name="relu"),
    ... ])
    >>> folding_of(model).left
    {'norm': "'hidden' has an activation in between, and 'relu' behind it is a ReLU"}
    """
    edits, folded, left = Edits(), {}, {}
    changed: dict[Any, LinearWeights] = {}
    for graph in graphs_of(model, frozen=True):
        for call in graph.calls:
            norm = call.operation
            if not isinstance(norm, keras.layers.BatchNormalization):
                continue
            place = _place(graph, call)
            if isinstance(place, str):
                left[norm.name] = place
                continue
            layer, is_behind = place
            weights = changed.setdefault(layer, LinearWeights(layer))
            scale, offset = affine(norm)
            if is_behind:
                weights.follow(scale, offset)
            else:
                weights.lead(scale, offset)
            edits.removed.add(call)
            folded[norm.name] = layer.name
    for layer, weights in changed.items():
        edits.settings[layer]["use_bias"] = True
        edits.values.extend((layer, name, value) for name, value in weights.values())
    return Folding(rebuild(model, edits), folded, left)


def affine(norm: Any) -> tuple[FloatArray, FloatArray]:
    """Factor and offset of a batch normalisation in inference, ``(channels,)`` each, in float64."""
    mean, variance = inference_statistics(norm)
    scale = (as_array(norm.gamma) if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
    return scale, (as_array(norm.beta) if norm.center else 0.0) - mean * scale


def inference_statistics(norm: Any) -> tuple[FloatArray, FloatArray]:
    """Mean and variance that a batch normalisation uses in inference, ``(channels,)``, float64.

    With renormalisation it is the moving deviation that counts, which includes ε.

    >>> norm = keras.layers.BatchNormalization()
    >>> norm.build((None, 2))
    >>> [part.tolist() for part in inference_statistics(norm)]
    [[0.0, 0.0], [1.0, 1.0]]
    """
    mean, variance = as_array(norm.moving_mean), as_array(norm.moving_variance)
    if norm.renorm:
        variance = as_array(norm.moving_stddev) ** 2 - norm.epsilon
    return mean, variance


def _place(graph: Graph, call: Any) -> tuple[Any, bool] | str:
    """The layer to fold into and whether the normalisation is behind it; or why there is none."""
    norm = call.operation
    if graph.is_shared(norm):
        return "it is called more than once"
    behind, why = _behind(graph, call)
    if behind is not None:
        return behind, True
    in_front, why_not = _in_front(graph, call)
    if in_front is not None:
        return in_front, False
    return f"{why}, and {why_not}"


def _behind(graph: Graph, call: Any) -> tuple[Any, str]:
    """The linear layer that the normalisation follows; or why it follows none."""
    source = _through_idle(graph, call, up=True)
    if source is None:
        return None, "several inputs meet in it"
    objection = next(_objections(graph, source, call), "")
    return (None, objection) if objection else (source.operation, "")


def _objections(graph: Graph, source: Any, call: Any) -> Iterator[str]:
    """Why a normalisation cannot go into the layer that it follows."""
    layer, rank = source.operation, len(source.outputs[0].shape)
    if not _takes_part(layer):
        yield f"it follows {layer.name!r}, a {type(layer).__name__}"
        return
    if activation_of(layer) is not None:
        yield f"{layer.name!r} has an activation in between"
    if graph.is_shared(layer):
        yield f"{layer.name!r} is called more than once"
    if _through_idle(graph, source, up=False) is not call:
        yield f"others use {layer.name!r}, too"
    if call.operation.axis % rank != channel_axis(layer) % rank:
        yield "it normalises another axis than the channels"


def _in_front(graph: Graph, call: Any) -> tuple[Any, str]:
    """The layer that the normalisation is in front of; or why it can go into none."""
    following = _through_idle(graph, call, up=False)
    while following is not None and _lets_through(following, call):
        following = _through_idle(graph, following, up=False)
    if following is None:
        return None, "several use what it gives, or it is an output"
    layer = following.operation
    if not (type(layer) in READING and _takes_part(layer)):
        return None, f"{layer.name!r} behind it is a {type(layer).__name__}"
    if getattr(layer, "padding", "valid") != "valid":
        return None, f"{layer.name!r} behind it pads with zeros, which it would have moved"
    if graph.is_shared(layer):
        return None, f"{layer.name!r} is called more than once"
    if not _is_last_axis(call) or channel_axis(layer) != -1:
        return None, f"{layer.name!r} takes another axis"
    return layer, ""


def _lets_through(step: Any, call: Any) -> bool:
    """Whether a factor and an offset a channel may as well be applied behind this step."""
    layer = step.operation
    if not _is_last_axis(call) or getattr(layer, "data_format", None) == "channels_first":
        return False
    if isinstance(layer, MAXIMA):
        return bool((affine(call.operation)[0] >= 0).all())
    return isinstance(layer, (keras.layers.Flatten, *MEANS))


def _is_last_axis(call: Any) -> bool:
    rank = len(call.outputs[0].shape)
    return bool(call.operation.axis % rank == rank - 1)


def _through_idle(graph: Graph, call: Any, *, up: bool) -> Any | None:
    """The next call, past those that do nothing in inference; ``None`` where the way branches."""
    while True:
        if up:
            sources = graph.sources(call)
            call = sources[0] if len(sources) == 1 else None
        else:
            call = graph.next_call(call)
        if call is None or not isinstance(call.operation, _IDLE):
            return call
        if up and graph.next_call(call) is None:
            return None


def _takes_part(layer: Any) -> bool:
    plain = core(layer) is layer and is_linear(layer) and type(layer) in WRITING
    adapted = getattr(layer, "lora_rank", None) is not None
    return plain and not adapted and not getattr(layer, "quantization_mode", None)
