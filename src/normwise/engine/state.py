"""What a replica carries from step to step."""

from __future__ import annotations

from typing import NamedTuple

import jax

__all__ = ["State"]


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
