"""Rewrite a model's layers into equivalents that run well where the engine runs.

A lowered layer computes what the Keras layer computes, within float tolerance;
a layer that has no lowered form keeps Keras' own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from normwise import layers
from normwise.engine.dense import dense
from normwise.rewrite.graph import has_graph
from normwise.rewrite.rebuild import anew

__all__ = ["fresh", "lower"]


def lower(model: keras.Model) -> keras.Model:
    """A :func:`fresh` copy in layers that run well where the engine runs."""
    return _copy(model, _lower_layer)


def fresh(model: keras.Model) -> keras.Model:
    """A copy of the model with freshly initialised weights in the same order.

    What training does not move comes along: frozen layers, statistics that a
    preprocessing layer was adapted to. A subclassed model, whose layers are
    called from Python code, cannot be copied and is returned as it is.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> bool((fresh(model).layers[0].kernel == model.layers[0].kernel).any())
    False
    """
    return _copy(model, anew)


def _copy(model: keras.Model, clone: Callable[[Any], Any]) -> keras.Model:
    if not has_graph(model):
        return model
    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    for old, new in zip(model.variables, copy.variables, strict=True):
        if not old.trainable:
            new.assign(np.array(old.value))
    for layer in copy._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return copy


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
        # The activation as it is: from a configuration, a function of the user's does not return.
        return _Dense.from_config({**layer.get_config(), "activation": anew(layer.activation)})
    if type(layer) is keras.layers.BatchNormalization:
        return layers.BatchNormalization.from_config(layer.get_config())
    return anew(layer)


def _is_plain_float(layer: keras.layers.Dense) -> bool:
    return (
        layer.compute_dtype == "float32" and layer.lora_rank is None and not layer.quantization_mode
    )
