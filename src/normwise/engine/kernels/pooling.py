"""Maximum of windows that do not overlap, with the winner remembered.

The gradient of XLA's windowed maximum searches each window again, element by
element, in scalar code.
"""

from __future__ import annotations

import functools
import itertools
import math

import jax
import jax.numpy as jnp

__all__ = ["max_pool"]

Sides = tuple[int, ...]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(x: jax.Array, window: Sides) -> jax.Array:
    """Largest value of each window; of equals the first has the gradient, as in XLA.

    Args:
        x: ``(batch, *space, channels)``.
        window: Sides of the window, which are its strides too; what is left
            over at the end of an axis is left out.

    >>> max_pool(jnp.arange(8.0).reshape(1, 2, 4, 1), (2, 2)).ravel().tolist()
    [5.0, 7.0]
    """
    return _forward(x, window)[0]


def _forward(x: jax.Array, window: Sides) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    sizes = [size // side * side for size, side in zip(x.shape[1:-1], window, strict=True)]
    parts = [
        x[(slice(None), *map(slice, offsets, sizes, window))]
        for offsets in itertools.product(*map(range, window))
    ]
    largest, winner = parts[0], jnp.zeros(parts[0].shape, jnp.int32)
    for index, part in enumerate(parts[1:], 1):
        # A value that is no number stays, so that a diverged replica shows.
        wins = (part > largest) | (jnp.isnan(part) & ~jnp.isnan(largest))
        largest, winner = jnp.where(wins, part, largest), jnp.where(wins, index, winner)
    nothing = jnp.zeros((*x.shape[:-1], 0), x.dtype)  # tells the gradient x's shape
    return largest, (winner, nothing)


def _backward(window: Sides, saved: tuple[jax.Array, jax.Array], d: jax.Array) -> tuple[jax.Array]:
    winner, nothing = saved
    space = range(len(window))
    # (batch, h, side of the window, w, side, …, channels) lies in memory as x does, so that one
    # pass over it writes the gradient.
    sides = [2 * axis + 2 for axis in space]
    others = [0, *(2 * axis + 1 for axis in space), 2 * len(window) + 1]
    place = jnp.expand_dims(jnp.arange(math.prod(window)).reshape(window), others)
    won = jnp.expand_dims(winner, sides) == place
    covered = [size * side for size, side in zip(d.shape[1:-1], window, strict=True)]
    dx = jnp.where(won, jnp.expand_dims(d, sides), 0).reshape(d.shape[0], *covered, d.shape[-1])
    left_over = [(0, nothing.shape[axis + 1] - covered[axis]) for axis in space]
    return (jnp.pad(dx, [(0, 0), *left_over, (0, 0)]),)


max_pool.defvjp(_forward, _backward)
