"""What probes look at: a network at the beginning of a step, and examples to show it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from normwise.data.dataset import Examples
from normwise.data.nested import Arrays

__all__ = ["Moment", "Values"]

# Values of a model's variables, in their order.
Values: TypeAlias = list[Any]


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
