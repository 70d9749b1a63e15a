"""Ghost batches: each slice of a batch normalised on its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp

__all__ = ["by_slices", "slice_sizes"]

Array: TypeAlias = jax.Array


def by_slices(
    normalise: Callable[[Array, Array | None], tuple[Array, Array, Array]],
    size: int,
    x: Array,
    weights: Array | None,
    axes: tuple[int, ...],
) -> tuple[Array, Array, Array]:
    """Normalise slices of ``x`` along its first axis, each by its own moments.

    Args:
        normalise: Gives output, mean and variance of values and weights.
        size: Examples in a slice; see :func:`slice_sizes`.
        x: Values, the examples along the first axis.
        weights: ``None``, or booleans of ``x``'s shape.
        axes: Those that ``normalise`` reduces.

    Returns:
        The outputs in their places, and the averages of the slices' means and variances, in
        which each slice counts by its number of positions.

    Reference: Hoffer, Hubara & Soudry 2017, https://arxiv.org/abs/1705.08741

    >>> def centre(x, _):
    ...     return x - x.mean(0), x.mean(0), x.var(0)
    >>> x = jnp.array([[0.0], [2.0], [5.0], [6.0], [7.0]])
    >>> y, mean, _ = by_slices(centre, 2, x, None, (0,))
    >>> y.ravel().tolist(), mean.tolist()
    ([-1.0, 1.0, -1.0, 0.0, 1.0], [4.0])
    """
    found = []
    for cut in _cuts(size, x, weights):
        y, *moments = jax.vmap(normalise)(*cut)
        found.append((y.reshape(-1, *x.shape[1:]), *moments, _counts(axes, *cut)))
    y, means, variances, counts = (jnp.concatenate(parts) for parts in zip(*found, strict=True))
    shares = counts / jnp.maximum(counts.sum(0), 1)
    return y, (means * shares).sum(0), (variances * shares).sum(0)


def _cuts(size: int, x: Array, weights: Array | None) -> Iterator[tuple[Array, Array | None]]:
    """Slices in stacks ``(slices, examples, …)``: those of one size, then one that is longer."""
    sizes = slice_sizes(len(x), size)
    first = 0
    for length, same in itertools.groupby(sizes):
        slices = len(list(same))
        rows = slice(first, first := first + slices * length)
        yield jax.tree.map(
            lambda a, rows=rows, n=slices: a[rows].reshape(n, -1, *a.shape[1:]), (x, weights)
        )


def slice_sizes(examples: int, size: int) -> list[int]:
    """How a batch is cut: slices of ``size``, the last of which also takes the remainder.

    A batch smaller than ``size`` is one slice.

    >>> slice_sizes(8, 4), slice_sizes(11, 4), slice_sizes(3, 4)
    ([4, 4], [4, 7], [3])
    """
    slices = max(examples // size, 1)
    return [size] * (slices - 1) + [examples - size * (slices - 1)]


def _counts(axes: tuple[int, ...], x: Array, weights: Array | None) -> Array:
    """Positions that count, of each slice and channel."""
    ones = jnp.ones_like(x) if weights is None else weights
    return jnp.sum(ones, [axis + 1 for axis in axes], dtype=x.dtype)
