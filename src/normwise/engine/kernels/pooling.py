"""Maximum and average of windows, whose gradients suit XLA's CPU backend.

The gradient of XLA's windowed maximum searches each window again, element by element, in scalar
code; here the winner is remembered.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.engine.kernels.fusion import in_lines, materialize
from normwise.engine.kernels.spreading import send_back
from normwise.engine.kernels.windows import Window

__all__ = ["average_pool", "global_average", "max_pool"]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(x: jax.Array, window: Window) -> jax.Array:
    """Largest value of each window; of equals the first has the gradient, as in XLA.

    Args:
        x: ``(batch, *space, channels)``, floats.
        window: What is padded never wins.

    >>> pairs = Window((2,), (2,), (1,), ((0, 0),))
    >>> max_pool(jnp.arange(8.0).reshape(1, 8, 1), pairs).ravel().tolist()
    [1.0, 3.0, 5.0, 7.0]
    """
    return _forward(x, window)[0]


def _forward(x: jax.Array, window: Window) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    first, *others = window.views(window.padded(x, -jnp.inf), window.positions(x.shape[1:-1]))
    largest, winner = first, jnp.zeros(first.shape, jnp.int32)
    for number, seen in enumerate(others, 1):
        winner = jnp.where(seen > largest, number, winner)
        # A value that is no number stays, so that a diverged replica shows.
        largest = jnp.maximum(largest, seen)
    nothing = jnp.zeros((*x.shape[:-1], 0), x.dtype)  # tells the gradient x's shape
    return largest, (materialize(winner), nothing)


def _backward(window: Window, saved: tuple[jax.Array, jax.Array], d: jax.Array) -> tuple[jax.Array]:
    winner, nothing = saved

    def sent(held: list[jax.Array], numbers: NDArray[np.int64]) -> jax.Array:
        winner, d = held
        return jnp.where(winner == numbers, d, 0)

    shape = (*nothing.shape[:-1], d.shape[-1])
    return (send_back(window, shape, [(winner, -2), (d, 0)], sent),)


max_pool.defvjp(_forward, _backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def average_pool(x: jax.Array, window: Window) -> jax.Array:
    """Mean of what each window sees; what is padded does not count.

    Args:
        x: ``(batch, *space, channels)``, floats.
        window: What looks.

    >>> pairs = Window((2,), (2,), (1,), ((0, 1),))
    >>> average_pool(jnp.arange(7.0).reshape(1, 7, 1), pairs).ravel().tolist()
    [0.5, 2.5, 4.5, 6.0]
    """
    return _average_forward(x, window)[0]


def _seen(space: tuple[int, ...], window: Window) -> NDArray[np.float64]:
    """How many places each position sees."""
    ones = np.pad(np.ones((*space, 1)), [*window.padding, (0, 0)])
    seen: NDArray[np.float64] = sum(window.views(ones, window.positions(space)))
    return seen


def _average_forward(x: jax.Array, window: Window) -> tuple[jax.Array, jax.Array]:
    views = window.views(window.padded(x), window.positions(x.shape[1:-1]))
    y = sum(views, jnp.zeros((), x.dtype)) / _seen(x.shape[1:-1], window).astype(x.dtype)
    return y, jnp.zeros((*x.shape[:-1], 0), x.dtype)


def _average_backward(window: Window, nothing: jax.Array, d: jax.Array) -> tuple[jax.Array]:
    shape = (*nothing.shape[:-1], d.shape[-1])
    share = d / _seen(shape[1:-1], window).astype(d.dtype)

    def sent(held: list[jax.Array], numbers: NDArray[np.int64]) -> jax.Array:
        return held[0] * (numbers >= 0).astype(d.dtype)

    return (send_back(window, shape, [(share, 0)], sent),)


average_pool.defvjp(_average_forward, _average_backward)


def global_average(x: jax.Array) -> jax.Array:
    """Mean over space.

    Args:
        x: ``(batch, *space, channels)``.

    Returns:
        ``(batch, channels)``.

    >>> global_average(jnp.arange(8.0).reshape(2, 2, 2, 1)).tolist()
    [[1.5], [5.5]]
    """
    return in_lines(x).mean(1)
