"""Gradients of maxima and minima that a value computed twice does not lose.

JAX finds out which value won by comparing each with the largest. XLA's CPU backend may compute the
values a second time for that comparison, rounded otherwise (a fused multiply-add here and none
there), and then nothing equals the largest and the gradient is gone. The rules here compare what
was computed once. They hold where :func:`safe_ties` does; elsewhere JAX's own do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.interpreters import ad

from normwise.engine.kernels.fusion import materialize

__all__ = ["safe_ties"]

Rule = Callable[..., tuple[Any, Any]]

# JAX keeps what it traced by the value of this, too: what was traced outside stays there.
_is_safe = jax.make_user_context(default_value=False)


def safe_ties() -> AbstractContextManager[None]:
    """Where gradients are traced whose comparisons must hold, however XLA computes them.

    The values are JAX's own: of equals each has its share of the gradient.

    >>> with safe_ties():
    ...     jax.grad(lambda x: x.max())(jnp.array([1.0, 2.0, 2.0])).tolist()
    [0.0, 0.5, 0.5]
    """
    inside: AbstractContextManager[None] = _is_safe(True)  # noqa: FBT003 (JAX's)
    return inside


def _of_written(primitive: Any) -> Rule:
    """JAX's rule, of operands in memory: the largest is one of those that it is compared with."""
    rule = ad.primitive_jvps[primitive]

    def safe(primals: Sequence[jax.Array], tangents: Sequence[Any], **parameters: Any) -> Any:
        if _is_safe.value:
            floats = [jnp.issubdtype(x.dtype, jnp.inexact) for x in primals]
            primals = [_once(x) if f else x for x, f in zip(primals, floats, strict=True)]
        return rule(primals, tangents, **parameters)

    return safe


def _once(x: jax.Array) -> Any:
    """``x``, computed once; other backends respect a barrier."""
    return materialize(x) if jax.default_backend() == "cpu" else lax.optimization_barrier(x)


def _of_two(primitive: Any, wins: Callable[[Any, Any], Any]) -> Rule:
    """The rule of two values that are compared with each other: one of them wins in any case."""
    rule = ad.primitive_jvps[primitive]

    def safe(primals: Sequence[jax.Array], tangents: Sequence[Any], **parameters: Any) -> Any:
        if not _is_safe.value:
            return rule(primals, tangents, **parameters)
        x, y = primals
        dx, dy = map(ad.instantiate_zeros, tangents)
        tangent = jnp.where(x == y, (dx + dy) / 2, jnp.where(wins(x, y), dx, dy))
        return primitive.bind(x, y), tangent

    return safe


for _primitive in (lax.reduce_max_p, lax.reduce_min_p, lax.scatter_max_p, lax.scatter_min_p):
    ad.primitive_jvps[_primitive] = _of_written(_primitive)
ad.primitive_jvps[lax.max_p] = _of_two(lax.max_p, jnp.greater)
ad.primitive_jvps[lax.min_p] = _of_two(lax.min_p, jnp.less)
