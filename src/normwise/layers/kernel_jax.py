"""Batch normalisation of one batch on JAX, with the backward pass in closed form.

Automatic differentiation of the forward pass keeps the centred batch, its
square and the variance's own graph; the closed form keeps the centred batch
and needs two sums. Importing this module imports JAX.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from normwise.layers.fusion import written

__all__ = ["channel_sum", "normalise"]

# Sums over large arrays are taken in parts of at most so many values, which stay in a core's cache.
PART = 2**17

# A product adds one after the other, and rounds each time: more rows than FEW are added so many
# at once, then the sums of those.
FEW, AT_ONCE = 256, 64

Array: TypeAlias = jax.Array
_Residuals: TypeAlias = tuple[Any, ...]


def normalise(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    axes: tuple[int, ...],
    epsilon: float,
    weights: Array | None = None,
    axis_name: str | None = None,
) -> tuple[Array, Array, Array]:
    """Normalise a batch by its own mean and biased variance.

    ``y = gamma * (x - mean) / sqrt(var + epsilon) + beta``, and backwards, with
    ``h = (x - mean) * r``, ``r = 1 / sqrt(var + epsilon)`` and the incoming
    gradient ``d`` (Ioffe & Szegedy 2015, section 3, collected):

    ``dbeta = sum(d)``, ``dgamma = sum(d * h)``,
    ``dx = gamma * r * (d - weights / n * (dbeta + h * dgamma))``.

    Sums run over deviations from a value inside the data, so a mean that is
    large against the deviation costs no digits.

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
    outputs = _normalise(x, gamma, beta, axes, epsilon, weights, axis_name)
    return outputs


def _varying(a: Array, like: Array) -> Array:
    """``a``, of its own on each device where ``like`` is; ``shard_map`` wants to be told."""
    return a + jnp.zeros_like(like, a.dtype, shape=a.shape)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4, 6))
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
) -> tuple[tuple[Array, Array, Array], _Residuals]:
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    count = _count(x, axes, weights, axis_name)
    # Around a value inside the data the sum loses no digits to a large mean: by Samuelson's
    # inequality no value is further from the mean than std * sqrt(n - 1).
    shift = _shift(x, axes, weights, count, axis_name).reshape(shape)
    seen = (x,) if weights is None else (x, weights)
    [total] = _sums(lambda x, *w: [_counted(x - shift, *w)], axes, *seen)
    total = _everywhere(total, axis_name)
    offset = (total / count).reshape(shape)
    [squares] = _sums(lambda x, *w: [_counted(x - shift - offset, *w) ** 2], axes, *seen)
    squares = _everywhere(squares, axis_name)
    mean, var = (shift + offset).reshape(-1), squares / count
    r = jax.lax.rsqrt(var + epsilon)
    factor = r if gamma is None else r * gamma
    y = (x - shift - offset) * factor.reshape(shape)
    y = y if beta is None else y + beta.reshape(shape)
    return (y, mean, var), (x, shift, offset, r, gamma, beta, weights, count)


def _counted(values: Array, weights: Array | None = None) -> Array:
    return values if weights is None else jnp.where(weights, values, 0)


def _backward(
    axes: tuple[int, ...],
    _epsilon: float,
    axis_name: str | None,
    residuals: _Residuals,
    cotangents: tuple[Array, Any, Any],
) -> tuple[Array, Array | None, Array | None, None]:
    x, shift, offset, r, gamma, beta, weights, count = residuals
    # Of a layer of pictures, it is large, and has three users.
    d = cotangents[0] if len(axes) == 1 else written(cotangents[0])
    shape = shift.shape
    dbeta, along = _sums(lambda d, x: [d, d * (x - shift - offset)], axes, d, x)
    dgamma = along * r
    all_dbeta, all_dgamma = (_everywhere(sum_, axis_name) for sum_ in (dbeta, dgamma))
    # dx = factor·d + slope·(x − mean) + level, with one value of each a channel.
    factor = r if gamma is None else r * gamma
    slope = -factor * r * all_dgamma / count
    level = -factor * all_dbeta / count
    through_moments = slope.reshape(shape) * (x - shift - offset) + level.reshape(shape)
    dx = factor.reshape(shape) * d + _counted(through_moments, weights)
    return dx, None if gamma is None else dgamma, None if beta is None else dbeta, None


