"""Inputs in any structure: cut into batches, and given to a model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from normwise.data.mapped_rows import piece_length, read_rows
from normwise.data.nested import count
from normwise.errors import DataError, first_line
from normwise.models.tracing import needs_values, refusal_of, unfiltered_tracebacks

__all__ = ["InOrder", "batches", "inputs_fitting", "small_batches"]

# Examples in a small batch, at most.
AT_ONCE = 1024


class InOrder(keras.utils.PyDataset):  # type: ignore[misc]
    """Examples batch by batch as they lie, for what would load an array on disk whole.

    Args:
        part: Inputs and labels, and weights if there are any.
        size: Examples in a batch.
        examples: How many of them, from the first; all unless given.
    """

    def __init__(self, part: tuple[Any, ...], size: int, examples: int | None = None) -> None:
        super().__init__(workers=1)
        self._part, self._size = part, size
        self._examples = count(part[0]) if examples is None else examples

    def __len__(self) -> int:
        return math.ceil(self._examples / self._size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        first = index * self._size
        batch: tuple[Any, ...] = read_rows(
            self._part, slice(first, min(first + self._size, self._examples))
        )
        return batch


def batches(x: Any, size: int) -> Iterator[Any]:
    """``x`` in batches of at most ``size`` examples, as equal as possible: none is left alone.

    The first batches are the largest. Of what is on disk, one is in memory at a time.

    Raises:
        DataError: As :func:`count`.

    >>> [len(batch) for batch in batches(np.zeros(9), 4)]
    [3, 3, 3]
    """
    for part in np.array_split(np.arange(count(x)), -(-count(x) // size)):
        yield read_rows(x, slice(int(part[0]), int(part[-1]) + 1))


def small_batches(x: Any) -> Iterator[Any]:
    """``x`` in batches of a few megabytes, which hold no more than 1024 examples.

    Raises:
        DataError: As :func:`count`.

    >>> [len(batch) for batch in small_batches(np.zeros((1500, 2)))]
    [750, 750]
    """
    return batches(x, min(AT_ONCE, piece_length(x)))


@contextmanager
def inputs_fitting(model: Any) -> Iterator[None]:
    """Within the block, an error of a call of the model is reported as inputs that do not fit.

    Raises:
        DataError: The inputs do not fit.
        ModelError: The call asks for values while JAX traces it.
    """
    try:
        with unfiltered_tracebacks():
            yield
    except (ValueError, TypeError) as error:
        if needs_values(error):
            raise refusal_of(model, "evaluation", error) from error
        raise DataError(
            f"the inputs do not fit model {model.name!r} "
            f"({first_line(error)}); expected what the model takes, shape "
            f"{getattr(model, 'input_shape', 'unknown')}; check the shape of an example"
        ) from error
