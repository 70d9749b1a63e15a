"""A convolution of each channel by itself, as shifted products with gradients of their own kind."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.engine.kernels.affine import with_bias
from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.spreading import send_back
from normwise.engine.kernels.sums import channel_sum
from normwise.engine.kernels.windows import Window

__all__ = ["convolve_depthwise"]

# So many places are added in one loop.
AT_ONCE = 32


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
    return _forward(x, kernel, window)[0]


def _forward(
    x: jax.Array, kernel: jax.Array, window: Window
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    views = window.views(window.padded(x), window.positions(x.shape[1:-1]))
    products = (view * factors for view, factors in zip(views, kernel, strict=True))
    return sum(products, jnp.zeros((), x.dtype)), (x, kernel)


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

    An example at a time, whose products never leave a core's cache; first over the last axis of
    space, whose places lie in memory one behind the other.
    """
    positions = d.shape[1:-1]

    def add(
        totals: list[jax.Array], one: tuple[jax.Array, jax.Array]
    ) -> tuple[list[jax.Array], None]:
        x, d = one
        views = window.views(x, positions)
        return [t + _sum_of_places(view, d) for t, view in zip(totals, views, strict=True)], None

    nothing = [jnp.zeros((*positions[:-1], d.shape[-1]), d.dtype)] * int(np.prod(window.sides))
    totals, _ = lax.scan(add, nothing, (window.padded(x), d))
    return jnp.stack([channel_sum(total) for total in totals])


def _sum_of_places(a: jax.Array, b: jax.Array) -> jax.Array:
    """Sum of products over the last axis of space of ``(*positions, channels)``."""
    # Of more at once XLA would write the products before it adds them.
    cuts = [slice(at, at + AT_ONCE) for at in range(0, a.shape[-2], AT_ONCE)]
    sums = ((a[..., cut, :] * b[..., cut, :]).sum(-2) for cut in cuts)
    return sum(sums, jnp.zeros((), a.dtype))


_convolve.defvjp(_forward, _backward)
