"""Optimisers made anew, with what their configurations leave out."""

from __future__ import annotations

from typing import Any

import keras

from normwise.errors import ModelError

__all__ = ["inner_optimizer", "optimizer_anew", "rate_of", "undecayed"]


def inner_optimizer(optimizer: Any) -> Any:
    """The optimiser that moves the weights, where another one scales its loss.

    >>> scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
    >>> type(inner_optimizer(scaled)).__name__
    'SGD'
    """
    return getattr(optimizer, "inner_optimizer", optimizer)


def rate_of(optimizer: Any) -> Any:
    """An optimiser's learning rate: a number, a schedule or a function.

    >>> float(round(rate_of(keras.optimizers.SGD(0.5)), 3))
    0.5
    """
    rate = optimizer._learning_rate
    return rate if callable(rate) else float(rate)


def optimizer_anew(optimizer: Any, learning_rate: float | None = None) -> Any:
    """A new optimiser with the same options, before its first step.

    Args:
        optimizer: Any of Keras', or the user's own.
        learning_rate: In place of the optimiser's own.

    Raises:
        ModelError: It cannot be made anew from its configuration.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return _scaled_anew(optimizer, learning_rate)
    config = _options(optimizer)
    config["learning_rate"] = rate_of(optimizer) if learning_rate is None else learning_rate
    try:
        new = type(optimizer).from_config(config)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"optimiser {type(optimizer).__name__} cannot be made anew from its configuration "
            f"({error}); expected get_config() to return every argument of __init__(); try one of "
            f"keras.optimizers"
        ) from error
    if undecayed(optimizer) is not None:
        new.exclude_from_weight_decay(var_names=[undecayed(optimizer)])
    return new


def _options(optimizer: Any) -> dict[str, Any]:
    """All but the learning rate: a schedule of the user's need not have a configuration."""
    rate = optimizer._learning_rate
    optimizer._learning_rate = keras.ops.convert_to_tensor(0.0)
    try:
        return dict(optimizer.get_config())
    finally:
        optimizer._learning_rate = rate


def _scaled_anew(optimizer: Any, learning_rate: float | None) -> Any:
    config = optimizer.get_config()
    config["inner_optimizer"] = optimizer_anew(optimizer.inner_optimizer, learning_rate)
    return type(optimizer)(**config)


def undecayed(optimizer: Any) -> str | None:
    """The pattern of names of weights that do not decay, which a configuration leaves out."""
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    return None if pattern is None else str(pattern.pattern)
