"""What is looked at in a model that trains, and the moments at which it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.data.nested import Arrays
from normwise.engine.state import State
from normwise.errors import ModelError
from normwise.models.kinds import is_called
from normwise.probes import BATCHES, SHOWN, Looking, Moment, looking_at, start_of

__all__ = ["Probed", "probed_in"]


class Probed(NamedTuple):
    """What is looked at in a model, and of which examples.

    Attributes:
        looking: What is looked at.
        reference: The training examples that signals are of.
        batches: How many batches are compared.
    """

    looking: Looking
    reference: Arrays
    batches: int

    def moment(self, stack: State, row: int, batches: Sequence[Examples]) -> Moment:
        """A replica at the first step of an epoch.

        Args:
            stack: States of several, with a leading replica axis.
            row: Which of them.
            batches: The first of the epoch.
        """
        trainable, others, optimizer = ([value[row] for value in part] for part in stack[:3])
        inputs = jax.tree.map(lambda *each: np.stack(each), *[one.x for one in batches])
        return Moment(trainable, others, optimizer, batches[0], inputs, self.reference)


def probed_in(model: keras.Model, dataset: Dataset, batch_size: int) -> Probed:
    """What is looked at in a model.

    Args:
        model: Built and compiled, its optimiser and metrics built, too.
        dataset: What it trains on.
        batch_size: Examples in a batch.

    Raises:
        ModelError: It cannot be looked into.
    """
    if not is_called(model):
        raise ModelError(
            f"model {model.name!r} has no call, and what its own steps make of a batch is not "
            f"known; expected one to look inside; leave the probes out"
        )
    looking = looking_at(model, start_of(model), read_rows(dataset.x_train, slice(SHOWN)))
    numbers: NDArray[np.int32] = looking.reference(dataset.examples)
    batches = max(1, min(BATCHES, dataset.examples // batch_size))
    return Probed(looking, placed(read_rows(dataset.x_train, numbers)), batches)


def placed(arrays: Any) -> Any:
    """Arrays as JAX holds them."""
    return jax.tree.map(jnp.asarray, arrays)
