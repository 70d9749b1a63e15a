"""Gradients of maxima: JAX's own values, from comparisons that cannot fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

from normwise.engine.kernels.ties import safe_ties

# Ties in rows and columns, between the arguments, and zeros of both signs.
X = np.array([[1.0, 3.0, 3.0], [0.0, -0.0, -2.0], [2.0, 2.0, 2.0]], np.float32)
Y = np.array([[1.0, 4.0, 2.0], [0.0, 1.0, -2.0], [2.0, 1.0, 3.0]], np.float32)
WEIGHTS = np.arange(1.0, 10.0, dtype=np.float32).reshape(3, 3)

FUNCTIONS = {
    "max": lambda x: ops.max(x, axis=1) @ WEIGHTS[0],
    "amax over all": ops.amax,
    "min": lambda x: ops.min(x, axis=0) @ WEIGHTS[1],
    "maximum": lambda x: (ops.maximum(x, Y) * WEIGHTS).sum(),
    "maximum of the other side": lambda x: (ops.maximum(Y, x) * WEIGHTS).sum(),
    "maximum with a number": lambda x: (ops.maximum(x, 2.0) * WEIGHTS).sum(),
    "minimum": lambda x: (ops.minimum(x, Y) * WEIGHTS).sum(),
    "of itself": lambda x: (ops.maximum(x, ops.flip(x, 1)) * WEIGHTS).sum(),
    "cumulative": lambda x: (jax.lax.cummax(x, 1) * WEIGHTS).sum(),
    "segments": lambda x: (ops.segment_max(x, np.array([0, 0, 1]), 2) * WEIGHTS[:2]).sum(),
    "sorted": lambda x: (ops.sort(x, axis=1) * WEIGHTS).sum(),
    "top": lambda x: (ops.top_k(x, 2)[0] * WEIGHTS[:, :2]).sum(),
    "median": lambda x: (ops.median(x, axis=1) * WEIGHTS[0]).sum(),
    "norm": lambda x: ops.norm(x, ord=np.inf),
    "logsumexp": lambda x: ops.logsumexp(x, axis=1) @ WEIGHTS[0],
    "pooling": lambda x: ops.max_pool(x[None, ..., None], 2, 1, "same").sum(),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("change", [lambda f: f, jax.jit, jax.checkpoint], ids=["", "jit", "remat"])
def test_values_and_gradients_are_jax_own(function, change):
    x = jnp.asarray(X)
    value, gradient = jax.value_and_grad(function)(x)
    with safe_ties():
        ours = jax.value_and_grad(change(function))(x)
    assert_allclose(ours[0], value)
    assert_allclose(ours[1], gradient, rtol=1e-6)


def test_a_replica_axis_changes_nothing():
    stack = jnp.stack([X, Y, X + Y])
    with safe_ties():
        gradient = jax.grad(lambda x: (ops.max(x, axis=1) ** 2).sum())
        together, alone = jax.vmap(gradient)(stack), [gradient(x) for x in stack]
    assert_allclose(together, alone)


def test_maxima_of_no_rows_have_a_gradient_of_none():
    with safe_ties():
        gradient = jax.jit(jax.grad(lambda x: ops.max(x, axis=1).sum()))(jnp.zeros((0, 3)))
    assert gradient.shape == (0, 3)


def test_what_is_no_number_stays():
    x = jnp.asarray([1.0, np.nan])
    with safe_ties():
        for function in (ops.max, lambda x: ops.maximum(x, 3.0)[1], ops.min):
            assert np.isnan(jax.value_and_grad(function)(x)[0])


def test_second_derivatives_go_through():
    with safe_ties():
        hessian = jax.hessian(lambda x: ops.max(x**3, axis=1).sum())(jnp.asarray(Y))
    wanted = np.zeros((3, 3, 3, 3), np.float32)
    for row, column in enumerate(Y.argmax(1)):
        wanted[row, column, row, column] = 6 * Y[row, column]
    assert_allclose(hessian, wanted)


@pytest.mark.parametrize("function", [ops.max, lambda x: ops.maximum(x, Y).sum()])
def test_outside_the_rules_are_jax_own_whatever_was_traced_before(function):
    def traced():
        return str(jax.make_jaxpr(jax.grad(jax.jit(function)))(jnp.asarray(X)))

    before = traced()
    with safe_ties():
        inside = traced()
    assert traced() == before != inside
