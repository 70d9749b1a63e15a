"""Copies of optimisers, with what their configurations leave out."""

from __future__ import annotations

from typing import Any

import keras

from normwise.errors import ModelError
from normwise.keras_private import learning_rate, options_without_rate, undecayed_pattern
from normwise.models.incomplete_config import refuse_forgotten

__all__ = ["clone_optimizer", "inner_optimizer", "rate_of"]


def inner_optimizer(optimizer: Any) -> Any:
    """The optimiser that moves the weights, where another one scales its loss.

    >>> scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    >>> type(inner_optimizer(scaled)).__name__
    'SGD'
    """
    return getattr(optimizer, "inner_optimizer", optimizer)


def rate_of(optimizer: Any) -> Any:
    """An optimiser's learning rate: a number, a schedule or a function.

    >>> rate_of(keras.optimizers.SGD(0.5))
    0.5
    >>> rate_of(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25)))
    0.25
    """
    rate = learning_rate(inner_optimizer(optimizer))
    return rate if callable(rate) else float(rate)


def clone_optimizer(optimizer: Any, rate: float | None = None) -> Any:
    """A new optimiser with the same options, before its first step.

    Args:
        optimizer: Any of Keras', or the user's own.
        rate: In place of the optimiser's own.

    Raises:
        ModelError: It cannot be made anew from its configuration.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return _clone_loss_scaling(optimizer, rate)
    config = options_without_rate(optimizer)
    config["learning_rate"] = rate_of(optimizer) if rate is None else rate
    try:
        new = type(optimizer).from_config(config)
        refuse_forgotten(optimizer, new, config)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"optimiser {type(optimizer).__name__} cannot be made anew from its configuration "
            f"({error}); expected get_config() to return every argument of __init__(); try one of "
            f"keras.optimizers"
        ) from error
    pattern = undecayed_pattern(optimizer)
    if pattern is not None:
        new.exclude_from_weight_decay(var_names=[pattern])
    return new


def _clone_loss_scaling(optimizer: Any, rate: float | None) -> Any:
    config = optimizer.get_config()
    config["inner_optimizer"] = clone_optimizer(optimizer.inner_optimizer, rate)
    return type(optimizer)(**config)
