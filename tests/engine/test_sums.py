"""Sums over examples against NumPy's in float64."""

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from normwise.engine.sums import PART, channel_sum, sums_in_parts

DRAW = np.random.default_rng(3)


def normal(*shape):
    return DRAW.normal(1, 2, shape).astype("float32")


def assert_sums(found, terms, axes):
    """As exact as adding in float32 can be: measured by the sum of magnitudes."""
    wide = np.asarray(terms, np.float64)
    assert found.shape == wide.sum(axes).shape
    assert (np.abs(found - wide.sum(axes)) <= 1e-6 * np.abs(wide).sum(axes)).all()


# 256 rows are the most that are added one after another; 64 at once beyond, and what is left.
@pytest.mark.parametrize("rows", [1, 255, 256, 257, 300, 319, 320, 1568, 43_001])
def test_no_row_is_lost(rows):
    a = normal(rows, 5)
    assert_sums(channel_sum(a), a, 0)
    stacked = normal(2, rows, 3)
    assert_sums(jax.vmap(channel_sum)(stacked), stacked, 1)


def test_all_axes_but_the_last_are_summed():
    a = normal(7, 9, 8, 3)
    assert_sums(channel_sum(a), a, (0, 1, 2))


# In one part, in two, in as many as there are examples (none of which fits).
@pytest.mark.parametrize("shape", [(10, 4), (2 * PART // 300, 300), (6, 200, 200, 4)])
def test_all_parts_are_summed(shape):
    a, b = normal(*shape), normal(*shape)
    axes = tuple(range(len(shape) - 1))
    first, second = jax.jit(
        lambda a, b: sums_in_parts(lambda a, b: [a * b, a - b], axes, a, b)
    )(a, b)  # fmt: skip
    assert_sums(first, a.astype(np.float64) * b, axes)
    assert_sums(second, a.astype(np.float64) - b, axes)


def test_other_axes_are_summed_at_once():
    a = normal(20, 3, 50, 60)
    [found] = sums_in_parts(lambda a: [a], (0, 2, 3), jnp.asarray(a))
    assert_sums(found, a, (0, 2, 3))
