"""A convolution of each channel by itself, as shifted products with gradients of their own kind."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.engine.kernels.bias import with_bias
from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.spreading import send_back
from normwise.engine.kernels.sums import channel_sum
from normwise.engine.kernels.windows import Window

__all__ = ["convolve_depthwise"]


def convolve_depthwise(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, window: Window
) -> jax.Array:
    """Convolution of each channel by itself.

    Args:
        x: ``(batch, *space, channels)``.
        kernel: ``(*sides, channels, multiplier)``.
        bias: ``(channels * multiplier,)`` or ``None``.
        window: What moves over space, of the kernel's sides.

    Returns:
        ``(batch, *positions, channels * multiplier)``.

    >>> pairs = Window((2,), (1,), (1,), ((0, 0),))
    >>> kernel = jnp.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> convolve_depthwise(jnp.array([[[5.0], [6.0], [7.0]]]), kernel, None, pairs).tolist()
    [[[5.0, 6.0], [6.0, 7.0]]]
    """
    multiplier = kernel.shape[-1]
    each = x if multiplier == 1 else jnp.repeat(x, multiplier, axis=-1)
    y = _convolve(each, kernel.reshape(-1, each.shape[-1]), window)
    return with_bias(y, bias)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x: jax.Array, kernel: jax.Array, window: Window) -> jax.Array:
    """The same of ``(elements of the window, channels)``."""
    views = window.views(window.padded(x), window.positions(x.shape[1:-1]))
    products = (view * factors for view, factors in zip(views, kernel, strict=True))
    return sum(products, jnp.zeros((), x.dtype))


def _forward(
    x: jax.Array, kernel: jax.Array, window: Window
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve(x, kernel, window), (x, kernel)


def _backward(
    window: Window, saved: tuple[jax.Array, jax.Array], d: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    d = materialize(d)  # each of its users would compute it anew
    with_none = jnp.concatenate([kernel, jnp.zeros((1, kernel.shape[1]), kernel.dtype)])

    def sent(held: list[jax.Array], numbers: NDArray[np.int64]) -> jax.Array:
        return held[0] * with_none[numbers[..., 0]]

    return send_back(window, x.shape, [(d, 0)], sent), _kernel_gradient(x, d, window)


def _kernel_gradient(x: jax.Array, d: jax.Array, window: Window) -> jax.Array:
    """What each element of the window saw, times what was sent back, added up.

    An example at a time, whose products never leave a core's cache; first over the first axis of
    space, whose rows lie in memory one behind the other.
    """
    positions, rest = d.shape[1:-1], d.shape[2:]
    padded = window.padded(x)

    def add(
        totals: list[jax.Array], one: tuple[jax.Array, jax.Array]
    ) -> tuple[list[jax.Array], None]:
        x, d = one
        views = window.views(x, positions)
        return [total + (view * d).sum(0) for total, view in zip(totals, views, strict=True)], None

    nothing = [jnp.zeros(rest, d.dtype)] * int(np.prod(window.sides))
    totals, _ = lax.scan(add, nothing, (padded, d))
    return jnp.stack([channel_sum(total) for total in totals])


_convolve.defvjp(_forward, _backward)
