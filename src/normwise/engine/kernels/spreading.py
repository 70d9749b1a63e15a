"""What positions of a window send back to the places that they have seen, written in one pass.

Automatic differentiation spreads the gradient once for each element of the window, with zeros
between and around, and adds up as many arrays of the input's size.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.windows import Sizes, Window

__all__ = ["send_back"]

# From what positions hold and the elements' numbers to what these send.
Sent = Callable[[list[jax.Array], NDArray[np.int64]], jax.Array]


def send_back(
    window: Window, shape: Sizes, held: list[tuple[jax.Array, float]], sent: Sent
) -> jax.Array:
    """For each place the sum of what is sent to it by the positions that see it.

    Args:
        window: What looks.
        shape: ``(batch, *space, channels)``, of the result.
        held: Arrays ``(batch, *positions, channels)``, each with what stands in for it where there
            is no position.
        sent: Takes of these ``(batch, q, 1, q, 1, …, channels)`` and the elements' numbers
            ``(1, 1, p, 1, p, …, 1)``, -1 for none; gives what both together shape.
    """
    space, steps = shape[1:-1], window.strides
    counts = tuple(-(-size // step) for size, step in zip(space, steps, strict=True))
    senders = window.senders(space)
    total: jax.Array | float = 0.0
    lows = [min(0, *column) for column in zip(*(shift for shift, _ in senders), strict=True)]
    wide = [_widened(array, value, lows, counts, senders) for array, value in held]
    for shift, numbers in senders:
        parts = [_between(_shifted(array, shift, lows, counts)) for array in wide]
        places = [one for axis in range(len(space)) for one in (1, numbers.shape[axis])]
        total = total + sent(parts, numbers.reshape(1, *places, 1))
    whole = jnp.broadcast_to(total, _spread(shape, counts, steps))
    rows = [count * step for count, step in zip(counts, steps, strict=True)]
    every = whole.reshape(shape[0], *rows, shape[-1])
    return every[(slice(None), *map(slice, space))]


def _widened(
    array: jax.Array,
    value: float,
    lows: list[int],
    counts: Sizes,
    senders: list[tuple[Sizes, NDArray[np.int64]]],
) -> jax.Array:
    """With so much around it that every shift finds something."""
    highs = [max(column) for column in zip(*(shift for shift, _ in senders), strict=True)]
    space = [
        (-low, count + high - size, 0)
        for low, count, high, size in zip(lows, counts, highs, array.shape[1:-1], strict=True)
    ]
    if not any(before or behind for before, behind, _ in space):
        return array
    edges = [(0, 0, 0), *space, (0, 0, 0)]
    return materialize(lax.pad(array, jnp.array(value, array.dtype), edges))


def _shifted(array: jax.Array, shift: Sizes, lows: list[int], counts: Sizes) -> jax.Array:
    axes = zip(shift, lows, counts, strict=True)
    return array[(slice(None), *(slice(at - low, at - low + n) for at, low, n in axes))]


def _between(array: jax.Array) -> jax.Array:
    """An axis of places behind each axis of positions."""
    return jnp.expand_dims(array, [2 * axis + 2 for axis in range(array.ndim - 2)])


def _spread(shape: Sizes, counts: Sizes, steps: Sizes) -> Sizes:
    pairs = zip(counts, steps, strict=True)
    return (shape[0], *(size for pair in pairs for size in pair), shape[-1])
