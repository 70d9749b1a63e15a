"""Memory that devices on the host can use as it is: what begins elsewhere they copy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALIGNMENT", "aligned_empty"]

# Where such memory begins, in bytes: at a multiple of this, as XLA has it.
ALIGNMENT = 64


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array with nothing in it yet.

    >>> aligned_empty((2, 3), np.dtype("f4")).ctypes.data % ALIGNMENT
    0
    """
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    array: NDArray[Any] = memory[first : first + size].view(dtype).reshape(shape)
    return array
