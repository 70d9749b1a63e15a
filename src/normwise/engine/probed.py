"""What a program sees at the first step of an epoch; it stands among the epoch's curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from normwise.data.dataset import Examples
from normwise.data.nested import mapped, rows
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.state import State
from normwise.probes import Looking, Moment

__all__ = ["first_step", "parted"]

# Before the name of a series among curves.
_LOOK = "look:"


def first_step(
    looking: Looking, state: State, examples: Examples, order: jax.Array, batch_size: int
) -> dict[str, Any]:
    """What is seen at the first step of an epoch, to stand among its curves.

    Args:
        looking: What is looked at.
        state: Where the epoch begins.
        examples: What is trained on.
        order: The order of the examples in this epoch.
        batch_size: Examples in a batch.
    """
    batch = rows(examples, order[:batch_size])
    batches = rows(examples.x, order[: looking.batches * batch_size])
    moment = Moment(
        state.trainable,
        state.non_trainable,
        state.optimizer,
        batch,
        mapped(lambda one: one.reshape((looking.batches, -1, *one.shape[1:])), batches),
        rows(examples.x, looking.reference),
    )
    with safe_ties():
        return {f"{_LOOK}{name}": values for name, values in looking.look(moment).items()}


def parted(curves: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Curves alone, and what was seen."""
    seen = {name.removeprefix(_LOOK): one for name, one in curves.items() if name.startswith(_LOOK)}
    return {name: one for name, one in curves.items() if not name.startswith(_LOOK)}, seen
