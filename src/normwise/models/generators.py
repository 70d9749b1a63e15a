"""Data that come in batches, drawn once into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from normwise.data.plain_array import check_numbers, is_array, plain_array
from normwise.errors import DataError, first_line, in_words

__all__ = ["collect_batches", "in_memory"]

# Limits of what is drawn into memory: in bytes, and in examples where a source does not say how
# many batches it has and may go on for ever.
MOST_BYTES, MOST_EXAMPLES = 2**30, 2**17


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


def collect_batches(source: Iterable[Any]) -> tuple[Any, str]:
    """All batches of a data set, loader or generator, concatenated in memory.

    Args:
        source: Gives batches: inputs alone, ``(x, y)`` or ``(x, y, weights)``, as ``fit`` takes
            them. An iterator is used up.

    Returns:
        The parts with all examples, and a sentence where the source was not drawn to its end.

    Raises:
        DataError: It gives nothing, or batches that do not go together.

    >>> collect_batches(iter([np.zeros((2, 3)), np.ones((1, 3))]))[0].shape
    (3, 3)
    """
    batches: list[Any] = []
    examples = size = 0
    note, most = "", None if _has_end(source) else MOST_EXAMPLES
    for batch in _given(source):
        if size >= MOST_BYTES or (most is not None and examples >= most):
            note = (
                f"Of the {type(source).__name__} the first {examples:,} examples were drawn into "
                f"memory and count: at most {MOST_BYTES >> 20:,} MiB, and {MOST_EXAMPLES:,} "
                f"examples of what does not say where it ends."
            )
            break
        batches.append(_batch(len(batches), batch))
        arrays = [part for part in keras.tree.flatten(batches[-1]) if part is not None]
        examples += max(map(len, arrays))
        size += sum(part.nbytes for part in arrays)
    if not batches:
        raise DataError(
            f"the {type(source).__name__} gives no batch; expected at least one; make it anew if "
            f"it is an iterator that was used before"
        )
    return _joined(batches), note


def _given(source: Iterable[Any]) -> Iterator[Any]:
    try:
        yield from source
    except Exception as error:
        raise DataError(
            f"the {type(source).__name__} failed ({in_words(error)}); expected batches as fit "
            f"takes them; go through it alone to see where it fails"
        ) from error


def _has_end(source: Any) -> bool:
    """Whether it says how many batches it has."""
    try:
        return getattr(source, "num_batches", None) is not None or len(source) >= 0
    except (TypeError, NotImplementedError):
        return False


def _batch(number: int, batch: Any) -> Any:
    # As in `fit`, a list of parts is a tuple: inputs, labels, weights.
    parts = tuple(batch) if isinstance(batch, list) and not _holds_numbers(batch) else batch
    found = in_memory(f"batch {number}", parts)
    if all(part is None for part in keras.tree.flatten(found)):
        raise DataError(
            f"batch {number} holds no array; expected inputs, alone or with their labels; look at "
            f"what the first step of a loop over the batches gives"
        )
    return found


def _joined(batches: list[Any]) -> Any:
    def joined(*parts: Any) -> Any:
        return None if parts[0] is None else np.concatenate(parts)

    try:
        return keras.tree.map_structure(joined, *batches)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"the batches do not go together ({first_line(error)}); expected the same parts in "
            f"each, and examples of one shape; pad or cut them to one length"
        ) from error


def _holds_numbers(data: Any) -> bool:
    """Whether the first thing in lists of lists is a number or a text."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, str | int | float | complex | np.generic)
