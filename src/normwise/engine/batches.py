"""Examples in batches, the last of which may be smaller: it counts, as in Keras' ``fit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

__all__ = ["over_batches"]

Carry = TypeVar("Carry")


def over_batches(
    step: Callable[[Carry, Any], tuple[Carry, tuple[jax.Array, jax.Array]]],
    start: Carry,
    examples: Any,
    size: int,
) -> tuple[Carry, jax.Array, jax.Array]:
    """Take a step for each batch, one after another.

    Args:
        step: ``(carry, batch) → (carry, (loss, outputs))``: a batch's mean loss, and its outputs.
        start: What the first step carries on.
        examples: Arrays in any structure, ``(n, …)`` each.
        size: Examples in a batch, at most ``n``.

    Returns:
        What the last step leaves, the mean loss over all examples, and all outputs, ``(n, …)``.
    """
    n = len(jax.tree.leaves(examples)[0])
    full = n // size * size
    batches = jax.tree.map(lambda a: a[:full].reshape(-1, size, *a.shape[1:]), examples)
    carry, (losses, outputs) = lax.scan(step, start, batches)
    loss = losses.sum() * size
    outputs = outputs.reshape((full, *outputs.shape[2:]))
    if full < n:
        carry, (last, rest) = step(carry, jax.tree.map(lambda a: a[full:], examples))
        loss += last * (n - full)
        outputs = jnp.concatenate([outputs, rest])
    return carry, loss / n, outputs
