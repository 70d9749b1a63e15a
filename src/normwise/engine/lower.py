"""Rewrite a model's layers into equivalents that run well where the engine runs.

A lowered layer computes what the Keras layer computes, within float tolerance;
a layer that has no lowered form keeps Keras' own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from normwise import layers
from normwise.engine.dense import dense
from normwise.rewrite.graph import has_graph

__all__ = ["fresh", "lower"]


def lower(model: keras.Model) -> keras.Model:
    """A copy of the model in lowered layers, its weights initialised anew, in the same order.

    A subclassed model, whose layers are called from Python code, cannot be
    copied and is returned as it is.
    """
    return _copy(model, _lower_layer)


def fresh(model: keras.Model) -> keras.Model:
    """As :func:`lower`, in the model's own layers."""
    return _copy(model, _same_layer)


def _copy(model: keras.Model, layer: Callable[[keras.Layer], keras.Layer]) -> keras.Model:
    return keras.models.clone_model(model, clone_function=layer) if has_graph(model) else model


class _Dense(keras.layers.Dense):  # type: ignore[misc]
    def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: ARG002 (Keras')
        flat = inputs.reshape((-1, inputs.shape[-1]))
        kernel = keras.ops.convert_to_tensor(self.kernel)
        bias = keras.ops.convert_to_tensor(self.bias) if self.use_bias else None
        outputs = dense(flat, kernel, bias)
        outputs = outputs.reshape((*inputs.shape[:-1], self.units))
        return outputs if self.activation is None else self.activation(outputs)


def _lower_layer(layer: keras.Layer) -> keras.Layer:
    if type(layer) is keras.layers.Dense and _is_plain_float(layer):
        return _Dense.from_config(layer.get_config())
    if type(layer) is keras.layers.BatchNormalization:
        return layers.BatchNormalization.from_config(layer.get_config())
    return _same_layer(layer)


def _same_layer(layer: keras.Layer) -> keras.Layer:
    # A function cannot be restored from a configuration, and holds no weights to initialise.
    if isinstance(layer, keras.layers.Lambda):
        return layer
    return type(layer).from_config(layer.get_config())


def _is_plain_float(layer: keras.layers.Dense) -> bool:
    return (
        layer.compute_dtype == "float32" and layer.lora_rank is None and not layer.quantization_mode
    )
