"""What a program sees at the first step of an epoch; it stands among the epoch's curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from normwise.data import Dataset
from normwise.data.dataset import Examples
from normwise.data.mapped_rows import read_rows
from normwise.data.nested import mapped, rows
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.state import State
from normwise.errors import ModelError
from normwise.models.kinds import is_called
from normwise.probes import BATCHES, SHOWN, Looking, Moment, looking_at, start_of

__all__ = ["Probed", "first_step", "parted", "probed_in"]

# Before the name of a series among curves.
_LOOK = "look:"


class Probed(NamedTuple):
    """What is looked at in a model, and of which examples.

    Attributes:
        looking: What is looked at.
        reference: Numbers of the training examples that signals are of.
        batches: How many batches are compared.
    """

    looking: Looking
    reference: NDArray[np.int32]
    batches: int


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
    batches = max(1, min(BATCHES, dataset.examples // batch_size))
    return Probed(looking, looking.reference(dataset.examples), batches)


def first_step(
    probed: Probed, state: State, examples: Examples, order: jax.Array, batch_size: int
) -> dict[str, Any]:
    """What is seen at the first step of an epoch, to stand among its curves.

    Args:
        probed: What is looked at.
        state: Where the epoch begins.
        examples: What is trained on.
        order: The order of the examples in this epoch.
        batch_size: Examples in a batch.
    """
    count = probed.batches
    batches = rows(examples.x, order[: count * batch_size])
    moment = Moment(
        state.trainable,
        state.non_trainable,
        state.optimizer,
        rows(examples, order[:batch_size]),
        mapped(lambda one: one.reshape((count, -1, *one.shape[1:])), batches),
        rows(examples.x, probed.reference),
    )
    with safe_ties():
        return {f"{_LOOK}{name}": values for name, values in probed.looking.look(moment).items()}


def parted(curves: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Curves alone, and what was seen."""
    seen = {name.removeprefix(_LOOK): one for name, one in curves.items() if name.startswith(_LOOK)}
    return {name: one for name, one in curves.items() if not name.startswith(_LOOK)}, seen