_normalise.defvjp(_forward, _backward)


def _everywhere(sum_: Array, axis_name: str | None) -> Array:
    # JAX leaves it without types.
    psum: Callable[[Array, str], Array] = jax.lax.psum
    return sum_ if axis_name is None else psum(sum_, axis_name)


def _devices(axis_name: str | None) -> int:
    """In how many parts the batch is."""
    return 1 if axis_name is None else int(jax.lax.axis_size(axis_name))


def _count(
    x: Array, axes: tuple[int, ...], weights: Array | None, axis_name: str | None
) -> Array | float:
    """How many positions enter each channel's moments; at least 1."""
    if weights is None:
        return float(math.prod(x.shape[axis] for axis in axes) * _devices(axis_name))
    return jnp.maximum(_everywhere(jnp.sum(weights, axes, dtype=x.dtype), axis_name), 1)


def _shift(
    x: Array,
    axes: tuple[int, ...],
    weights: Array | None,
    count: Array | float,
    axis_name: str | None,
) -> Array:
    """A value per channel near the mean: the first sample's mean, or the weighted mean."""
    if weights is None:
        first = jnp.mean(jax.lax.index_in_dim(x, 0, axes[0], keepdims=True), axes)
        return _everywhere(first, axis_name) / _devices(axis_name)
    return _everywhere(jnp.sum(jnp.where(weights, x, 0), axes), axis_name) / count


def channel_sum(a: Array) -> Array:
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


def _sum_of_rows(matrix: Array) -> Array:
    # Ones that depend on the matrix, and so get its replica axis under `vmap`: a batch of small
    # products, not one large one that has to transpose the matrix first.
    ones = jnp.where(jnp.isnan(matrix[:, 0]), 1, jnp.ones((), matrix.dtype))
    # Accelerators would otherwise round the factors to fewer bits.
    return jnp.matmul(ones, matrix, precision="highest")


def _sums(terms: Callable[..., list[Array]], axes: tuple[int, ...], *arrays: Array) -> list[Array]:
    """Sum over ``axes`` of each of ``terms(*arrays)``, which never need to be whole in memory."""
    parts = _parts(arrays[0], axes)
    if parts == 1:
        return [_sum(term, axes) for term in terms(*arrays)]

    def add(totals: list[Array], part: list[Array]) -> tuple[list[Array], None]:
        sums = [_sum(term, axes) for term in terms(*part)]
        return [total + sum_ for total, sum_ in zip(totals, sums, strict=True)], None

    cut = [a.reshape(parts, -1, *a.shape[1:]) for a in arrays]
    nothing = jax.eval_shape(lambda *part: [_sum(t, axes) for t in terms(*part)], *arrays)
    start = [jnp.zeros_like(arrays[0], t.dtype, shape=t.shape) for t in nothing]
    return jax.lax.scan(add, start, cut)[0]


def _parts(a: Array, axes: tuple[int, ...]) -> int:
    """In how many parts a core's cache holds what is computed from them."""
    if jax.default_backend() != "cpu" or axes != tuple(range(a.ndim - 1)):
        return 1
    fits = (n for n in range(1, len(a) + 1) if len(a) % n == 0 and a.size / n <= PART)
    return next(fits, len(a))


def _sum(a: Array, axes: tuple[int, ...]) -> Array:
    channels_last = axes == tuple(range(a.ndim - 1))
    return channel_sum(a) if channels_last else jnp.sum(a, axes)
