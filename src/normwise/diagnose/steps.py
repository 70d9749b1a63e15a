"""Looks inside a finished model over an epoch of steps, which are thrown away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from normwise.data.nested import count
from normwise.diagnose.evaluating import shuffled
from normwise.diagnose.gap import TRAINING
from normwise.diagnose.monitor import Monitor
from normwise.diagnose.parts import parts_of
from normwise.domain import Inside
from normwise.models.compiled import takes_loss
from normwise.models.fit_data import given_to
from normwise.models.loss_comparison import labels_fitting

__all__ = ["inside_steps"]

# Looks that an epoch is seen by.
_LOOKS = 12


def inside_steps(model: Any, data: Any, *, batch_size: int = 32, seed: int = 0) -> Inside | None:
    """What happens inside a model while it trains for another epoch, which is thrown away.

    Args:
        model: Compiled; its weights, its statistics and its optimiser are afterwards as they were.
        data: As :func:`normwise.gap` takes them.
        batch_size: Examples in a batch: choose the training's.
        seed: Decides the order of the examples.

    Returns:
        What was seen at some steps from the first on, evenly spaced; ``None`` where the model is
        not compiled to train, or cannot be looked into.

    Raises:
        DataError: The data do not fit the model.
    """
    given = given_to(model, data)
    if not takes_loss(model) or model.optimizer is None:
        return None
    part = parts_of(model, given)[0][TRAINING]
    steps = math.ceil(count(part[0]) / batch_size)
    monitor = Monitor(out=None, every=math.ceil(steps / _LOOKS))
    with _thrown_away(model), labels_fitting(model):
        batches = shuffled(part, batch_size, seed)
        model.fit(batches, steps_per_epoch=steps, shuffle=False, callbacks=[monitor], verbose=0)
    return monitor.inside


@contextmanager
def _thrown_away(model: Any) -> Iterator[None]:
    """What a ``fit`` in this block changes is taken back, also where it fails."""
    model.optimizer.build(model.trainable_variables)
    held = [*model.variables, *model.optimizer.variables]
    # Copies: a step takes the memory of what there was.
    kept = [(variable, np.array(variable.value)) for variable in held]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
