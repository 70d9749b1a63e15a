"""Initial values of weights and statistics, and whether they are still in place."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

__all__ = ["NEVER_MOVED", "has_learned", "never_moved"]

NEVER_MOVED = (
    "its moving statistics are exactly 0 and 1: they never moved: trained without training=True?"
)


def never_moved(norm: Any) -> bool:
    """Whether the moving statistics of a batch normalisation are exactly the initial 0 and 1.

    >>> norm = keras.layers.BatchNormalization()
    >>> norm.build((None, 2))
    >>> never_moved(norm)
    True
    """
    mean, variance = np.asarray(norm.moving_mean.value), np.asarray(norm.moving_variance.value)
    return bool((mean == 0).all() and (variance == 1).all())


def has_learned(norm: Any) -> bool:
    """Whether γ or β of a batch normalisation differ from their initial constants."""
    return any(
        not np.array_equal(np.asarray(weight.value), np.full(weight.shape, began))
        for weight, began in _weights(norm)
    )


def _weights(norm: Any) -> list[tuple[Any, float]]:
    """γ and β with the constants that they started from; without those that had none."""
    constants = {keras.initializers.Zeros: 0.0, keras.initializers.Ones: 1.0}
    initial = {"gamma": norm.gamma_initializer, "beta": norm.beta_initializer}
    return [
        (getattr(norm, name), constants[type(initializer)])
        for name, initializer in initial.items()
        if getattr(norm, name) is not None and type(initializer) in constants
    ]
