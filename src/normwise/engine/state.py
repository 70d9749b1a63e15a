"""What a replica carries from step to step."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

__all__ = ["State", "if_alive"]


class State(NamedTuple):
    """What a replica carries from step to step; with a leading axis, a stack of them.

    Attributes:
        trainable: Weights that the optimiser moves.
        non_trainable: Moving statistics, seeds of dropout, ….
        optimizer: Learning rate, step counter, momenta.
        alive: False once the training loss was not finite; the rest is frozen then.
    """

    trainable: list[jax.Array]
    non_trainable: list[jax.Array]
    optimizer: list[jax.Array]
    alive: jax.Array


def if_alive(state: State, new: list[jax.Array]) -> list[jax.Array]:
    """New statistics, or those of a state that is frozen."""
    both = zip(new, state.non_trainable, strict=True)
    return [jnp.where(state.alive, *pair) for pair in both]
