"""The gradient of a network's loss: as the engine computes it, as Keras does, and in float64."""

from __future__ import annotations

from contextlib import nullcontext

import jax
import keras
import numpy as np

from normwise.engine import lower
from normwise.engine.kernels.ties import safe_ties
from normwise.engine.stack import CPU_OPTIONS


def gradient(model, x, y, *, options=None, inside=nullcontext):
    """Gradients of the mean cross-entropy with respect to the trainable weights, in their order."""

    def loss(trainable, non_trainable, x, y):
        outputs, _ = model.stateless_call(trainable, non_trainable, x, training=True)
        return keras.ops.mean(keras.losses.binary_crossentropy(y, outputs))

    def step(*values):
        with inside():
            return jax.grad(loss)(*values)

    weights = (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
    compiled = jax.jit(step).lower(*weights, x, y).compile(compiler_options=options)
    return [np.asarray(value, np.float64) for value in compiled(*weights, x, y)]


def of_the_engine(model, x, y):
    lowered = _with_weights(lower(model), model)
    return gradient(lowered, x, y, options=CPU_OPTIONS, inside=safe_ties)


def in_float64(build, model, x, y):
    """The reference: the same network built and run in float64."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    with jax.enable_x64(True):  # noqa: FBT003 (JAX's)
        try:
            keras.config.set_floatx("float64")
            keras.config.set_dtype_policy("float64")
            wide = _with_weights(build(), model)
            exact = x if x.dtype.kind == "i" else x.astype("float64")
            return gradient(wide, exact, y.astype("float64"))
        finally:
            keras.config.set_floatx(floatx)
            keras.config.set_dtype_policy(policy)


def error(gradients, reference):
    """Largest difference, as a part of the largest gradient of the whole network."""
    largest = max(np.abs(exact).max() for exact in reference)
    pairs = zip(gradients, reference, strict=True)
    return max(np.abs(ours - exact).max() for ours, exact in pairs) / largest


def _with_weights(model, like):
    for ours, theirs in zip(model.variables, like.variables, strict=True):
        ours.assign(np.asarray(theirs.value))
    return model
