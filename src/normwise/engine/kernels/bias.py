"""The bias of a layer of pictures, whose gradient is a sum over all of them."""

from __future__ import annotations

import jax

from normwise.engine.kernels.sums import channel_sum

__all__ = ["with_bias"]


def with_bias(y: jax.Array, bias: jax.Array | None) -> jax.Array:
    """``y + bias``, if there is one, summed backwards as is fast on CPUs.

    Args:
        y: ``(..., channels)``.
        bias: ``(channels,)`` or ``None``.

    >>> with_bias(jax.numpy.zeros((2, 2)), jax.numpy.array([1.0, 2.0])).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """
    biased: jax.Array = y if bias is None else _add(y, bias)
    return biased


@jax.custom_vjp
def _add(y: jax.Array, bias: jax.Array) -> jax.Array:
    return y + bias


_add.defvjp(lambda y, bias: (y + bias, None), lambda _, d: (d, channel_sum(d)))
