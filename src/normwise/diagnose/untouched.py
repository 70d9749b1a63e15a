"""Experiments with a model, after which it is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["untouched"]


@contextmanager
def untouched(model: Any) -> Iterator[None]:
    """Give all variables their values back, bit for bit, when the block ends, however it does.

    An object without variables is passed over.

    >>> import keras
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization()])
    >>> with untouched(model):
    ...     _ = model.layers[0].moving_mean.assign([5.0])
    >>> float(model.layers[0].moving_mean[0])
    0.0
    """
    # Arrays of JAX never change: to hold them is to have a copy.
    kept = [(variable, variable.value) for variable in getattr(model, "variables", ())]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
