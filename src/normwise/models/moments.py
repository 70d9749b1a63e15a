"""Mean and variance of values that come in batches, as exact as from all values at once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments"]

FloatArray: TypeAlias = NDArray[np.float64]


class Moments:
    """Mean and biased variance of each channel over everything that was added.

    Batches are merged by their sizes, what their means differ by included (Chan, Golub &
    LeVeque 1983), in float64: the order and the sizes of batches make no difference, and a
    mean that is large against the deviation costs no digits.

    Args:
        axis: The axis of the channels.

    Attributes:
        count: How many values each channel has so far, ``(channels,)``; with a mask they may
            differ.

    >>> moments = Moments(axis=-1)
    >>> for batch in ([[1.0], [2.0], [3.0]], [[10.0]]):
    ...     moments.add(np.array(batch))
    >>> moments.mean.tolist(), moments.variance.tolist()
    ([4.0], [12.5])
    """

    def __init__(self, axis: int) -> None:
        self._axis = axis
        # The number of channels is not known yet: merging gives these the batch's shape.
        self.count = self._mean = self._squares = np.zeros(())

    def add(self, values: Any, mask: Any = None) -> None:
        """Add a batch.

        Args:
            values: Floats or integers of any shape that has the axis of the channels.
            mask: Which positions count, as Keras takes it: with an axis more at its end it
                broadcasts to the values' shape; all of them if ``None``.
        """
        with np.errstate(invalid="ignore", over="ignore"):  # infinite values give NaN
            self._add(values, mask)

    def _add(self, values: Any, mask: Any) -> None:
        rows = self._rows(_widened(values))
        if not len(rows):
            return
        if mask is None:
            counts, shift = np.full(rows.shape[1], float(len(rows))), rows[0]
            rows = rows - shift
        else:
            whole = np.broadcast_to(np.asarray(mask, bool)[..., np.newaxis], np.shape(values))
            kept = self._rows(whole)
            counts, shift = kept.sum(axis=0, dtype=np.float64), _first(rows, kept)
            rows = np.where(kept, rows, shift) - shift  # what does not count may be NaN
        # Subtracting a float32 value from within the data costs no digit that a variance needs.
        offset = rows.sum(axis=0, dtype=np.float64) / np.maximum(counts, 1)
        squares = np.square(rows, dtype=np.float64).sum(axis=0) - counts * offset**2
        self._merge(counts, shift.astype(np.float64) + offset, np.maximum(squares, 0.0))

    def _rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values as ``(rows, channels)``."""
        last = np.moveaxis(values, self._axis, -1)
        return last.reshape(-1, last.shape[-1])

    def _merge(self, counts: FloatArray, mean: FloatArray, squares: FloatArray) -> None:
        total = self.count + counts
        gap, share = mean - self._mean, counts / np.maximum(total, 1)
        self._squares = self._squares + squares + gap**2 * (self.count * share)
        self._mean = self._mean + gap * share
        self.count = total

    @property
    def mean(self) -> FloatArray:
        """The mean of each channel, ``(channels,)``; 0 where a mask left none of its values.

        Raises:
            ValueError: Nothing was added.
        """
        self._require_values()
        return self._mean

    @property
    def variance(self) -> FloatArray:
        """The biased variance of each channel, ``(channels,)``: squares over the count.

        Raises:
            ValueError: Nothing was added.
        """
        self._require_values()
        return np.asarray(self._squares / np.maximum(self.count, 1))

    def _require_values(self) -> None:
        if not self.count.any():
            raise ValueError("no values were added; expected at least one; add a batch first")


def _widened(values: Any) -> NDArray[Any]:
    """Half precision as float32: a difference of two such numbers may exceed the largest one."""
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.itemsize < np.float32().itemsize else array


def _first(rows: NDArray[Any], kept: NDArray[Any]) -> NDArray[Any]:
    """The first value of each channel that counts, ``(channels,)``; 0 where none does."""
    values = rows[kept.argmax(axis=0), np.arange(rows.shape[1])]
    return np.where(kept.any(axis=0), values, 0)
