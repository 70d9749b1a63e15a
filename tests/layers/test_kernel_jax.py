"""The kernel against an independent NumPy float64 reference."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normwise.layers.kernel_jax import normalise

EPSILON = 1e-3
pytestmark = pytest.mark.as_shipped
JITTED = jax.jit(normalise, static_argnums=(1, 2, 3, 4))


def reference_forward(x, gamma, beta, axes, weights=None, epsilon=EPSILON):
    """Two passes in float64."""
    x, w = x.astype("float64"), np.ones(x.shape) if weights is None else weights.astype("float64")
    count = np.maximum(w.sum(axes, keepdims=True), 1)
    mean = (np.where(w, x, 0)).sum(axes, keepdims=True) / count
    var = (np.where(w, x - mean, 0) ** 2).sum(axes, keepdims=True) / count
    y = (x - mean) / np.sqrt(var + epsilon)
    y = y if gamma is None else y * gamma.reshape(mean.shape)
    y = y if beta is None else y + beta.reshape(mean.shape)
    return y, mean.ravel(), var.ravel()


def reference_gradients(x, gamma, axes, d, weights=None, epsilon=EPSILON):
    """The chain rule as the paper writes it: through x-hat, the variance and the mean in turn."""
    x, d = x.astype("float64"), d.astype("float64")
    w = np.ones(x.shape) if weights is None else weights.astype("float64")
    count = np.maximum(w.sum(axes, keepdims=True), 1)
    mean = (w * x).sum(axes, keepdims=True) / count
    var = (w * (x - mean) ** 2).sum(axes, keepdims=True) / count
    g = np.ones(mean.shape) if gamma is None else gamma.astype("float64").reshape(mean.shape)
    std = np.sqrt(var + epsilon)
    d_hat = d * g
    d_var = (d_hat * (x - mean) * -0.5 * std**-3).sum(axes, keepdims=True)
    d_mean = -(d_hat / std).sum(axes, keepdims=True)
    d_mean += d_var * (-2 * w * (x - mean)).sum(axes, keepdims=True) / count
    dx = d_hat / std + d_var * 2 * w * (x - mean) / count + w * d_mean / count
    return dx, (d * (x - mean) / std).sum(axes), d.sum(axes)


@functools.partial(jax.jit, static_argnums=3)
def gradients(x, gamma, beta, axes, d, weights=None):
    def loss(x, gamma, beta):
        y, _, _ = normalise(x, gamma, beta, axes, EPSILON, weights)
        return jnp.vdot(y, d)

    return jax.grad(loss, argnums=(0, 1, 2))(x, gamma, beta)


def case(shape, axis, seed=0, mean=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(mean, 1 + np.arange(shape[axis]).reshape(_broad(shape, axis)), shape)
    gamma, beta = rng.normal(1, 0.5, shape[axis]), rng.normal(size=shape[axis])
    axes = tuple(i for i in range(len(shape)) if i != axis)
    values = (x, gamma, beta, rng.normal(size=shape))
    x, gamma, beta, d = (value.astype("float32") for value in values)
    return x, gamma, beta, axes, d


def _broad(shape, axis):
    return [size if i == axis else 1 for i, size in enumerate(shape)]


SHAPES = [((32, 5), 1), ((8, 5, 3), 2), ((4, 3, 6, 6), 1), ((4, 6, 6, 3), 3), ((16, 1), 1)]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("masked", [False, True])
def test_forward_and_gradients_equal_the_reference(shape, axis, masked):
    x, gamma, beta, axes, d = case(shape, axis)
    weights = np.random.default_rng(1).random(shape) < 0.7 if masked else None
    for actual, expected in zip(
        jax.jit(normalise, static_argnums=(3, 4))(x, gamma, beta, axes, EPSILON, weights),
        reference_forward(x, gamma, beta, axes, weights),
        strict=True,
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    for actual, expected in zip(
        gradients(x, gamma, beta, axes, d, weights),
        reference_gradients(x, gamma, axes, d, weights),
        strict=True,
    ):
        np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-5)


def test_reference_gradients_equal_finite_differences():
    x, gamma, beta, axes, d = case((6, 3), 1)
    weights = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 1, 1], [1, 1, 0]], bool)
    x, gamma, beta = x.astype("float64"), gamma.astype("float64"), beta.astype("float64")
    expected = reference_gradients(x, gamma, axes, d, weights)
    for value, gradient in zip((x, gamma, beta), expected, strict=True):
        for index in np.ndindex(value.shape):
            kept, losses = value[index], []
            for step in (1e-6, -1e-6):
                value[index] = kept + step
                losses.append((reference_forward(x, gamma, beta, axes, weights)[0] * d).sum())
            value[index] = kept
            assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(gradient[index], abs=1e-6)


@pytest.mark.parametrize(("gamma", "beta"), [(None, None), (None, "beta"), ("gamma", None)])
def test_absent_parameters_have_no_gradient(gamma, beta):
    x, full_gamma, full_beta, axes, d = case((32, 5), 1)
    gamma, beta = gamma and full_gamma, beta and full_beta
    y, _, _ = normalise(x, gamma, beta, axes, EPSILON)
    np.testing.assert_allclose(y, reference_forward(x, gamma, beta, axes)[0], rtol=1e-5, atol=1e-5)
    dx, dgamma, dbeta = gradients(x, gamma, beta, axes, d)
    np.testing.assert_allclose(dx, reference_gradients(x, gamma, axes, d)[0], atol=2e-5)
    assert (dgamma is None, dbeta is None) == (gamma is None, beta is None)


@pytest.mark.parametrize("shape", [(256, 4), (16, 8, 8, 4)])
def test_a_mean_far_above_the_deviation_costs_no_digits(shape):
    x, gamma, beta, axes, d = case(shape, len(shape) - 1, mean=1e4)
    y, mean, var = normalise(x, gamma, beta, axes, EPSILON)
    expected_y, expected_mean, expected_var = reference_forward(x, gamma, beta, axes)
    np.testing.assert_allclose(y, expected_y, atol=2e-5)
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-7)
    np.testing.assert_allclose(var, expected_var, rtol=1e-5)
    dx, dgamma, _ = gradients(x, gamma, beta, axes, d)
    expected_dx, expected_dgamma, _ = reference_gradients(x, gamma, axes, d)
    np.testing.assert_allclose(dx, expected_dx, atol=2e-5)
    np.testing.assert_allclose(dgamma, expected_dgamma, rtol=1e-4, atol=1e-3)


def test_an_outlier_in_first_place_is_the_worst_shift_and_still_exact():
    x = np.random.default_rng(0).normal(size=(1024, 3)).astype("float32")
    x[0] = 1e4
    _, mean, var = normalise(x, None, None, (0,), EPSILON)
    _, expected_mean, expected_var = reference_forward(x, None, None, (0,))
    # The promise is n * eps relative, and here n * eps is 1.2e-4.
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-3)
    np.testing.assert_allclose(var, expected_var, rtol=1e-3)


def test_a_batch_of_one_gives_beta_and_no_gradient_to_the_input():
    x, gamma, beta, axes, d = case((1, 4), 1)
    y, mean, var = normalise(x, gamma, beta, axes, EPSILON)
    np.testing.assert_array_equal(y, beta[None])
    np.testing.assert_array_equal(mean, x[0])
    np.testing.assert_array_equal(var, 0)
    dx, dgamma, dbeta = gradients(x, gamma, beta, axes, d)
    np.testing.assert_allclose(dx, 0, atol=1e-5)
    np.testing.assert_array_equal(dgamma, 0)
    np.testing.assert_array_equal(dbeta, d[0])


def test_masked_out_values_reach_no_statistic_whatever_they_are():
    x, gamma, beta, axes, _ = case((8, 3), 1)
    weights = np.ones(x.shape, bool)
    weights[0] = False
    x[0] = np.nan
    _, mean, var = normalise(x, gamma, beta, axes, EPSILON, weights)
    np.testing.assert_allclose(mean, x[1:].mean(0), rtol=1e-5)
    np.testing.assert_allclose(var, x[1:].var(0), rtol=1e-5)


def test_a_batch_masked_out_whole_has_moments_of_zero():
    x, gamma, beta, axes, _ = case((8, 3), 1)
    y, mean, var = normalise(x, gamma, beta, axes, EPSILON, np.zeros(x.shape, bool))
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_array_equal(var, 0)
    assert np.isfinite(y).all()


def test_stacked_replicas_equal_each_alone():
    x, gamma, beta, axes, d = case((5, 16, 3), 2)
    axes, gamma = (0,), np.stack([gamma * k for k in range(1, 6)])

    def one(x, gamma, d):
        return gradients(x, gamma, beta, axes, d)

    stacked = jax.jit(jax.vmap(one))(x, gamma, d)
    for k in range(5):
        for actual, expected in zip(stacked, one(x[k], gamma[k], d[k]), strict=True):
            np.testing.assert_allclose(actual[k], expected, rtol=1e-5, atol=1e-5)


def test_second_derivatives_equal_automatic_ones():
    x, gamma, beta, axes, d = case((8, 3), 1)

    def automatic(x):
        centred = x - x.mean(0)
        return centred / jnp.sqrt((centred**2).mean(0) + EPSILON) * gamma + beta

    def penalty(layer):
        return lambda x: (jax.grad(lambda z: jnp.vdot(layer(z) ** 2, d))(x) ** 2).sum()

    actual = jax.jit(jax.grad(penalty(lambda z: normalise(z, gamma, beta, axes, EPSILON)[0])))(x)
    expected = jax.jit(jax.grad(penalty(automatic)))(x)
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([1, 2, 33]),
    st.floats(-1e4, 1e4),
    st.floats(1e-2, 1e2),
    st.integers(0, 99),
)
def test_normalised_values_have_mean_zero_and_the_variance_that_epsilon_leaves(
    batch, mean, deviation, seed
):
    x = np.random.default_rng(seed).normal(mean, deviation, (batch, 3)).astype("float32")
    y, _, var = JITTED(x, None, None, (0,), EPSILON)
    np.testing.assert_allclose(np.mean(y, 0), 0, atol=1e-4)
    np.testing.assert_allclose(np.var(y, 0), var / (var + EPSILON), atol=1e-4)


@pytest.mark.parametrize("shape", [(64, 26, 26, 32), (64, 3, 3, 64), (7, 31, 31, 3), (4999, 2)])
def test_sums_over_many_rows_lose_no_digits(shape):
    # All positive, so that sums grow: added one after the other they were wrong in the fifth digit.
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(0.1, 1, shape), 0).astype("float32")
    d, axes = rng.normal(size=shape).astype("float32"), tuple(range(len(shape) - 1))
    y, mean, var = reference_forward(x, None, None, axes)
    dx, _, _ = reference_gradients(x, None, axes, d)
    found = JITTED(x, None, None, axes, EPSILON)
    for ours, theirs in zip(found, (y, mean, var), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=3e-6, atol=3e-6)
    one, zero = np.ones(shape[-1], "float32"), np.zeros(shape[-1], "float32")
    np.testing.assert_allclose(gradients(x, one, zero, axes, d)[0], dx, rtol=3e-6, atol=4e-6)
