"""Pictures made larger by whole numbers, with gradients that suit XLA's CPU backend."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.windows import Sizes

__all__ = ["upsample"]


def upsample(x: jax.Array, factors: Sizes, *, bilinear: bool) -> jax.Array:
    """Each place as so many places, all alike or in between it and its neighbours.

    Args:
        x: ``(batch, *space, channels)``.
        factors: One an axis of space, at least 1.
        bilinear: Whether values change evenly from the middle of a place to the next one's; beyond
            the outermost middles they stay.

    >>> upsample(jnp.array([[[1.0], [2.0]]]), (2,), bilinear=False).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    >>> upsample(jnp.array([[[1.0], [2.0]]]), (2,), bilinear=True).ravel().tolist()
    [1.0, 1.25, 1.75, 2.0]
    """
    if not bilinear:
        return _repeated(x, factors)
    for axis, factor in reversed(list(enumerate(factors, 1))):
        x = _between(x, axis, factor)
    return x


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _repeated(x: jax.Array, factors: Sizes) -> jax.Array:
    return _repeat(x, factors)[0]


def _repeat(x: jax.Array, factors: Sizes) -> tuple[jax.Array, None]:
    each = jnp.expand_dims(x, [2 * axis + 2 for axis in range(len(factors))])
    every = jnp.broadcast_to(each, _places(x.shape, factors))
    space = (size * factor for size, factor in zip(x.shape[1:-1], factors, strict=True))
    return every.reshape(len(x), *space, x.shape[-1]), None


def _sum_of_repeated(factors: Sizes, _: None, d: jax.Array) -> tuple[jax.Array]:
    space = (size // factor for size, factor in zip(d.shape[1:-1], factors, strict=True))
    places = d.reshape(_places((len(d), *space, d.shape[-1]), factors))
    total = jnp.zeros((), d.dtype)
    for each in itertools.product(*map(range, factors)):
        total = total + places[(slice(None), *(one for at in each for one in (slice(None), at)))]
    return (total,)


def _places(shape: Sizes, factors: Sizes) -> Sizes:
    """With an axis of new places behind each axis of old ones."""
    pairs = zip(shape[1:-1], factors, strict=True)
    return (shape[0], *(size for pair in pairs for size in pair), shape[-1])


_repeated.defvjp(_repeat, _sum_of_repeated)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _between(x: jax.Array, axis: int, factor: int) -> jax.Array:
    """Along one axis, each new place between the old ones on its sides.

    The outermost places, which lack a neighbour, are computed by themselves: for all others the
    weights are the same, and nothing is padded.
    """
    return _interpolate(x, axis, factor)[0]


def _interpolate(x: jax.Array, axis: int, factor: int) -> tuple[jax.Array, None]:
    weights, lines = _weights(x.shape[axis], factor), _lines(x, axis)

    def spread(first: int, last: int) -> jax.Array:
        total = jnp.zeros((), x.dtype)
        for shift in _shifts(first, x.shape[axis]):
            of_each = weights[first, :, first + shift, None].astype(x.dtype)
            total = total + lines[:, first + shift : last + shift, None] * of_each
        return total

    parts = [spread(*part) for part in _parts(x.shape[axis])]
    return jnp.concatenate(parts, 1).reshape(_resized(x, axis, x.shape[axis] * factor)), None


def _sum_of_between(axis: int, factor: int, _: None, d: jax.Array) -> tuple[jax.Array]:
    size = d.shape[axis] // factor
    weights, lines = _weights(size, factor), _lines(d, axis)
    lines = lines.reshape(len(lines), size, factor, -1)

    def gathered(first: int, last: int) -> jax.Array:
        total = jnp.zeros((), d.dtype)
        for shift, place in itertools.product(_shifts(first, size), range(factor)):
            if weight := weights[first + shift, place, first]:
                seen = lines[:, first + shift : last + shift, place]
                total = total + seen * d.dtype.type(weight)
        return total

    parts = [gathered(*part) for part in _parts(size)]
    return (jnp.concatenate(parts, 1).reshape(_resized(d, axis, size)),)


_between.defvjp(_interpolate, _sum_of_between)


def _lines(x: jax.Array, axis: int) -> jax.Array:
    """``(before, axis, behind)``, in memory, since each place is read more than once."""
    return materialize(x).reshape(math.prod(x.shape[:axis]), x.shape[axis], -1)


def _resized(x: jax.Array, axis: int, size: int) -> Sizes:
    return (*x.shape[:axis], size, *x.shape[axis + 1 :])


def _parts(size: int) -> Iterator[tuple[int, int]]:
    """The first place, those that have the same neighbours as each other, the last place."""
    return itertools.pairwise(sorted({0, 1, size - 1, size}))


def _shifts(place: int, size: int) -> list[int]:
    """From a place to its neighbours and itself."""
    return [shift for shift in (-1, 0, 1) if 0 <= place + shift < size]


def _weights(size: int, factor: int) -> NDArray[np.float64]:
    """``(old places, their new places, old places)``: of each old place in each new one."""
    middles = (np.arange(size * factor) + 0.5) / factor - 0.5
    of_each = [np.interp(middles, np.arange(size), one) for one in np.eye(size)]
    return np.stack(of_each, -1).reshape(size, factor, size)
