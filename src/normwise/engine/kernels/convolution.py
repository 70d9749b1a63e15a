"""A convolution whose gradients suit XLA's CPU backend inside a loop.

XLA runs a convolution forward as fast as a product of matrices, but only in the
one arrangement of axes that its library takes. The gradients that automatic
differentiation asks for are not in it, and inside ``scan`` they become scalar
loops, hundreds of times slower. Here the kernel's gradient is arranged as a
forward convolution, and the input's as a product whose parts are added where
they belong.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
from jax import lax

from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.sums import channel_sum

__all__ = ["convolve", "convolve_depthwise"]

Sizes = tuple[int, ...]
# A window of at most so many values is a first layer's (measured at 9 to 27 values; from 100 on
# both ways are twice as slow). Where no gradient is asked for, sums of products need no patches
# in memory and take a tenth to a half of the time; in training their user's gradient would
# compute them again, and patches times a matrix take the bias and its gradient along.
NARROW = 32


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def convolve(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, strides: Sizes, dilation: Sizes
) -> jax.Array:
    """Convolution without padding, as ``keras.ops.conv`` does it, channels last.

    Args:
        x: ``(batch, *space, channels)``.
        kernel: ``(*window, channels, filters)``.
        bias: ``(filters,)`` or ``None``.
        strides: Steps of the window, one an axis of space.
        dilation: Distances between the elements of the window, in each dimension.

    Returns:
        ``(batch, *positions, filters)``.

    >>> convolve(jnp.ones((1, 4, 4, 1)), jnp.ones((3, 3, 1, 2)), None, (1, 1), (1, 1)).shape
    (1, 2, 2, 2)
    """
    if _is_narrow(kernel):
        return materialize(_products(x, kernel, bias, strides, dilation))
    return _convolve_wide(x, kernel, bias, strides, dilation)


def _convolve_wide(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, strides: Sizes, dilation: Sizes
) -> jax.Array:
    y = _convolve(x, kernel, strides, dilation)
    return y if bias is None else y + bias


def _is_narrow(kernel: jax.Array) -> bool:
    return math.prod(kernel.shape[:-1]) <= NARROW


def _products(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, strides: Sizes, dilation: Sizes
) -> jax.Array:
    """What each value of a window adds to all filters, added up."""
    *window, channels, filters = kernel.shape
    y = jnp.zeros((), x.dtype) if bias is None else bias
    flat = kernel.reshape(-1, channels, filters)
    for seen, factors in zip(_windows(x, tuple(window), strides, dilation), flat, strict=True):
        for channel in range(channels):
            y = y + seen[..., channel : channel + 1] * factors[channel]
    return y


def _patches(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, strides: Sizes, dilation: Sizes
) -> jax.Array:
    """What each window sees, ``(batch, *positions, window * channels)``, and a 1 for the bias."""
    seen = list(_windows(x, kernel.shape[:-2], strides, dilation))
    if bias is not None:
        seen.append(jnp.ones((*seen[0].shape[:-1], 1), x.dtype))
    return jnp.concatenate(seen, axis=-1)


def _windows(x: jax.Array, window: Sizes, strides: Sizes, dilation: Sizes) -> Iterator[jax.Array]:
    """For each element of the window what it sees, ``(batch, *positions, channels)``."""
    positions = [
        (size - (side - 1) * distance - 1) // step + 1
        for size, side, distance, step in zip(x.shape[1:-1], window, dilation, strides, strict=True)
    ]
    for offsets in _offsets(window, dilation):
        slices = (
            slice(offset, offset + (count - 1) * step + 1, step)
            for offset, count, step in zip(offsets, positions, strides, strict=True)
        )
        yield x[(slice(None), *slices)]


def _flat(kernel: jax.Array, bias: jax.Array | None) -> jax.Array:
    """The kernel as a matrix that patches are multiplied with, the bias as its last row."""
    flat = kernel.reshape(-1, kernel.shape[-1])
    return flat if bias is None else jnp.concatenate([flat, bias[None]])


def _convolve(x: jax.Array, kernel: jax.Array, strides: Sizes, dilation: Sizes) -> jax.Array:
    letters = "HWD"[: len(strides)]
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        "VALID",
        rhs_dilation=dilation,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
    )


def _forward(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, strides: Sizes, dilation: Sizes
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array | None]]:
    if _is_narrow(kernel):
        y = _patches(x, kernel, bias, strides, dilation) @ _flat(kernel, bias)
    else:
        y = _convolve_wide(x, kernel, bias, strides, dilation)
    return y, (x, kernel, bias)


def _backward(
    strides: Sizes,
    dilation: Sizes,
    saved: tuple[jax.Array, jax.Array, jax.Array | None],
    d: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    x, kernel, bias = saved
    d = materialize(d)  # it has three users
    dx = _input_gradient(x, kernel, d, strides, dilation)
    if _is_narrow(kernel):
        patches = _patches(x, kernel, bias, strides, dilation)
        flat = patches.reshape(-1, patches.shape[-1]).T @ d.reshape(-1, d.shape[-1])
        inputs = math.prod(kernel.shape[:-1])
        return dx, flat[:inputs].reshape(kernel.shape), None if bias is None else flat[inputs]
    return (
        dx,
        _kernel_gradient(x, kernel, d, strides, dilation),
        None if bias is None else channel_sum(d),
    )


convolve.defvjp(_forward, _backward)


def _input_gradient(
    x: jax.Array, kernel: jax.Array, d: jax.Array, strides: Sizes, dilation: Sizes
) -> jax.Array:
    """What each position sends to each element of its window, added up in place."""
    *window, channels, filters = kernel.shape
    sent = d.reshape(-1, filters) @ kernel.reshape(-1, filters).T
    sent = sent.reshape(*d.shape[:-1], math.prod(window), channels)
    total = jnp.zeros_like(x)
    for index, offsets in enumerate(_offsets(window, dilation)):
        total += _spread(sent[..., index, :], x.shape, offsets, strides)
    return total


def _spread(part: jax.Array, shape: Sizes, offsets: Sizes, strides: Sizes) -> jax.Array:
    """``part`` at every ``strides``-th place from ``offsets`` on, zero elsewhere."""
    space = [
        (offset, size - offset - (count - 1) * step - 1, step - 1)
        for offset, size, count, step in zip(
            offsets, shape[1:-1], part.shape[1:-1], strides, strict=True
        )
    ]
    return lax.pad(part, jnp.zeros((), part.dtype), [(0, 0, 0), *space, (0, 0, 0)])


def _kernel_gradient(
    x: jax.Array, kernel: jax.Array, d: jax.Array, strides: Sizes, dilation: Sizes
) -> jax.Array:
    """Convolve the input with the gradient as a window; channels and examples change places."""
    window = kernel.shape[:-2]
    space = tuple(range(1, x.ndim - 1))
    # Without the rows that no window reaches, exactly the kernel's positions come out.
    reach = [
        (count - 1) * step + (size - 1) * distance + 1
        for count, step, size, distance in zip(
            d.shape[1:-1], strides, window, dilation, strict=True
        )
    ]
    reached = x[(slice(None), *(slice(0, size) for size in reach))]
    swapped = _convolve(
        reached.transpose(x.ndim - 1, *space, 0),
        d.transpose(*space, 0, x.ndim - 1),
        dilation,
        strides,
    )
    return swapped.transpose(*space, 0, x.ndim - 1)


def convolve_depthwise(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, strides: Sizes, dilation: Sizes
) -> jax.Array:
    """Convolution of each channel by itself, without padding: a sum of shifted products.

    Args:
        x: ``(batch, *space, channels)``.
        kernel: ``(*window, channels, multiplier)``.
        bias: ``(channels * multiplier,)`` or ``None``.
        strides: As :func:`convolve`.
        dilation: As :func:`convolve`.

    Returns:
        ``(batch, *positions, channels * multiplier)``.
    """
    *window, channels, multiplier = kernel.shape
    flat = kernel.reshape(-1, channels, multiplier)
    total = jnp.zeros((), x.dtype)
    for index, seen in enumerate(_windows(x, tuple(window), strides, dilation)):
        total = total + seen[..., None] * flat[index]
    y = total.reshape(*total.shape[:-2], channels * multiplier)
    return y if bias is None else y + bias


def _offsets(window: list[int] | Sizes, dilation: Sizes) -> Iterator[Sizes]:
    """Where each element of the window lies, in the kernel's order."""
    steps = (
        range(0, side * distance, distance) for side, distance in zip(window, dilation, strict=True)
    )
    return itertools.product(*steps)
