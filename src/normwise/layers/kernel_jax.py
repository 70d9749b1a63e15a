"""Batch normalisation of one batch on JAX, with the backward pass in closed form.

Automatic differentiation of the forward pass keeps the centred batch, its
square and the variance's own graph; the closed form keeps the batch itself
and needs two sums. Importing this module imports JAX.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Sums", "normalise"]

Array: TypeAlias = jax.Array
_Residuals: TypeAlias = tuple[Any, ...]
# The sum over some axes of each of the terms made of some arrays of one shape.
Sums: TypeAlias = Callable[..., list[Array]]


def normalise(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    axes: tuple[int, ...],
    epsilon: float,
    weights: Array | None = None,
    axis_name: str | None = None,
    sums: Sums | None = None,
) -> tuple[Array, Array, Array]:
    """Normalise a batch by its own mean and biased variance.

    ``y = gamma * (x - mean) / sqrt(var + epsilon) + beta``, and backwards, with
    ``h = (x - mean) * r``, ``r = 1 / sqrt(var + epsilon)`` and the incoming
    gradient ``d`` (Ioffe & Szegedy 2015, section 3, collected):

    ``dbeta = sum(d)``, ``dgamma = sum(d * h)``,
    ``dx = gamma * r * (d - weights / n * (dbeta + h * dgamma))``.

    Sums run over deviations from the mean, so one that is large against the
    deviation costs no digits, nor do a few values far from all others.

    Args:
        x: Float values, any shape; float32 or wider, since sums overflow in
            half precision.
        gamma: Factor of shape ``(channels,)``, or ``None`` for 1.
        beta: Offset of shape ``(channels,)``, or ``None`` for 0.
        axes: The axes to reduce, ascending, non-negative: all but one. None
            of them may have length 0.
        epsilon: Added to the variance, > 0.
        weights: ``None``, or booleans of ``x``'s shape: only true positions
            enter mean and variance. All positions are normalised. Where no
            position counts, mean and variance are 0.
        axis_name: ``None``, or the axis of ``jax.shard_map``, ``jax.pmap`` or
            ``jax.vmap`` over which the batch is spread: sums run over all of it,
            forwards and backwards. The gradients of ``gamma`` and ``beta`` are
            this part's share, as of any value that each part has of its own.
        sums: How to sum; ``None`` for a plain sum of each term, which XLA as JAX sets it up
            does in one pass over the data, and in blocks.

    Returns:
        ``y`` of ``x``'s shape and dtype; mean and variance of shape
        ``(channels,)``. No gradient passes through mean and variance. Reverse
        mode only (``jax.grad``, ``jax.vjp``, also nested); ``jax.jvp`` raises.

    >>> import jax.numpy as jnp
    >>> x = jnp.array([[9_999.0, 1.0], [10_001.0, 3.0]])
    >>> y, mean, var = normalise(x, None, None, (0,), 1e-7)
    >>> y.round(4).tolist(), mean.tolist(), var.tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [10000.0, 2.0], [1.0, 1.0])
    """
    gamma, beta = (p if p is None else _varying(p, like=x) for p in (gamma, beta))
    outputs: tuple[Array, Array, Array]
    outputs = _normalise(x, gamma, beta, axes, epsilon, weights, axis_name, sums or _sums)
    return outputs


def _varying(a: Array, like: Array) -> Array:
    """``a``, marked as differing between devices where ``like`` does, as ``shard_map`` asks."""
    return a + jnp.zeros_like(like, a.dtype, shape=a.shape)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4, 6, 7))
def _normalise(*arguments: Any) -> tuple[Array, Array, Array]:
    return _forward(*arguments)[0]


def _forward(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    axes: tuple[int, ...],
    epsilon: float,
    weights: Array | None,
    axis_name: str | None,
    sums: Sums,
) -> tuple[tuple[Array, Array, Array], _Residuals]:
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    count = _count(x, axes, weights, axis_name)

    def average(terms: Callable[[Array], Array]) -> Array:
        seen = (x,) if weights is None else (x, weights)
        [total] = sums(lambda x, *w: [_counted(terms(x), *w)], axes, *seen)
        return (_everywhere(total, axis_name) / count).reshape(shape)

    # Around the mean itself, but for its rounding, no digits go to a large mean, nor to an example
    # far from the others. Around one example the variance would lose as many digits as there are
    # examples (Samuelson's inequality): behind a ReLU, where few are not 0, that is seen.
    shift = average(lambda x: x)
    offset = average(lambda x: x - _named(shift, 1))
    var = jnp.maximum(average(lambda x: (x - _named(shift, 2)) ** 2) - offset**2, 0)
    r = jax.lax.rsqrt(var + epsilon)
    factor = r if gamma is None else r * gamma.reshape(shape)
    level = -offset * factor if beta is None else beta.reshape(shape) - offset * factor
    y = (x - shift) * factor + level
    residuals = (x, shift, offset, r, gamma, beta, weights, count)
    return (y, (shift + offset).reshape(-1), var.reshape(-1)), residuals


def _counted(values: Array, weights: Array | None = None) -> Array:
    return values if weights is None else jnp.where(weights, values, 0)


def _backward(
    axes: tuple[int, ...],
    _epsilon: float,
    axis_name: str | None,
    sums: Sums,
    residuals: _Residuals,
    cotangents: tuple[Array, Any, Any],
) -> tuple[Array, Array | None, Array | None, None]:
    x, shift, offset, r, gamma, beta, weights, count = residuals
    d, shape = cotangents[0], shift.shape
    dbeta, along = sums(lambda d, x: [d, d * (x - _named(shift, 3))], axes, d, x)
    dgamma = (along - offset.reshape(-1) * dbeta) * r.reshape(-1)
    all_dbeta, all_dgamma = (
        (_everywhere(sum_, axis_name) / count).reshape(shape) for sum_ in (dbeta, dgamma)
    )
    # dx = factor·d + slope·(x − mean) + level, with one value of each a channel.
    factor = r if gamma is None else r * gamma.reshape(shape)
    slope = -factor * r * all_dgamma
    through_moments = slope * (x - shift) - (slope * offset + factor * all_dbeta)
    dx = factor * d + _counted(through_moments, weights)
    return dx, None if gamma is None else dgamma, None if beta is None else dbeta, None


def _sums(terms: Callable[..., list[Array]], axes: tuple[int, ...], *arrays: Array) -> list[Array]:
    return [jnp.sum(term, axes) for term in terms(*arrays)]


def _named(a: Array, number: int) -> Array:
    """``a``, computed in another way for each number.

    XLA's CPU backend computes the terms of a sum while it sums, unless something else uses the same
    terms, too: then it writes them to memory first. Terms that it cannot know to be equal, it does
    not share.
    """
    return jnp.maximum(a, float(np.finfo(a.dtype).min) / (number + 1))


_normalise.defvjp(_forward, _backward)


def _everywhere(sum_: Array, axis_name: str | None) -> Array:
    # JAX leaves `psum` without types.
    psum: Callable[[Array, str], Array] = jax.lax.psum
    return sum_ if axis_name is None else psum(sum_, axis_name)


def _devices(axis_name: str | None) -> int:
    """How many devices the batch is spread over."""
    return 1 if axis_name is None else int(jax.lax.axis_size(axis_name))


def _count(
    x: Array, axes: tuple[int, ...], weights: Array | None, axis_name: str | None
) -> Array | float:
    """How many positions enter each channel's moments; at least 1."""
    if weights is None:
        return float(math.prod(x.shape[axis] for axis in axes) * _devices(axis_name))
    return jnp.maximum(_everywhere(jnp.sum(weights, axes, dtype=x.dtype), axis_name), 1)
