"""Where a window that moves over space looks, and from where each place is seen.

Convolutions and poolings of every rank take their slices from here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normwise.engine.kernels.fusion import materialize

__all__ = ["Sizes", "Window"]

Sizes = tuple[int, ...]
NONE = -1


class Window(NamedTuple):
    """A window, with one value an axis of space in each of its parts.

    Attributes:
        sides: Elements.
        strides: Steps from one position to the next.
        dilation: Distances between the elements.
        padding: What lies before and behind the space, at least 0.
    """

    sides: Sizes
    strides: Sizes
    dilation: Sizes
    padding: tuple[tuple[int, int], ...]

    @property
    def reach(self) -> Sizes:
        """From the first element to the last.

        >>> Window((3, 2), (1, 1), (2, 1), ((0, 0), (0, 0))).reach
        (4, 1)
        """
        pairs = zip(self.sides, self.dilation, strict=True)
        return tuple((side - 1) * distance for side, distance in pairs)

    def positions(self, space: Sizes) -> Sizes:
        """How many there are in a space of these sizes.

        >>> Window((3,), (2,), (1,), ((0, 1),)).positions((8,))
        (4,)
        """
        axes = zip(space, self.reach, self.strides, self.padding, strict=True)
        return tuple(
            max(0, (size + sum(pads) - reach - 1) // step + 1) for size, reach, step, pads in axes
        )

    def reached(self, space: Sizes, positions: Sizes) -> tuple[tuple[int, int], ...]:
        """The padding with which so many positions reach exactly to its end.

        >>> Window((2,), (3,), (1,), ((0, 1),)).reached((8,), (3,)), (3 - 1) * 3 + 2
        (((0, 0),), 8)
        """
        axes = zip(space, positions, self.strides, self.reach, self.padding, strict=True)
        return tuple(
            (before, (count - 1) * step + reach + 1 - size - before)
            for size, count, step, reach, (before, _) in axes
        )

    def padded(self, x: jax.Array, value: float = 0) -> jax.Array:
        """``(batch, *space, channels)`` with its padding, in memory, for :meth:`views`."""
        if not any(map(sum, self.padding)):
            return x
        space = [(before, behind, 0) for before, behind in self.padding]
        # Slices of what is written are cheap; what is padded while it is sliced asks for each value
        # where it comes from.
        return materialize(lax.pad(x, jnp.array(value, x.dtype), [(0, 0, 0), *space, (0, 0, 0)]))

    def views(self, padded: Any, positions: Sizes) -> Iterator[Any]:
        """For each element of the window what it sees, ``(…, *positions, channels)``.

        >>> x = jnp.arange(4.0)[None, :, None]
        >>> [view.ravel().tolist() for view in Window((2,), (2,), (1,), ((0, 0),)).views(x, (2,))]
        [[0.0, 2.0], [1.0, 3.0]]
        """
        steps = map(range, self.sides)
        for element in itertools.product(*steps):
            axes = zip(element, self.dilation, positions, self.strides, strict=True)
            slices = [
                slice(first := number * distance, first + (count - 1) * step + 1, step)
                for number, distance, count, step in axes
            ]
            yield padded[(..., *slices, slice(None))]

    def senders(self, space: Sizes) -> list[tuple[Sizes, NDArray[np.int64]]]:
        """By which elements the places of a space are seen from the positions around them.

        Place ``stride * q + p`` of an axis is seen from position ``q + shift``, by the element
        whose number stands at ``p``, or -1 where that position does not see it.

        Returns:
            For each shift, one value an axis, numbers of elements in an array of a ``p`` an axis.

        >>> Window((3,), (2,), (1,), ((0, 0),)).senders((7,))
        [((-1,), array([ 2, -1])), ((0,), array([0, 1]))]
        """
        tables = [self._senders(axis) for axis in range(len(space))]
        return [self._together(each) for each in itertools.product(*tables)]

    def _senders(self, axis: int) -> list[tuple[int, NDArray[np.int64]]]:
        step, before, reach = self.strides[axis], self.padding[axis][0], self.reach[axis]
        place, distance = np.arange(step) + before, self.dilation[axis]
        found = []
        for shift in range(-((reach - before) // step), (step - 1 + before) // step + 1):
            offset = place - step * shift
            sees = (offset >= 0) & (offset <= reach) & (offset % distance == 0)
            found.append((shift, np.where(sees, offset // distance, NONE)))
        return found

    def _together(
        self, each: tuple[tuple[int, NDArray[np.int64]], ...]
    ) -> tuple[Sizes, NDArray[np.int64]]:
        shifts, numbers = zip(*each, strict=True)
        grid = np.meshgrid(*numbers, indexing="ij")
        sees = np.all([one != NONE for one in grid], axis=0)
        number = np.ravel_multi_index([np.maximum(one, 0) for one in grid], self.sides)
        return shifts, np.where(sees, number, NONE)
