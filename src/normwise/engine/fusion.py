"""Keep XLA's CPU backend from computing the same thing for each of its users."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["written"]


def written(x: jax.Array) -> jax.Array:
    """``x``, in memory: what made it would otherwise be computed again for each use.

    XLA fuses cheap operations into all their users and respects no barrier on
    CPUs, but what goes through a condition has to be written. This condition is
    always true, which XLA cannot know.

    >>> written(jnp.array([1.0, jnp.nan])).tolist()
    [1.0, nan]
    """
    kept: jax.Array = lax.cond(x.ravel()[0] * 0 != 1, lambda x: x, jnp.zeros_like, x)
    return kept
