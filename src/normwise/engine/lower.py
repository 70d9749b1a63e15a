"""Rewrite a model's layers into equivalents that run well where the engine runs.

A lowered layer computes what the Keras layer computes, within float tolerance;
a layer that has no lowered form keeps Keras' own.
"""

from __future__ import annotations

from typing import Any

import keras

from normwise import layers
from normwise.engine.dense import dense
from normwise.rewrite.graph import has_graph

__all__ = ["lower"]


def lower(model: keras.Model) -> keras.Model:
    """A copy of the model, with freshly initialised weights in the same order.

    A subclassed model, whose layers are called from Python code, cannot be
    copied and is returned as it is.
    """
    if not has_graph(model):
        return model
    return keras.models.clone_model(model, clone_function=_lower_layer)


class _Dense(keras.layers.Dense):  # type: ignore[misc]
    def call(self, inputs: Any, training: bool | None = None) -> Any:
        flat = inputs.reshape((-1, inputs.shape[-1]))
        kernel = keras.ops.convert_to_tensor(self.kernel)
        bias = keras.ops.convert_to_tensor(self.bias) if self.use_bias else None
        outputs = dense(flat, kernel, bias)
        outputs = outputs.reshape((*inputs.shape[:-1], self.units))
        return outputs if self.activation is None else self.activation(outputs)


def _lower_layer(layer: keras.Layer) -> keras.Layer:
    config = layer.get_config()
    if type(layer) is keras.layers.Dense and _is_plain_float(layer):
        return _Dense.from_config(config)
    if type(layer) is keras.layers.BatchNormalization:
        return layers.BatchNormalization.from_config(config)
    return type(layer).from_config(config)


def _is_plain_float(layer: keras.layers.Dense) -> bool:
    return layer.compute_dtype == "float32" and layer.lora_rank is None and not layer.quantization_mode
