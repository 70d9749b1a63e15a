"""Sums over examples, fast and exact on CPUs."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

__all__ = ["channel_sum", "parts_that_fit", "sums_in_parts", "sums_of_examples"]

# Sums over pictures and sequences are taken in parts of at most so many rows and values, which stay
# in a core's nearest cache and are added without a loop; in blocks of at most so many parts, since
# whatever adds one after the other rounds each time.
ROWS, PART, PARTS = 16, 2**14, 256
# A matrix of at most so many values is one product.
WHOLE = 2**17

# A product adds one after the other, and rounds each time: more rows than FEW are added so many
# at once, then the sums of those.
FEW, AT_ONCE = 256, 64


def channel_sum(a: jax.Array) -> jax.Array:
    """``a`` summed over all axes but the last, as a product with ones: faster on CPUs.

    >>> channel_sum(jnp.ones((2, 3, 4))).tolist()
    [6.0, 6.0, 6.0, 6.0]
    """
    flat = a.reshape(-1, a.shape[-1])
    while len(flat) > FEW:
        full = len(flat) // AT_ONCE * AT_ONCE
        sums = _sum_of_rows(flat[:full].reshape(AT_ONCE, -1)).reshape(-1, a.shape[-1])
        flat = jnp.concatenate([sums, flat[full:]])
    return _sum_of_rows(flat)


def _sum_of_rows(matrix: jax.Array) -> jax.Array:
    # Ones that depend on the matrix, and so get its replica axis under `vmap`: a batch of small
    # products, not one large one that has to transpose the matrix first.
    ones = jnp.where(jnp.isnan(matrix[:, 0]), 1, jnp.ones((), matrix.dtype))
    # Accelerators would otherwise round the factors to fewer bits.
    return jnp.matmul(ones, matrix, precision="highest")


def sums_in_parts(
    terms: Callable[..., list[jax.Array]], axes: tuple[int, ...], *arrays: jax.Array
) -> list[jax.Array]:
    """Sum over ``axes`` of each of ``terms(*arrays)``, which never need to be whole in memory.

    Args:
        terms: Gives of each value what it adds; takes arrays that end in all channels, of fewer
            axes than ``arrays`` or as many.
        axes: The axes to reduce, ascending, non-negative.
        *arrays: One or more arrays, all of the same shape.

    >>> [x.tolist() for x in sums_in_parts(lambda a: [a, a * a], (0,), jnp.array([[1.0], [2.0]]))]
    [[3.0], [5.0]]
    """
    if not _is_cut(arrays[0], axes):
        return [_sum(term, axes) for term in terms(*arrays)]

    def add(totals: list[jax.Array], part: list[jax.Array]) -> tuple[list[jax.Array], None]:
        sums = [term.sum(range(term.ndim - 2)) for term in terms(*part)]
        return [total + sum_ for total, sum_ in zip(totals, sums, strict=True)], None

    def of_block(_: None, block: list[jax.Array]) -> tuple[None, list[jax.Array]]:
        return None, jax.lax.scan(add, nothing, block)[0]

    cut = [_in_blocks(a) for a in arrays]
    one = jax.eval_shape(lambda *parts: terms(*(part[0, 0] for part in parts)), *cut)
    nothing = [jnp.zeros(term.shape[-2:], term.dtype) for term in one]
    return [channel_sum(total) for total in jax.lax.scan(of_block, None, cut)[1]]


def sums_of_examples(terms: Callable[..., list[jax.Array]], *arrays: jax.Array) -> list[jax.Array]:
    """Sum over positions, of each example by itself, of each of ``terms(*arrays)``.

    An example at a time, in runs of neighbouring positions: what is added never leaves a core's
    cache, nor needs to be written.

    Args:
        terms: Gives of each value what it adds; takes arrays that end in channels.
        *arrays: ``(examples, positions, channels)`` each, the first at least; others may have one
            position, which holds for all.

    Returns:
        Of each term ``(examples, channels)``.

    >>> x, mean = jnp.array([[[1.0], [3.0]]]), jnp.array([[[2.0]]])
    >>> [sums.tolist() for sums in sums_of_examples(lambda x, m: [x, abs(x - m)], x, mean)]
    [[[4.0]], [[2.0]]]
    """
    run = max(_divisors(arrays[0].shape[1], ROWS))

    def of_runs(example: tuple[jax.Array, ...]) -> list[jax.Array]:
        cut = [a.reshape(-1, min(run, len(a)), a.shape[-1]) for a in example]
        return [term.sum(1) for term in terms(*cut)]

    return [sums.sum(1) for sums in jax.lax.map(of_runs, arrays)]


def _is_cut(a: jax.Array, axes: tuple[int, ...]) -> bool:
    channels_last = axes == tuple(range(a.ndim - 1))
    is_large = a.ndim > 2 or a.size > WHOLE
    return jax.default_backend() == "cpu" and channels_last and is_large


def _in_blocks(a: jax.Array) -> jax.Array:
    """``(blocks, parts of a block, rows of a part, width, channels)``."""
    *front, width, channels = a.shape if a.ndim > 2 else (len(a), 1, a.shape[1])
    rows = math.prod(front)
    of_part = max(_divisors(rows, min(ROWS, max(1, PART // max(1, width * channels)))))
    of_block = max(_divisors(rows // of_part, PARTS))
    return a.reshape(-1, of_block, of_part, width, channels)


def _divisors(number: int, at_most: int) -> list[int]:
    return [n for n in range(1, at_most + 1) if number % n == 0] or [1]


def parts_that_fit(examples: int, values: int, at_most: int) -> int:
    """In how few equal parts of a batch each computes at most so many values.

    >>> parts_that_fit(12, 1200, 500), parts_that_fit(7, 700, 500), parts_that_fit(2, 999, 1)
    (3, 7, 2)
    """
    fits = (n for n in range(1, examples + 1) if examples % n == 0 and values / n <= at_most)
    return next(fits, examples)


def _sum(a: jax.Array, axes: tuple[int, ...]) -> jax.Array:
    channels_last = axes == tuple(range(a.ndim - 1))
    return channel_sum(a) if channels_last else jnp.sum(a, axes)
