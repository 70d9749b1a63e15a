"""A transposed convolution: the gradient of a convolution by its input."""

from __future__ import annotations

import functools

import jax

from normwise.engine.kernels.affine import with_bias
from normwise.engine.kernels.convolution import convolution, input_gradient, kernel_gradient
from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.windows import Sizes, Window

__all__ = ["convolve_transposed"]


def convolve_transposed(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, window: Window, space: Sizes
) -> jax.Array:
    """What sends each value back to where a window has seen it: the gradient of a convolution.

    Args:
        x: ``(batch, *positions, channels)``.
        kernel: ``(*sides, filters, channels)``.
        bias: ``(filters,)`` or ``None``.
        window: What has looked; what it saw behind the space is left out.
        space: What it has looked at.

    Returns:
        ``(batch, *space, filters)``.

    >>> import jax.numpy as jnp
    >>> pairs = Window((2,), (2,), (1,), ((0, 0),))
    >>> convolve_transposed(jnp.ones((1, 2, 1)), jnp.ones((2, 1, 1)), None, pairs, (4,)).shape
    (1, 4, 1)
    """
    y = _transposed(x, kernel, window, space)
    return with_bias(y, bias)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _transposed(x: jax.Array, kernel: jax.Array, window: Window, space: Sizes) -> jax.Array:
    return _transposed_forward(x, kernel, window, space)[0]


def _transposed_forward(
    x: jax.Array, kernel: jax.Array, window: Window, space: Sizes
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    y = input_gradient((len(x), *space, kernel.shape[-2]), kernel, x, window)
    return y, (x, kernel)


def _transposed_backward(
    window: Window, space: Sizes, saved: tuple[jax.Array, jax.Array], d: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    d = materialize(d)
    padding = window.reached(space, x.shape[1:-1])
    dx = convolution(d, kernel, window.strides, padding, window.dilation)
    return dx, kernel_gradient(d, x, window)


_transposed.defvjp(_transposed_forward, _transposed_backward)
