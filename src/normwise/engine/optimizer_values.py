"""What an optimiser starts with, for each replica: its learning rate alone differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.engine.initial_values import Replica

__all__ = ["optimizer_values"]


def optimizer_values(optimizer: Any, replicas: Sequence[Replica]) -> list[NDArray[Any]]:
    """The values of a built optimiser's variables, each with a leading replica axis, on the host.

    Args:
        optimizer: Before its first step.
        replicas: A replica without a learning rate of its own has the optimiser's.
    """
    rate = optimizer.learning_rate
    values = [
        np.broadcast_to(np.asarray(variable.value), (len(replicas), *variable.shape))
        for variable in optimizer.variables
    ]
    return [
        _rates(replicas, value) if variable is rate else value
        for variable, value in zip(optimizer.variables, values, strict=True)
    ]


def _rates(replicas: Sequence[Replica], compiled: NDArray[Any]) -> NDArray[Any]:
    """Each replica's learning rate, the compiled one where it has none of its own."""
    given = [np.nan if one.learning_rate is None else one.learning_rate for one in replicas]
    rates: NDArray[Any] = np.where(np.isnan(given), compiled, given).astype(compiled.dtype)
    return rates
