"""Operations that may wait for ever where several computations share XLA's threads.

jaxlib's factorisations and Fourier transforms of a batch run on a thread of XLA's pool, share out
their parts to that same pool and wait for them (jaxlib 0.10). Where every thread waits like this
nobody is left to do the parts: two devices are enough on a machine with two cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import keras

from normwise.data import Dataset
from normwise.engine.batches import batch_shapes
from normwise.models.kinds import is_called
from normwise.models.stateless_call import stateless
from normwise.models.tracing import tracing

__all__ = ["shares_out"]

SHARING = frozenset(
    {
        "cholesky", "eig", "eigh", "fft", "hessenberg", "householder_product", "lu", "qr", "schur",
        "svd", "triangular_solve", "tridiagonal",
    }
)  # fmt: skip


def shares_out(model: keras.Model, dataset: Dataset) -> bool:
    """Whether a layer of the model computes with such an operation in training.

    Raises:
        ModelError: The model cannot be traced.

    >>> import normwise.data
    >>> circles = normwise.data.find_dataset("circles")
    >>> inputs = keras.Input((2,))
    >>> shares_out(keras.Model(inputs, keras.layers.Dense(2)(inputs)), circles)
    False
    >>> shares_out(keras.Model(inputs, keras.ops.fft((inputs, inputs))[0]), circles)
    True
    """
    if not is_called(model):
        return True  # what its own steps compute with is not known
    x = batch_shapes(dataset, 2)
    trainable = [variable.value for variable in model.trainable_variables]
    non_trainable = [variable.value for variable in model.non_trainable_variables]
    with tracing(model, "training"):
        traced = jax.make_jaxpr(stateless(model, training=True))(trainable, non_trainable, x)
    return not SHARING.isdisjoint(_operations(traced.jaxpr))


def _operations(jaxpr: Any) -> Iterator[str]:
    """Names of the operations, those of loops and of inner functions too."""
    for step in jaxpr.eqns:
        yield step.primitive.name
        for inner in jax.tree.leaves(tuple(step.params.values()), is_leaf=_is_program):
            if _is_program(inner):
                yield from _operations(getattr(inner, "jaxpr", inner))


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns")
