"""Keep XLA's CPU backend from computing the same thing for each of its users."""

from __future__ import annotations

from typing import Any

import jax
from jax import lax

__all__ = ["materialize"]


@jax.custom_jvp
def materialize(x: jax.Array) -> jax.Array:
    """``x``, in memory: what made it would otherwise be computed again for each use.

    XLA fuses cheap operations into all their users and respects no barrier on
    CPUs, but what goes through a loop has to be written there. This loop never turns,
    which XLA cannot know; unlike a condition, it hands on the memory it was given.
    On other backends, where the host would decide about the loop, nothing is done.

    >>> materialize(jax.numpy.array([1.0, jax.numpy.nan])).tolist()
    [1.0, nan]
    """
    if jax.default_backend() != "cpu":
        return x
    never = x.ravel()[0].astype(float) * 0 == 1  # of whole numbers XLA would know it
    kept: jax.Array = lax.while_loop(lambda s: s[0], lambda s: (s[0], s[1] + 1), (never, x))[1]
    return kept


@materialize.defjvp
def _jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, Any]:
    # A loop of unknown length has no gradient of its own.
    return materialize(*primals), tangents[0]
