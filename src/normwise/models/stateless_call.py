"""A model's call as a function of its state, in the mode that is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras

from normwise.models.kinds import takes_training

__all__ = ["stateless"]


def stateless(model: keras.Model, *, training: bool, **options: bool) -> Callable[..., Any]:
    """Keras' ``stateless_call`` of a model in a mode, also where its ``call`` does not take one.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5)])
    >>> seed = [variable.value for variable in model.non_trainable_variables]
    >>> stateless(model, training=False)([], seed, keras.ops.ones((1, 2)))[0].tolist()
    [[1.0, 1.0]]
    """
    # As Keras' `fit` does, which `model(x, training=...)` does by itself.
    mode = {"training": training} if takes_training(model) else {}
    return functools.partial(model.stateless_call, **mode, **options)
