"""Sums over examples, fast and exact on CPUs."""

from __future__ import annotations

import jax
import jax.numpy as jnp

__all__ = ["channel_sum"]

# A product adds one after the other, and rounds each time: more rows than FEW are added so many
# at once, then the sums of those.
FEW, AT_ONCE = 256, 64


def channel_sum(a: jax.Array) -> jax.Array:
    """``a`` summed over all axes but the last, as a product with ones: faster on CPUs.

    >>> channel_sum(jnp.ones((2, 3, 4))).tolist()
    [6.0, 6.0, 6.0, 6.0]
    """
    flat = a.reshape(-1, a.shape[-1])
    while len(flat) > FEW:
        full = len(flat) // AT_ONCE * AT_ONCE
        sums = _sum_of_rows(flat[:full].reshape(AT_ONCE, -1)).reshape(-1, a.shape[-1])
        flat = jnp.concatenate([sums, flat[full:]])
    return _sum_of_rows(flat)


def _sum_of_rows(matrix: jax.Array) -> jax.Array:
    # Ones that depend on the matrix, and so get its replica axis under `vmap`: a batch of small
    # products, not one large one that has to transpose the matrix first.
    ones = jnp.where(jnp.isnan(matrix[:, 0]), 1, jnp.ones((), matrix.dtype))
    # Accelerators would otherwise round the factors to fewer bits.
    return jnp.matmul(ones, matrix, precision="highest")
