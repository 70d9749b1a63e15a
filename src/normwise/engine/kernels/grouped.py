"""A convolution in groups, as convolutions of blocks of groups."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from normwise.engine.kernels.affine import with_bias
from normwise.engine.kernels.convolution import convolve
from normwise.engine.kernels.planes import convolve_volume
from normwise.engine.kernels.windows import Window

__all__ = ["convolve_groups"]

# XLA's library gathers so many channels at once, or one by one.
CHANNELS = 16


def convolve_groups(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, window: Window
) -> jax.Array:
    """Convolution whose channels fall into groups, each with filters of its own.

    So many groups as the library gathers channels of are convolved together, with zeros between
    them, one such block after the other.

    Args:
        x: ``(batch, *space, groups * channels)``.
        kernel: ``(*sides, channels, groups * filters)``.
        bias: ``(groups * filters,)`` or ``None``.
        window: As :func:`convolve`.

    Returns:
        ``(batch, *positions, groups * filters)``.

    >>> window = Window((1,), (1,), (1,), ((0, 0),))
    >>> convolve_groups(jnp.ones((1, 3, 4)), jnp.ones((1, 2, 6)), None, window)[0, 0].tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    """
    *sides, channels, _ = kernel.shape
    groups = x.shape[-1] // channels
    together = next(
        n for n in range(1, groups + 1) if groups % n == 0 and _fills(n, channels, groups)
    )
    parts = kernel.reshape(*sides, channels, groups // together, together, -1)
    blocks = jnp.einsum("...cbgf,gh->b...hcgf", parts, jnp.eye(together, dtype=kernel.dtype))
    blocks = blocks.reshape(len(blocks), *sides, together * channels, -1)
    of_block: Callable[..., jax.Array] = convolve_volume if len(sides) == 3 else convolve
    of_blocks = jnp.moveaxis(x.reshape(*x.shape[:-1], len(blocks), -1), -2, 0)
    y = lax.map(lambda block: of_block(*block, None, window), (of_blocks, blocks))
    y = jnp.moveaxis(y, 0, -2)
    y = y.reshape(*y.shape[:-2], -1)
    return with_bias(y, bias)


def _fills(together: int, channels: int, groups: int) -> bool:
    return together * channels >= CHANNELS or together == groups
