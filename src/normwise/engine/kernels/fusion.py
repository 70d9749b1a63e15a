"""Keep XLA's CPU backend from what makes it slow: computing twice, and loops inside of loops."""

from __future__ import annotations

import jax
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

__all__ = ["in_lines", "materialize"]

# JAX forgets derivatives that a function is given, where it takes loops apart for gradients of
# gradients; those of a primitive stay.
_materialize = Primitive("materialize")


def materialize(x: jax.Array) -> jax.Array:
    """``x``, in memory: what made it would otherwise be computed again for each use.

    XLA fuses cheap operations into all their users and respects no barrier on
    CPUs, but what goes through a loop has to be written there. On other backends, where the host
    would decide about the loop, nothing is done.

    >>> materialize(jax.numpy.array([1.0, jax.numpy.nan])).tolist()
    [1.0, nan]
    """
    written: jax.Array = _materialize.bind(x)
    return written


def _through_a_loop(x: jax.Array) -> jax.Array:
    """This loop never turns, which XLA cannot know.

    Unlike a condition, it hands on the memory it was given.
    """
    if not x.size or x.dtype == bool:
        return x
    never = x.ravel()[0].astype(float) * 0 == 1  # of whole numbers XLA would know it
    kept: jax.Array = lax.while_loop(lambda s: s[0], lambda s: (s[0], s[1] + 1), (never, x))[1]
    return kept


_materialize.def_impl(lambda x: x)
_materialize.def_abstract_eval(lambda x: x)
ad.primitive_jvps[_materialize] = lambda xs, dxs: (materialize(*xs), *dxs)
batching.primitive_batchers[_materialize] = lambda xs, axes: (materialize(*xs), *axes)
mlir.register_lowering(_materialize, lambda _, x: [x])
mlir.register_lowering(
    _materialize, mlir.lower_fun(_through_a_loop, multiple_results=False), platform="cpu"
)


def in_lines(x: jax.Array) -> jax.Array:
    """``(batch, *space, channels)`` as ``(batch, positions, channels)``, to be summed by positions.

    Without the barrier XLA would sum over the axes of space one inside the other: two to five times
    as slowly.

    >>> in_lines(jax.numpy.zeros((2, 3, 4, 5))).shape
    (2, 12, 5)
    """
    lines: jax.Array = lax.optimization_barrier(x.reshape(len(x), -1, x.shape[-1]))
    return lines
