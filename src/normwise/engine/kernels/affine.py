"""What is added to channels, and what multiplies them: gradients that are sums over pictures."""

from __future__ import annotations

import jax

from normwise.engine.kernels.sums import channel_sum, sums_in_parts

__all__ = ["scaled_and_shifted", "with_bias"]


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


@jax.custom_vjp
def scaled_and_shifted(x: jax.Array, gamma: jax.Array, beta: jax.Array) -> jax.Array:
    """``x * gamma + beta``, whose gradients are summed as is fast on CPUs.

    Args:
        x: ``(..., channels)``.
        gamma: ``(channels,)``.
        beta: ``(channels,)``.

    >>> ones = jax.numpy.ones(2)
    >>> scaled_and_shifted(jax.numpy.array([[1.0, 2.0]]), 3 * ones, ones).tolist()
    [[4.0, 7.0]]
    """
    return _forward(x, gamma, beta)[0]


def _forward(
    x: jax.Array, gamma: jax.Array, beta: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return x * gamma + beta, (x, gamma)


def _backward(
    saved: tuple[jax.Array, jax.Array], d: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, gamma = saved
    axes = tuple(range(x.ndim - 1))
    scale, shift = sums_in_parts(lambda x, d: [x * d, d], axes, x, d)
    return d * gamma, scale, shift


scaled_and_shifted.defvjp(_forward, _backward)
