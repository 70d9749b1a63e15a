"""Convolutions whose gradients suit XLA's CPU backend inside a loop.

XLA runs a convolution as fast as a product of matrices, but only in the one arrangement of axes
that its library takes. The gradients that automatic differentiation asks for are not in it, and
inside ``scan`` they become scalar loops, hundreds of times slower. Here both are arranged as
convolutions of that kind: in the kernel's gradient channels and examples change places, and the
input's is a convolution with the kernel turned round, or a product whose parts are added up.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.sums import channel_sum, parts_that_fit
from normwise.engine.kernels.windows import Sizes, Window

__all__ = ["convolution", "convolve", "input_gradient", "kernel_gradient"]

Array: TypeAlias = jax.Array
Pads: TypeAlias = tuple[tuple[int, int], ...]

# A window of at most so many values is a first layer's (measured at 9 to 27 values; from 100 on
# both ways are twice as slow). Where no gradient is asked for, sums of products need no patches
# in memory and take a tenth to a half of the time; in training their user's gradient would
# compute them again.
NARROW = 32
# A convolution at each place works for zeros where there are more places than positions: from so
# many times as many on, products that are added up cost less, as long as a core's cache holds
# about so many values of them (measured with 16 to 64 channels, on 5x5 to 32x32 places).
FULL = 1.1
SENT = 2**20


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def convolve(x: Array, kernel: Array, bias: Array | None, window: Window) -> Array:
    """Convolution as ``keras.ops.conv`` does it, channels last.

    Args:
        x: ``(batch, *space, channels)``.
        kernel: ``(*sides, channels, filters)``.
        bias: ``(filters,)`` or ``None``.
        window: What moves over space, of the kernel's sides.

    Returns:
        ``(batch, *positions, filters)``.

    >>> window = Window((3, 3), (1, 1), (1, 1), ((0, 0), (0, 0)))
    >>> convolve(jnp.ones((1, 4, 4, 1)), jnp.ones((3, 3, 1, 2)), None, window).shape
    (1, 2, 2, 2)
    """
    if _is_narrow(kernel):
        return materialize(_products(x, kernel, bias, window))
    return _forward(x, kernel, bias, window)[0]


def _is_narrow(kernel: Array) -> bool:
    return math.prod(kernel.shape[:-1]) <= NARROW


def _is_pointwise(window: Window) -> bool:
    """Whether the product of a matrix is all there is to it."""
    return set(window.sides) == {1} and not any(map(sum, window.padding))


def _products(x: Array, kernel: Array, bias: Array | None, window: Window) -> Array:
    """What each value of a window adds to all filters, added up."""
    y = jnp.zeros((), x.dtype) if bias is None else bias
    for seen, factors in zip(_views(x, window), _by_element(kernel), strict=True):
        for channel in range(len(factors)):
            y = y + seen[..., channel : channel + 1] * factors[channel]
    return y


def _views(x: Array, window: Window) -> Iterator[Array]:
    return window.views(window.padded(x), window.positions(x.shape[1:-1]))


def _by_element(kernel: Array) -> Array:
    return kernel.reshape(-1, *kernel.shape[-2:])


def _forward(
    x: Array, kernel: Array, bias: Array | None, window: Window
) -> tuple[Array, tuple[Array, Array, Array | None]]:
    if _is_narrow(kernel) or _is_pointwise(window):
        y = _patches(x, bias, window) @ _flat(kernel, bias)
    else:
        x = materialize(x)  # what made it would be computed again for the kernel's gradient
        y = convolution(x, kernel, window.strides, window.padding, window.dilation)
        y = y if bias is None else y + bias
    return y, (x, kernel, bias)


def _patches(x: Array, bias: Array | None, window: Window) -> Array:
    """What each window sees, ``(batch, *positions, elements * channels)``, and a 1 for the bias."""
    seen = list(_views(x, window))
    if bias is not None:
        seen.append(jnp.ones((*seen[0].shape[:-1], 1), x.dtype))
    return jnp.concatenate(seen, axis=-1)


def _flat(kernel: Array, bias: Array | None) -> Array:
    """The kernel as a matrix that patches are multiplied with, the bias as its last row."""
    flat = kernel.reshape(-1, kernel.shape[-1])
    return flat if bias is None else jnp.concatenate([flat, bias[None]])


def convolution(
    x: Array,
    kernel: Array,
    strides: Sizes,
    padding: Pads,
    dilation: Sizes,
    spreading: Sizes | None = None,
) -> Array:
    """XLA's, in the arrangement of axes that is fast.

    Args:
        x: What the kernel moves over.
        kernel: Of ``(*sides, channels, filters)``.
        strides: Its steps.
        padding: Zeros before and behind; negative where values are left out.
        dilation: Distances between its elements.
        spreading: Distances between the values of ``x``, zeros between them; 1 unless given.
    """
    letters = "HWD"[: len(strides)]
    return lax.conv_general_dilated(
        x,
        kernel,
        strides,
        padding,
        lhs_dilation=spreading,
        rhs_dilation=dilation,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
    )


def _backward(
    window: Window, saved: tuple[Array, Array, Array | None], d: Array
) -> tuple[Array, Array, Array | None]:
    x, kernel, bias = saved
    d = materialize(d)  # it has three users
    dx = input_gradient(x.shape, kernel, d, window)
    return dx, kernel_gradient(x, d, window), None if bias is None else channel_sum(d)


convolve.defvjp(_forward, _backward)


def input_gradient(shape: Sizes, kernel: Array, d: Array, window: Window) -> Array:
    """What each place of ``(batch, *space, channels)`` receives from the positions that see it."""
    space, positions = shape[1:-1], d.shape[1:-1]
    if not _is_narrow(kernel) and math.prod(space) <= FULL * math.prod(positions):
        return _by_convolution(space, kernel, d, window)
    values = d.size // kernel.shape[-1] * math.prod(kernel.shape[:-1])
    overlaps = any(side > step for side, step in zip(window.sides, window.strides, strict=True))
    parts = parts_that_fit(shape[0], values, SENT) if overlaps else 1
    of_part = functools.partial(_by_product, (shape[0] // parts, *shape[1:]), kernel, window)
    if parts == 1:
        return materialize(of_part(d))  # or each of its users would add it up
    mapped: Array = lax.map(of_part, d.reshape(parts, -1, *d.shape[1:]))
    return mapped.reshape(shape)


def _by_convolution(space: Sizes, kernel: Array, d: Array, window: Window) -> Array:
    """As a convolution of ``d`` with the kernel turned round, at each place."""
    reached = window.reached(space, d.shape[1:-1])
    # As many zeros around as each end of the space is seen by elements, but for one.
    padding = tuple(
        (reach - before, reach - behind)
        for reach, (before, behind) in zip(window.reach, reached, strict=True)
    )
    ones = (1,) * len(window.sides)
    turned = jnp.flip(kernel, range(len(ones))).swapaxes(-1, -2)
    return convolution(d, turned, ones, padding, window.dilation, window.strides)


def _by_product(shape: Sizes, kernel: Array, window: Window, d: Array) -> Array:
    """As what each position sends to each element of its window, added up in place."""
    filters = kernel.shape[-1]
    sent = d.reshape(-1, filters) @ kernel.reshape(-1, filters).T
    sent = sent.reshape(*d.shape[:-1], -1, shape[-1])
    padded = [size + sum(pads) for size, pads in zip(shape[1:-1], window.padding, strict=True)]
    elements = itertools.product(*map(range, window.sides))
    total = functools.reduce(
        operator.add,
        (
            _spread(sent[..., number, :], padded, each, window)
            for number, each in enumerate(elements)
        ),
    )
    axes = zip(window.padding, shape[1:-1], strict=True)
    return total[(slice(None), *(slice(before, before + n) for (before, _), n in axes))]


def _spread(part: Array, space: list[int], element: Sizes, window: Window) -> Array:
    """``part`` at each place that this element of the window sees, zero elsewhere."""
    axes = zip(element, window.dilation, space, part.shape[1:-1], window.strides, strict=True)
    edges = [
        (first := number * far, size - first - (count - 1) * step - 1, step - 1)
        for number, far, size, count, step in axes
    ]
    return lax.pad(part, jnp.zeros((), part.dtype), [(0, 0, 0), *edges, (0, 0, 0)])


def kernel_gradient(x: Array, d: Array, window: Window) -> Array:
    """Convolve the input with the gradient as a window; channels and examples change places."""
    if _is_pointwise(window):
        [seen] = _views(x, window)
        product = seen.reshape(-1, x.shape[-1]).T @ d.reshape(-1, d.shape[-1])
        return product.reshape(*window.sides, *product.shape)
    space = tuple(range(1, x.ndim - 1))
    # Without the rows that no window reaches, exactly the kernel's elements come out.
    swapped = convolution(
        x.transpose(x.ndim - 1, *space, 0),
        d.transpose(*space, 0, x.ndim - 1),
        window.dilation,
        window.reached(x.shape[1:-1], d.shape[1:-1]),
        window.strides,
    )
    return swapped.transpose(*space, 0, x.ndim - 1)
