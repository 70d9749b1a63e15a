"""Rewrite a model's layers into equivalents that run well where the engine runs.

A lowered layer computes what the Keras layer computes, within float tolerance;
a layer that has no lowered form keeps Keras' own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np

from normwise.engine.kernels.lowered_layers import lowered_kind
from normwise.keras_private import every_layer
from normwise.models.noted_initializers import noting_initializers
from normwise.models.rebuild import clone_layer, is_rebuildable, layer_as

__all__ = ["lower", "reinitialised_copy", "trains_sequentially"]


def lower(model: keras.Model) -> keras.Model:
    """A :func:`reinitialised_copy` in layers that run well where the engine runs."""
    copy = _copy(model, _lower_layer)
    for layer in every_layer(copy):
        if hasattr(layer, "use_cudnn"):
            layer.use_cudnn = False  # JAX gives its recurrences no axis of replicas
    return copy


def reinitialised_copy(model: keras.Model) -> keras.Model:
    """A copy of the model with freshly initialised weights in the same order.

    What training does not move comes along: frozen layers, statistics that a
    preprocessing layer was adapted to. A subclassed model, whose layers are
    called from Python code, cannot be copied and is returned as it is.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> bool((reinitialised_copy(model).layers[0].kernel == model.layers[0].kernel).any())
    False
    """
    return _copy(model, clone_layer)


def trains_sequentially(model: keras.Model) -> bool:
    """Whether replicas of this model train faster one after another than side by side.

    A convolution with a replica axis is one in groups, which XLA's CPU backend runs
    as a scalar loop: twenty times slower. Products of matrices take the axis well.
    """
    kinds = [type(layer).__name__ for layer in every_layer(model)]
    return jax.default_backend() == "cpu" and any("Conv" in kind for kind in kinds)


def _copy(model: keras.Model, clone: Callable[[Any], Any]) -> keras.Model:
    if not is_rebuildable(model):
        return model
    with noting_initializers():
        copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    for old, new in zip(model.variables, copy.variables, strict=True):
        if not old.trainable:
            new.assign(np.array(old.value))
    for layer in every_layer(copy):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return copy


def _lower_layer(layer: keras.Layer) -> keras.Layer:
    kind = lowered_kind(layer, on_cpu=jax.default_backend() == "cpu")
    return clone_layer(layer) if kind is None else layer_as(kind, layer)
