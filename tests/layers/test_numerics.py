"""Every axis, every precision and large means, against NumPy in float64."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from normwise.engine.kernels import normalisation as engine
from normwise.layers import BatchNormalization

pytestmark = pytest.mark.as_shipped
EPSILON = 1e-3
RNG = np.random.default_rng(0)
GAMMA, BETA = [1.5, -0.5, 1.0], [0.0, 2.0, -1.0]


def case(shape, axis, dtype, mean=1.0):
    x = RNG.normal(mean, 1 + np.arange(3).reshape(spread(shape, axis)), shape)
    return x.astype(dtype), RNG.normal(size=shape).astype(dtype)


def spread(shape, axis):
    return [3 if i == axis % len(shape) else 1 for i in range(len(shape))]


def reference(x, axis, d, mask=None):
    """Outputs, the gradient to x, and the batch's moments."""
    axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    x, d = x.astype(float), d.astype(float)
    counts = np.ones_like(x) if mask is None else np.broadcast_to(mask[..., None], x.shape) * 1.0
    gamma, beta = (np.reshape(a, spread(x.shape, axis)) for a in (GAMMA, BETA))
    n = counts.sum(axes, keepdims=True)
    mean = (x * counts).sum(axes, keepdims=True) / n
    variance = ((x - mean) ** 2 * counts).sum(axes, keepdims=True) / n
    r = 1 / np.sqrt(variance + EPSILON)
    hat, inner = (x - mean) * r, d * gamma
    sums = inner.sum(axes, keepdims=True), (inner * hat).sum(axes, keepdims=True)
    dx = r * (inner - counts / n * (sums[0] + hat * sums[1]))
    return hat * gamma + beta, dx, mean.ravel(), variance.ravel()


def trained(x, axis, d, mask=None, kind=BatchNormalization, **options):
    """The same of the layer; the moving statistics after one call are the batch's."""
    layer = kind(axis=axis, epsilon=EPSILON, momentum=0.0, **options)
    layer.build(x.shape)
    weights = [np.array(a, "float32") for a in (GAMMA, BETA)]
    state = [np.zeros(3, "float32"), np.ones(3, "float32")]

    @jax.jit
    def of(x, d):
        y, backward, state_ = jax.vjp(
            lambda x: layer.stateless_call(weights, state, x, training=True, mask=mask),
            x,
            has_aux=True,
        )
        return y, *backward(d.astype(y.dtype)), *state_

    return of(x, d)


AXES = [((7, 3), -1), ((3, 7), 0), ((3, 7), -2), ((4, 5, 3), 2), ((4, 3, 5), 1), ((4, 3, 5), -2),
        ((4, 3, 5, 6), 1), ((4, 5, 6, 3), -1), ((4, 5, 3, 6), -2), ((2, 3, 3, 4, 5), 1),
        ((2, 3, 4, 5, 3), -1)]  # fmt: skip


@pytest.mark.parametrize(("shape", "axis"), AXES)
def test_every_axis(shape, axis):
    x, d = case(shape, axis, "float32")
    for found, expected in zip(trained(x, axis, d), reference(x, axis, d), strict=True):
        assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize(
    ("dtype", "policy", "tolerance"),
    [("float16", "mixed_float16", 2e-3), ("bfloat16", "mixed_bfloat16", 2e-2),
     ("float16", "float16", 2e-3), ("bfloat16", "bfloat16", 2e-2)],
)  # fmt: skip
def test_every_precision(dtype, policy, tolerance, axis):
    x, d = case((9, 3, 3), axis, "float32")
    x, d = (jax.numpy.asarray(a, dtype) for a in (x, d))
    y, dx, mean, variance = trained(x, axis, d, dtype=policy)
    assert y.dtype == dx.dtype == dtype
    # Of the values as half precision has them; what comes out is rounded once.
    wide = [np.asarray(a, "float32") for a in (x, d)]
    expected = reference(wide[0], axis, wide[1])
    for found, wanted in zip((y, dx, mean, variance), expected, strict=True):
        assert_allclose(np.asarray(found, "float32"), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("slices", [None, 64])
def test_a_mean_far_above_the_deviation(axis, masked, slices):
    shape = (64, 3, 3)
    x, d = case(shape, axis, "float32", mean=1e4)
    mask = RNG.random(shape[:-1]) < 0.7 if masked else None
    y, dx, mean, variance = trained(x, axis, d, mask, virtual_batch_size=slices)
    expected_y, expected_dx, expected_mean, expected_variance = reference(x, axis, d, mask)
    assert_allclose(y, expected_y, atol=1e-4)
    assert_allclose(dx, expected_dx, atol=1e-4)
    assert_allclose(mean, expected_mean, rtol=2e-7)
    assert_allclose(variance, expected_variance, rtol=2e-5)


def test_a_mean_a_million_times_the_deviation_is_survived():
    # Float32 itself has steps of 1/16 there: of the values as they are, all is exact.
    x, d = case((512, 3), -1, "float32", mean=1e6)
    y, dx, _, variance = trained(x, -1, d)
    expected_y, expected_dx, _, expected_variance = reference(x, -1, d)
    assert_allclose(y, expected_y, atol=1e-3)
    assert_allclose(dx, expected_dx, atol=1e-3)
    assert_allclose(variance, expected_variance, rtol=1e-4)


@pytest.mark.parametrize("kind", [BatchNormalization, engine.BatchNormalization])
@pytest.mark.parametrize("shape", [(32, 3), (256, 3), (8, 12, 3)])
def test_one_example_far_from_the_others(kind, shape):
    # Behind a ReLU, most are 0. The variance is as exact wherever in the batch that example is.
    x, d = (np.maximum(a, 0) for a in case(shape, -1, "float32", mean=-1.0))
    x[0] += 1000
    y, dx, _, variance = trained(x, -1, d, kind=kind)
    expected_y, expected_dx, _, expected_variance = reference(x, -1, d)
    assert_allclose(y, expected_y, rtol=1e-5, atol=1e-5)
    assert_allclose(dx, expected_dx, atol=1e-5)
    assert_allclose(variance, expected_variance, rtol=1e-5)
