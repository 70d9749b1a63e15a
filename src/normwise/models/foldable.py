"""Where a batch normalisation can be folded into: the linear layer that it follows or leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from normwise.layers import BatchNormalization
from normwise.models.affine import affine
from normwise.models.graph import Call, Graph
from normwise.models.kinds import MAXIMA, MEANS, activation_of, channel_axis, layer_at_each_step
from normwise.models.linear import READING, WRITING
from normwise.models.modes import Mode
from normwise.models.usage import Usage

__all__ = ["Neighbourhood"]

# Layers that do nothing in inference.
_IDLE = (
    keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D, keras.layers.GaussianNoise, keras.layers.GaussianDropout,
    keras.layers.AlphaDropout, keras.layers.ActivityRegularization, keras.layers.Identity,
)  # fmt: skip
# Layers of these very types alone: in a type derived from them `call` may do something else.
_MAXIMA, _AVERAGING = frozenset(MAXIMA), frozenset((keras.layers.Flatten, *MEANS))
_NORMALISATION = (keras.layers.BatchNormalization, BatchNormalization)


class Neighbourhood:
    """What stands around the batch normalisations of a graph.

    What ``TimeDistributed`` does at each step counts like the layer inside it.

    Args:
        graph: The graph.
        usage: How the layers of the whole model are used.
    """

    def __init__(self, graph: Graph, usage: Usage) -> None:
        self._graph, self._usage = graph, usage

    def target_for(self, call: Call) -> tuple[Any, bool] | str:
        """The layer to fold a normalisation into, and whether it follows that layer; or why none.

        Args:
            call: The call of the normalisation.
        """
        objection = next(self._objections(call), "")
        if objection:
            return objection
        behind, why = self._behind(call)
        if behind is not None:
            return behind, True
        in_front, why_not = self._in_front(call)
        if in_front is not None:
            return in_front, False
        return f"{why}, and {why_not}"

    def _objections(self, call: Call) -> Iterator[str]:
        """Why a normalisation can go into no layer whatever."""
        norm = layer_at_each_step(call.operation)
        if not _calls_like(norm, _NORMALISATION):
            yield f"it is a {type(norm).__name__}, with a call of its own"
        if self._usage.is_shared(norm):
            yield "it is called more than once"
        mode = self._usage.mode(call)
        if mode.is_training and norm.trainable:
            yield (
                f"{_why_training(call, mode)}, so model(x) normalises by the batch, which "
                f"model.predict(x) does not"
            )
        elif self._usage.decides_modes(call):
            yield (
                f"it is called with training={mode.is_training}, which Keras keeps up after it: "
                f"without it, what follows would run in another mode"
            )

    def _behind(self, call: Call) -> tuple[Any, str]:
        """The linear layer that the normalisation follows; or why it follows none."""
        source = self._through_idle(call, up=True)
        if source is None:
            return None, "others use what it takes, too"
        objection = next(self._objections_behind(source, call), "")
        return (None, objection) if objection else (source.operation, "")

    def _objections_behind(self, source: Call, call: Call) -> Iterator[str]:
        """Why a normalisation cannot go into the layer that it follows."""
        layer, rank = source.operation, len(source.outputs[0].shape)
        if not _takes_part(layer):
            yield f"it follows {layer.name!r}, a {type(layer).__name__}"
            return
        if activation_of(layer) is not None:
            yield f"{layer.name!r} has an activation in between"
        if self._usage.is_shared(layer):
            yield f"{layer.name!r} is called more than once"
        if self._through_idle(source, up=False) is not call:
            yield f"others use {layer.name!r}, too"
        if _axis(call) != channel_axis(layer) % rank:
            yield "it normalises another axis than the channels"

    def _in_front(self, call: Call) -> tuple[Any, str]:
        """The layer that the normalisation is in front of; or why it can go into none."""
        following, axis = self._through_idle(call, up=False), _axis(call)
        last = axis == len(call.outputs[0].shape) - 1
        while following is not None and last and _lets_through(following.operation, call):
            following, axis = self._through_idle(following, up=False), -1
        if following is None:
            return None, "several use what it gives, or it is an output"
        layer, rank = following.operation, len(following.input_tensors[0].shape)
        if not (_takes_part(layer) and type(layer_at_each_step(layer)) in READING):
            return None, f"{layer.name!r} behind it is a {type(layer).__name__}"
        if getattr(layer_at_each_step(layer), "padding", "valid") != "valid":
            return None, f"{layer.name!r} behind it pads with zeros, which it would have moved"
        if self._usage.is_shared(layer):
            return None, f"{layer.name!r} is called more than once"
        if axis % rank != channel_axis(layer) % rank:
            return None, f"{layer.name!r} takes another axis"
        return layer, ""

    def _through_idle(self, call: Call, *, up: bool) -> Call | None:
        """The next call past those that do nothing in inference; ``None`` where it branches."""
        while True:
            [found] = self._graph.sources(call) if up else [self._graph.next_call(call)]
            if found is None or not self._is_idle(found):
                return found
            if up and self._graph.next_call(found) is None:
                return None
            call = found

    def _is_idle(self, call: Call) -> bool:
        idle = type(layer_at_each_step(call.operation)) in _IDLE
        return idle and not self._usage.mode(call).is_training


def _why_training(call: Call, mode: Mode) -> str:
    if mode.decided_by is call:
        return "it is called with training=True"
    name = mode.decided_by.operation.name
    return f"{name!r} runs with training=True, which Keras keeps up in it and after it"


def _lets_through(operation: Any, call: Call) -> bool:
    """Whether a factor and an offset a channel may as well be applied behind this operation."""
    layer = layer_at_each_step(operation)
    if getattr(layer, "data_format", None) == "channels_first":
        return False
    if type(layer) in _MAXIMA:
        return bool((affine(layer_at_each_step(call.operation))[0] >= 0).all())
    return type(layer) in _AVERAGING


def _axis(call: Call) -> int:
    """The axis that a normalisation works along, of what its call gives."""
    rank, norm = len(call.outputs[0].shape), layer_at_each_step(call.operation)
    # `TimeDistributed` takes the axis of steps away.
    steps = 0 if norm is call.operation else 1
    return int(norm.axis % (rank - steps)) + steps


def _calls_like(layer: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a layer's ``call`` is that of one of these types."""
    return any(type(layer).call is getattr(kind, "call", None) for kind in kinds)


def _takes_part(operation: Any) -> bool:
    layer = layer_at_each_step(operation)
    adapted = getattr(layer, "lora_rank", None) is not None
    return type(layer) in WRITING and not adapted and not getattr(layer, "quantization_mode", None)
