"""Arrays of numbers or texts from whatever holds them: a data frame, a tensor, objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.mapped_rows import MappedRows, pieces
from normwise.errors import DataError, first_line, listed

__all__ = ["check_numbers", "check_range", "holds_numbers", "in_memory", "is_array", "plain_array"]

Array = NDArray[Any]
# JAX counts in 32 bits: a larger number would turn into another one without a word.
INTEGERS = np.iinfo(np.int32)


def is_array(values: Any) -> bool:
    """Whether something holds one array of its own: NumPy's, a tensor, a table, a sparse matrix.

    >>> is_array(np.zeros(3)), is_array([1, 2])
    (True, False)
    """
    return hasattr(values, "__array__") or hasattr(values, "toarray")


def plain_array(what: str, values: Any) -> Any:
    """Values as an array of numbers or of texts, without a copy where they are one.

    Half precision that NumPy has not (bfloat16) becomes float32, objects become what they are,
    a sparse matrix dense, and a column of a table ``(n, 1)``, as Keras has it.

    Args:
        what: What to call them in a message.
        values: An array, a tensor, a table or a column of pandas, a sparse matrix of SciPy, a
            number, or lists of numbers.

    Raises:
        DataError: They are no such array, or some of them are masked.

    >>> plain_array("x", np.array([1, 2.5], object)).tolist()
    [1.0, 2.5]
    """
    if isinstance(values, MappedRows):
        return values
    if np.ma.is_masked(values):
        masked = int(np.ma.getmaskarray(values).sum())
        raise DataError(
            f"{what} is a masked array, {masked:,} of whose values are left out, which no model "
            f"sees; expected numbers alone; fill them, as in {what}.filled(0), and give a mask to "
            f"the model as an input of its own"
        )
    try:
        dense = values.toarray() if hasattr(values, "toarray") else _without_gradient(values)
        array = np.asarray(dense)
        if array.dtype.kind == "O":
            array = _of_objects(array)
    except Exception as error:
        raise DataError(
            f"{what} is no array ({first_line(error)}); expected numbers, as many in every row; "
            f"pad or cut the rows"
        ) from error
    if array.dtype.kind == "O" and hasattr(values, "columns"):
        columns = [str(name) for name in values.columns if not _is_numeric(values[name])]
        raise DataError(
            f"{what} has columns that hold no numbers: {listed(columns)}; expected numbers alone; "
            f"leave them out or encode them, as pandas.get_dummies does"
        )
    if _is_column(dense):
        array = array[:, None]
    if array.dtype.kind == "V" and array.dtype.names is None:
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)  # JAX takes no other


def _without_gradient(values: Any) -> Any:
    """A tensor of PyTorch as NumPy takes it; all else as it is."""
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return values.float() if str(values.dtype) == "torch.bfloat16" else values


def _of_objects(array: Array) -> Array:
    """What each object is: texts, or numbers, or arrays of one shape; objects where they differ."""
    flat = array.ravel().tolist()
    if any(isinstance(value, str) for value in flat):
        return array.astype(str) if all(isinstance(value, str) for value in flat) else array
    found = np.array(flat)
    if found.dtype.kind == "O":
        found = array.astype(np.float64).ravel()
    return found.reshape(array.shape + found.shape[1:])


def _is_numeric(column: Any) -> bool:
    try:
        column.to_numpy(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _is_column(values: Any) -> bool:
    return hasattr(values, "to_frame") and np.ndim(values) == 1


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
    if isinstance(data, tuple) or (isinstance(data, list) and not holds_numbers(data)):
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


def holds_numbers(data: Any) -> bool:
    """Whether the first thing in lists of lists is a number or a text.

    >>> holds_numbers([[1.0]]), holds_numbers([np.ones(2)])
    (True, False)
    """
    while isinstance(data, list | tuple) and data:
        data = next((one for one in data if one is not None), None)
    return isinstance(data, str | int | float | complex | np.generic)


def check_numbers(what: str, array: Array) -> None:
    """Refuse texts, dates, complex numbers and objects, a single number, and examples of none.

    Raises:
        DataError: It is one of these.
    """
    if array.dtype.kind not in "fiub" or array.ndim == 0 or 0 in array.shape[1:]:
        raise DataError(
            f"{what} has type {array.dtype} and shape {array.shape}; expected an array of numbers, "
            f"examples first; convert it with numpy.asarray(…, dtype='float32')"
        )


def check_range(what: str, array: Array) -> None:
    """Refuse whole numbers that 32 bits do not hold.

    Raises:
        DataError: There is one.
    """
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 4 or array.size == 0:
        return
    for extreme in (extreme for piece in pieces(array) for extreme in (piece.min(), piece.max())):
        if not INTEGERS.min <= extreme <= INTEGERS.max:
            raise DataError(
                f"{what} holds the whole number {extreme}, which 32 bits do not; expected "
                f"{INTEGERS.min} to {INTEGERS.max}; convert it with .astype('float32')"
            )
