"""Inputs in any structure: cut into batches, and given to a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from normwise.data.nested import count, rows
from normwise.errors import DataError, first_line
from normwise.models.tracing import needs_values, refusal_of, unfiltered_tracebacks

__all__ = ["batches", "inputs_fitting"]


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
