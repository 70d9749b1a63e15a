"""Inputs in any structure: counted, cut into batches, and given to a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from normwise.errors import DataError, first_line
from normwise.models.tracing import needs_values, refusal_of, unfiltered_tracebacks

__all__ = ["batches", "count", "inputs_fitting", "rows"]


def count(x: Any) -> int:
    """How many examples there are, in all parts of ``x`` alike.

    Args:
        x: An array ``(examples, …)``, or a list or dictionary of them.

    Raises:
        DataError: There are none, or the parts differ.

    >>> count({"a": np.zeros((3, 2)), "b": np.zeros(3)})
    3
    """
    lengths = {len(part) for part in keras.tree.flatten(x) if part is not None}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(
            f"the inputs have {', '.join(map(str, sorted(lengths))) or 'no'} examples; expected "
            f"one number, above 0, of all their parts; check how the arrays were cut"
        )
    return lengths.pop()


def rows(x: Any, index: Any) -> Any:
    """Some examples of ``x``: a slice, or their numbers.

    >>> rows([np.arange(4)], slice(1, 3))
    [array([1, 2])]
    """
    return keras.tree.map_structure(lambda part: None if part is None else part[index], x)


def batches(x: Any, size: int) -> Iterator[Any]:
    """``x`` in batches of at most ``size`` examples, as equal as possible: none is left alone.

    The first batches are the largest.

    Raises:
        DataError: As :func:`count`.

    >>> [len(batch) for batch in batches(np.zeros(9), 4)]
    [3, 3, 3]
    """
    for part in np.array_split(np.arange(count(x)), -(-count(x) // size)):
        yield rows(x, slice(int(part[0]), int(part[-1]) + 1))


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
