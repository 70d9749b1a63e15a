"""A model's call as a pure function of its state, for JAX to compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import keras

from normwise.keras_private import RANDOM_STATE

__all__ = ["State", "forward", "state_of", "with_seeds_of"]

# The values of `model.variables`, in their order.
State: TypeAlias = list[jax.Array]


def state_of(model: Any) -> State:
    """The values of all of a model's variables."""
    return [variable.value for variable in model.variables]


def forward(model: Any, *, training: bool) -> Callable[[State, Any], tuple[Any, State]]:
    """From a state and inputs to outputs and the next state; the model keeps its own.

    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(momentum=0)])
    >>> run = forward(model, training=True)
    >>> y, after = run(state_of(model), jax.numpy.array([[1.0], [3.0]]))
    >>> after[2].tolist(), model.layers[0].moving_mean.value.tolist()
    ([2.0], [0.0])
    """
    variables = model.variables

    def run(state: State, x: Any) -> tuple[Any, State]:
        with keras.StatelessScope(list(zip(variables, state, strict=True))) as scope:
            y = model(x, training=training)
        return y, [scope.get_current_value(variable) for variable in variables]

    return run


def with_seeds_of(model: Any, state: State, other: State) -> State:
    """``state`` with the random states of ``other``."""
    return [
        theirs if variable.name == RANDOM_STATE else ours
        for variable, ours, theirs in zip(model.variables, state, other, strict=True)
    ]
