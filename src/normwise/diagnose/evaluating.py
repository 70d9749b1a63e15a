"""Loss and metrics of a compiled model, as Keras' ``evaluate`` gives them, in a wrapped forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import jax
import numpy as np

from normwise.data.mapped_rows import read_rows
from normwise.data.nested import count, rows
from normwise.keras_private import build_compiled
from normwise.models.loss_comparison import labels_fitting
from normwise.models.metrics import scalars

__all__ = ["Evaluate", "Part", "Scores", "evaluation", "prepare", "shuffled"]

# A metric's name to its value; `loss` is always there.
Scores: TypeAlias = dict[str, float]
# Inputs and labels, and the weights of examples where there are any.
Part: TypeAlias = tuple[Any, ...]
Batches: TypeAlias = Iterator[Part]
Evaluate: TypeAlias = Callable[[Batches], Scores]


def prepare(model: Any, part: Part) -> None:
    """Let Keras build the compiled loss and metrics, as it does at the first ``evaluate``.

    Raises:
        DataError: The labels do not fit them.
    """
    with labels_fitting(model):
        build_compiled(model, rows(part, slice(1)))


def evaluation(model: Any) -> Evaluate:
    """A compiled evaluation of the model as it is wrapped while the evaluation runs.

    It reads the model's variables at each run, and changes none.

    Args:
        model: Compiled, and :func:`prepare`d.

    Raises, where it runs:
        DataError: As :func:`prepare`.
    """
    model.reset_metrics()
    start = [variable.value for variable in model.metrics_variables]

    @jax.jit
    def step(weights: Any, metrics: Any, batch: Part) -> tuple[Any, Any]:
        scores, (_, _, after) = model.test_step((*weights, metrics), batch)
        return scores, after

    def evaluate(batches: Batches) -> Scores:
        weights = [
            [variable.value for variable in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
        metrics, scores = start, {}
        with labels_fitting(model):
            for batch in batches:
                scores, metrics = step(weights, metrics, batch)
        return {name: float(value) for name, value in scalars(scores).items()}

    return evaluate


def shuffled(part: Part, size: int, seed: int) -> Batches:
    """Batches of ``size`` in an order that the seed decides; the last one may be smaller."""
    order = np.random.default_rng(seed).permutation(count(part[0]))
    for first in range(0, len(order), size):
        yield read_rows(part, order[first : first + size])
