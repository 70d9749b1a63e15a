"""Group normalisation, whose sums are first of each channel by itself."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import lax

from normwise.engine.kernels.fusion import in_lines
from normwise.engine.kernels.sums import sums_of_examples

__all__ = ["normalise_groups"]

Saved = tuple[jax.Array, jax.Array, jax.Array, jax.Array]


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def normalise_groups(
    x: jax.Array, gamma: jax.Array, beta: jax.Array, groups: int, epsilon: float
) -> jax.Array:
    """Each example's channels, standardised a group at a time, then scaled and shifted.

    From Wu and He, "Group Normalization" (2018). Sums over a group take a few of a picture's
    channels, which do not fill a processor's registers; so the channels are summed each by itself.

    Args:
        x: ``(batch, *space, channels)``, with at least one axis of space.
        gamma: ``(channels,)``, the scale.
        beta: ``(channels,)``, the shift.
        groups: How many of channels in equal numbers, neighbours together.
        epsilon: Added to the variance.

    Returns:
        As ``x``.

    >>> x = jnp.array([[[1.0, 10.0], [3.0, 30.0]]])
    >>> normalise_groups(x, jnp.ones(2), jnp.zeros(2), 2, 0.0).tolist()
    [[[-1.0, -1.0], [1.0, 1.0]]]
    """
    return _forward(x, gamma, beta, groups, epsilon)[0]


def _forward(
    x: jax.Array, gamma: jax.Array, beta: jax.Array, groups: int, epsilon: float
) -> tuple[jax.Array, Saved]:
    flat = in_lines(x)
    [sums] = sums_of_examples(lambda x: [x], flat)
    mean = _of_groups(sums / flat.shape[1], groups)
    [squares] = sums_of_examples(lambda x, mean: [jnp.square(x - mean)], flat, mean)
    inverse = lax.rsqrt(_of_groups(squares / flat.shape[1], groups) + epsilon)
    scale = inverse * gamma
    y = flat * scale + (beta - mean * scale)
    return y.reshape(x.shape), (x, gamma, mean, inverse)


def _backward(
    groups: int, _epsilon: float, saved: Saved, d: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, gamma, mean, inverse = saved
    flat, d = in_lines(x), in_lines(d)
    shift, scale = sums_of_examples(lambda x, d, mean: [d, d * (x - mean)], flat, d, mean)
    scale = scale * inverse[:, 0]
    # What the mean takes of the gradient, and what the variance.
    of_mean, of_variance = (
        inverse * _of_groups(part * gamma / flat.shape[1], groups) for part in (shift, scale)
    )
    of_variance = of_variance * inverse
    dx = d * (inverse * gamma) - flat * of_variance + (mean * of_variance - of_mean)
    return dx.reshape(x.shape), scale.sum(0), shift.sum(0)


def _of_groups(each: jax.Array, groups: int) -> jax.Array:
    """The mean over its group for each of ``(batch, channels)``: ``(batch, 1, channels)``."""
    mean = each.reshape(len(each), groups, -1).mean(-1)
    return jnp.repeat(mean, each.shape[-1] // groups, axis=-1)[:, None]


normalise_groups.defvjp(_forward, _backward)
