"""Pictures made larger by whole numbers, with gradients that suit XLA's CPU backend."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.windows import Sizes, Window

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
        return _weighted(x, factors, 0)
    edges = [(0, 0), *[(1, 1)] * len(factors), (0, 0)]
    return _weighted(jnp.pad(x, edges, mode="edge"), factors, 1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _weighted(x: jax.Array, factors: Sizes, reach: int) -> jax.Array:
    """Sums of what lies up to ``reach`` away, of all places that have so many neighbours."""
    space = [size - 2 * reach for size in x.shape[1:-1]]
    x, total = materialize(x), jnp.zeros((), x.dtype)
    for start, weights in _terms(factors, reach):
        slices = (slice(at, at + size) for at, size in zip(start, space, strict=True))
        seen = x[(slice(None), *slices)]
        spread = jnp.expand_dims(seen, [2 * axis + 2 for axis in range(len(space))])
        places = [one for size in factors for one in (1, size)]
        total = total + spread * weights.reshape(1, *places, 1).astype(x.dtype)
    shape = (size * factor for size, factor in zip(space, factors, strict=True))
    return total.reshape(len(x), *shape, x.shape[-1])


def _forward(x: jax.Array, factors: Sizes, reach: int) -> tuple[jax.Array, None]:
    return _weighted(x, factors, reach), None


def _backward(factors: Sizes, reach: int, _: None, d: jax.Array) -> tuple[jax.Array]:
    """Of each place the sum over the new places around it, which lie in a window."""
    around = tuple((2 * reach * factor,) * 2 for factor in factors)
    sides = tuple(factor * (2 * reach + 1) for factor in factors)
    window = Window(sides, factors, (1,) * len(factors), around)
    # A window begins with the new places of the outermost neighbour before.
    axes = [np.concatenate(_weights(factor, reach)[::-1]) for factor in factors]
    views = window.views(window.padded(d), window.positions(d.shape[1:-1]))
    total = jnp.zeros((), d.dtype)
    for seen, weight in zip(views, functools.reduce(np.multiply.outer, axes).ravel(), strict=True):
        total = total + seen * d.dtype.type(weight) if weight else total
    return (total,)


_weighted.defvjp(_forward, _backward)


def _terms(factors: Sizes, reach: int) -> Iterator[tuple[Sizes, NDArray[np.float64]]]:
    """Where to look, counted from the outermost neighbour, and the weight at each new place."""
    axes = [list(enumerate(_weights(factor, reach))) for factor in factors]
    for each in itertools.product(*axes):
        start, weights = zip(*each, strict=True)
        yield start, functools.reduce(np.multiply.outer, weights)


def _weights(factor: int, reach: int) -> list[NDArray[np.float64]]:
    """Of each neighbour, by its distance from the middle of each new place; of a place alone 1."""
    middle = (np.arange(factor) + 0.5) / factor - 0.5
    shifts = range(-reach, reach + 1)
    return [
        np.maximum(0, 1 - np.abs(middle - shift)) if reach else np.ones(factor) for shift in shifts
    ]
