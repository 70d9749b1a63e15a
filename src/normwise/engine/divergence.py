"""What happens to a replica whose training loss is no longer finite."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from normwise.engine.state import State

__all__ = ["freeze_if_diverged", "health"]


def health(curves: Mapping[str, jax.Array]) -> jax.Array:
    """What is finite as long as a replica has not diverged: a loss, if there is one."""
    if "loss" in curves:
        return curves["loss"]
    return jnp.sum(jnp.stack([jnp.asarray(value, float) for value in curves.values()]))


def freeze_if_diverged(before: State, after: State, loss: jax.Array) -> State:
    """The state after an epoch; that before it where the epoch's loss is not finite, or was before.

    The replica stays in its stack, and its neighbours do not notice.

    Args:
        before: As the epoch began.
        after: As it ended.
        loss: Mean training loss of the epoch, a scalar.
    """
    alive = before.alive & jnp.isfinite(loss)
    kept = jax.tree.map(lambda new, old: jnp.where(alive, new, old), after, before)
    return State(kept.trainable, kept.non_trainable, kept.optimizer, alive)
