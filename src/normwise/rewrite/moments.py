"""Mean and variance of values that come in batches, as exact as of all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments"]


class Moments:
    """Mean and biased variance of each channel over everything that was added.

    Batches are merged by their sizes, what their means differ by included (Chan, Golub &
    LeVeque 1983), in float64: the order and the sizes of batches make no difference, and a
    mean that is large against the deviation costs no digits.

    Args:
        axis: The axis of the channels.

    Attributes:
        count: Values of each channel so far.

    >>> moments = Moments(axis=-1)
    >>> for batch in ([[1.0], [2.0], [3.0]], [[10.0]]):
    ...     moments.add(np.array(batch))
    >>> moments.mean.tolist(), moments.variance.tolist()
    ([4.0], [12.5])
    """

    def __init__(self, axis: int) -> None:
        self._axis = axis
        self.count = 0.0
        # Of nothing, and so of no number of channels: merging gives them the batch's shape.
        self._mean = self._squares = np.zeros(())

    def add(self, values: Any, mask: Any = None) -> None:
        """Add a batch.

        Args:
            values: Of any shape that has the axis.
            mask: Booleans of the shape without the axis, which must then be the last: which
                positions count; all of them if ``None``.
        """
        rows = np.moveaxis(np.asarray(values), self._axis, -1)
        rows = rows.reshape(-1, rows.shape[-1])
        if mask is not None:
            rows = rows[np.asarray(mask, bool).reshape(-1)]
        if not len(rows):
            return
        count = float(len(rows))
        # Float32 rows less a float32 value inside the data lose nothing that a variance shows.
        shift = rows[0]
        rows = rows - shift
        offset = rows.mean(axis=0, dtype=np.float64)
        squares = np.square(rows, dtype=np.float64).sum(axis=0) - count * offset**2
        self._merge(count, shift.astype(np.float64) + offset, np.maximum(squares, 0.0))

    def _merge(self, count: float, mean: NDArray[np.float64], squares: NDArray[np.float64]) -> None:
        total = self.count + count
        gap = mean - self._mean
        self._squares = self._squares + squares + gap**2 * (self.count * count / total)
        self._mean = self._mean + gap * (count / total)
        self.count = total

    @property
    def mean(self) -> NDArray[np.float64]:
        """Of each channel, ``(channels,)``.

        Raises:
            ValueError: Nothing was added.
        """
        self._require_values()
        return self._mean

    @property
    def variance(self) -> NDArray[np.float64]:
        """Of each channel, biased: over the count.

        Raises:
            ValueError: Nothing was added.
        """
        self._require_values()
        return np.asarray(self._squares / self.count)

    def _require_values(self) -> None:
        if not self.count:
            raise ValueError("no values were added; expected at least one; add a batch first")
