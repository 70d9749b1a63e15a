"""Arrays in any structure, from whatever holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from normwise.data.plain_array import check_numbers, is_array, plain_array
from normwise.errors import DataError

__all__ = ["in_memory"]


def in_memory(what: str, data: Any) -> Any:
    """Lists, tuples and dictionaries as they are, with an array for each thing in them.

    Args:
        what: What to call the data in messages.
        data: Such a structure, or one array. Lists of numbers are one array, too.

    Raises:
        DataError: Something in them is no array of numbers or texts.

    >>> in_memory("data", ([[1.0], [2.0]], {"a": [0, 1]}))[1]
    {'a': array([0, 1])}
    """
    if data is None:
        return None
    if isinstance(data, Mapping):
        return {key: in_memory(f"{what}[{key!r}]", part) for key, part in data.items()}
    if isinstance(data, tuple) or (isinstance(data, list) and not _holds_numbers(data)):
        parts = [in_memory(f"{what}[{place}]", part) for place, part in enumerate(data)]
        return tuple(parts) if isinstance(data, tuple) else parts
    if not (is_array(data) or isinstance(data, list)):
        raise DataError(
            f"{what} is of type {type(data).__name__}; expected an array, or a list, tuple or "
            f"dictionary of arrays; pass a whole data set or generator alone, not as a part"
        )
    array = plain_array(what, data)
    if array.dtype.kind != "U" or array.ndim == 0:
        check_numbers(what, array)
    return array


def _holds_numbers(data: Any) -> bool:
    """Whether the first thing in lists of lists is a number or a text."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, str | int | float | complex | np.generic)
