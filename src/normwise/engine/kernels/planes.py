"""Convolutions of volumes, plane by plane: XLA's CPU library knows lines and planes only."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
from jax import lax

from normwise.engine.kernels.affine import with_bias
from normwise.engine.kernels.convolution import convolve
from normwise.engine.kernels.transposed import convolve_transposed
from normwise.engine.kernels.windows import Sizes, Window

__all__ = ["convolve_volume", "convolve_volume_transposed"]


def convolve_volume(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, window: Window
) -> jax.Array:
    """What :func:`convolve` gives, of volumes: of each plane of the window, added up.

    Takes and returns the same, with three axes of space.
    """
    deep, flat = _parted(window)
    of_plane = _of_planes(lambda planes, of_one: convolve(planes, of_one, None, flat))
    positions = window.positions(x.shape[1:-1])
    # One axis of depth is left, everything else of an example behind it.
    padded = deep.padded(x.reshape(*x.shape[:2], -1))
    seen = (
        view.reshape(len(x), positions[0], *x.shape[2:])
        for view in deep.views(padded, positions[:1])
    )
    y = _sum(of_plane(view, of_one) for view, of_one in zip(seen, kernel, strict=True))
    return with_bias(y, bias)


def convolve_volume_transposed(
    x: jax.Array, kernel: jax.Array, bias: jax.Array | None, window: Window, space: Sizes
) -> jax.Array:
    """What :func:`convolve_transposed` gives, of volumes: what planes send back, added up.

    Takes and returns the same, with three axes of space.
    """
    deep, flat = _parted(window)
    of_plane = _of_planes(
        lambda planes, of_one: convolve_transposed(planes, of_one, None, flat, space[1:])
    )
    [(before, _)], [(_, behind)] = deep.padding, deep.reached(space[:1], x.shape[1:2])
    [step], [reach], [distance] = deep.strides, deep.reach, deep.dilation

    def placed(number: int, of_one: jax.Array) -> jax.Array:
        first = number * distance
        edges = (first - before, reach - first - behind, step - 1)
        nothing = (0, 0, 0)
        sent = of_plane(x, of_one)
        return lax.pad(sent, jnp.zeros((), x.dtype), [nothing, edges, nothing, nothing, nothing])

    return with_bias(_sum(placed(*numbered) for numbered in enumerate(kernel)), bias)


def _parted(window: Window) -> tuple[Window, Window]:
    """The window along the depth, and in a plane."""
    sides, strides, dilation, padding = window
    deep = Window(sides[:1], strides[:1], dilation[:1], padding[:1])
    return deep, Window(sides[1:], strides[1:], dilation[1:], padding[1:])


def _of_planes(
    of_planes: Callable[[jax.Array, jax.Array], jax.Array],
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """What is done with pictures, for the planes of volumes."""

    def of_volumes(x: jax.Array, kernel: jax.Array) -> jax.Array:
        y = of_planes(x.reshape(-1, *x.shape[2:]), kernel)
        return y.reshape(*x.shape[:2], *y.shape[1:])

    return of_volumes


def _sum(parts: Iterable[jax.Array]) -> jax.Array:
    return functools.reduce(operator.add, parts)
