"""What probes look at: a network at the beginning of a step, and examples to show it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import keras

from normwise.data.dataset import Examples
from normwise.data.nested import Arrays
from normwise.models.metrics import metrics_at_start

__all__ = ["Moment", "Start", "Values", "start_of"]

# Values of a model's variables, in their order.
Values: TypeAlias = list[Any]


class Start(NamedTuple):
    """Values of a model's variables before it is looked at.

    Attributes:
        trainable: Weights that the optimiser moves.
        others: Moving statistics, states of random streams, ….
        metrics: Those of the metrics.
    """

    trainable: Values
    others: Values
    metrics: Values


def start_of(model: keras.Model) -> Start:
    """The values that a model has now."""
    return Start(
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
        metrics_at_start(model),
    )


class Moment(NamedTuple):
    """A network at the beginning of a step.

    Attributes:
        trainable: Weights that the optimiser moves.
        non_trainable: Moving statistics, states of random streams, ….
        optimizer: Step counter, momenta, ….
        batch: What the step trains on.
        batches: Inputs of this batch and of some that follow, ``(batches, size, …)`` each.
        reference: Inputs that are the same in all looks at all runs, ``(examples, …)`` each.
    """

    trainable: Values
    non_trainable: Values
    optimizer: Values
    batch: Examples
    batches: Arrays
    reference: Arrays
