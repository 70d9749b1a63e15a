"""Examples in batches, the last of which may be smaller: it counts, as in Keras' ``fit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from normwise.data import Dataset
from normwise.data.nested import Arrays, mapped

__all__ = ["batch_shapes", "last_result", "over_batches", "through_batches"]

Carry = TypeVar("Carry")


def through_batches(
    step: Callable[[Carry, Any], tuple[Carry, Any]], start: Carry, examples: Any, size: int
) -> tuple[Carry, Any, Any]:
    """Take a step for each batch, one after another.

    Args:
        step: ``(carry, batch) → (carry, result)``.
        start: What the first step carries on.
        examples: Arrays in any structure, ``(n, …)`` each.
        size: Examples in a batch.

    Returns:
        What the last step leaves; the results of whole batches, with a leading axis; the result
        of a smaller one at the end, ``None`` where ``n`` is a multiple of ``size``.
    """
    n = len(jax.tree.leaves(examples)[0])
    full = n // size * size
    batches = jax.tree.map(lambda a: a[:full].reshape(-1, size, *a.shape[1:]), examples)
    carry, results = lax.scan(step, start, batches)
    if full == n:
        return carry, results, None
    carry, rest = step(carry, jax.tree.map(lambda a: a[full:], examples))
    return carry, results, rest


def over_batches(
    step: Callable[[Carry, Any], tuple[Carry, tuple[jax.Array, Any]]],
    start: Carry,
    examples: Any,
    size: int,
) -> tuple[Carry, jax.Array, Any]:
    """The same of steps that give a loss and outputs.

    Args:
        step: ``(carry, batch) → (carry, (loss, outputs))``: a batch's mean loss, and its outputs,
            arrays in any structure.
        start: What the first step carries on.
        examples: Arrays in any structure, ``(n, …)`` each.
        size: Examples in a batch, at most ``n``.

    Returns:
        What the last step leaves, the mean loss over all examples, and all outputs, ``(n, …)``.
    """
    n = len(jax.tree.leaves(examples)[0])
    full = n // size * size
    carry, (losses, outputs), rest = through_batches(step, start, examples, size)
    loss = losses.sum() * size
    outputs = jax.tree.map(lambda a: a.reshape((full, *a.shape[2:])), outputs)
    if rest is not None:
        last, others = rest
        loss += last * (n - full)
        outputs = jax.tree.map(lambda *both: jnp.concatenate(both), outputs, others)
    return carry, loss / n, outputs


def last_result(results: Any, rest: Any) -> Any:
    """What the last step of :func:`through_batches` gave."""
    return jax.tree.map(lambda a: a[-1], results) if rest is None else rest


def batch_shapes(dataset: Dataset, size: int) -> Arrays:
    """Inputs of a batch of so many examples, of which only the form counts, as JAX holds them.

    >>> from normwise.data import find_dataset
    >>> batch_shapes(find_dataset("circles"), 8)
    ShapeDtypeStruct(shape=(8, 2), dtype=float32)
    """
    return mapped(
        lambda a: jax.ShapeDtypeStruct(
            (size, *a.shape[1:]), jax.dtypes.canonicalize_dtype(a.dtype)
        ),
        dataset.x_train,
    )
