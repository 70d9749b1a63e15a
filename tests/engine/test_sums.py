"""Sums over examples against NumPy's in float64."""

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from normwise.engine.kernels.sums import (
    PART,
    WHOLE,
    channel_sum,
    sums_in_parts,
    sums_of_examples,
)

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


# At once, a matrix in parts, rows of a kind that nothing divides, rows that are larger than a part,
# several blocks.
@pytest.mark.parametrize(
    "shape", [(10, 4), (2 * WHOLE // 300, 300), (43, 7, 3), (6, 200, 200, 4), (600, 32, 4, 4)]
)
def test_all_parts_are_summed(shape):
    a, b = normal(*shape), normal(*shape)
    axes = tuple(range(len(shape) - 1))
    first, second = jax.jit(
        lambda a, b: sums_in_parts(lambda a, b: [a * b, a - b], axes, a, b)
    )(a, b)  # fmt: skip
    assert_sums(first, a.astype(np.float64) * b, axes)
    assert_sums(second, a.astype(np.float64) - b, axes)


# In runs of 16, of 13, none, and so many runs that these are added in parts as well.
@pytest.mark.parametrize("positions", [64, 169, 17, 1, 224 * 224])
def test_examples_are_summed_each_by_itself(positions):
    a, mean = normal(3, positions, 5), normal(3, 1, 5)
    first, second = jax.jit(
        lambda a, mean: sums_of_examples(lambda a, mean: [a, (a - mean) ** 2], a, mean)
    )(a, mean)  # fmt: skip
    assert_sums(first, a, 1)
    assert_sums(second, (a.astype(np.float64) - mean) ** 2, 1)


def test_other_axes_are_summed_at_once():
    a = normal(20, 3, 50, 60)
    [found] = sums_in_parts(lambda a: [a], (0, 2, 3), jnp.asarray(a))
    assert_sums(found, a, (0, 2, 3))


def cut(a, axes=None):
    """Blocks, parts of a block and the shape of a part; nothing where all is taken at once."""
    axes = tuple(range(a.ndim - 1)) if axes is None else axes
    program = jax.make_jaxpr(lambda a: sums_in_parts(lambda a: [a], axes, a))(a)
    loops = [e for e in program.eqns if e.primitive.name == "scan"]
    return loops[0].invars[-1].aval.shape if loops else ()


# As many rows as divide the pictures' and hold no more than PART values.
@pytest.mark.parametrize(
    ("shape", "blocks"),
    [
        ((2, 4), ()), ((WHOLE // 8, 8), ()), ((2 * WHOLE // 8, 8), (8, 256, 16, 1, 8)),
        ((4, 6, 5, 3), (1, 2, 12, 5, 3)), ((5, 5, 3), (1, 1, 5, 5, 3)), ((43, 7, 3), (1, 43, 1, 7, 3)),
        ((8, PART, 2), (1, 8, 1, PART, 2)), ((8, PART // 8, 2), (1, 2, 4, PART // 8, 2)),
        ((512, 2, 16, 4, 4), (4, 256, 16, 4, 4)),
    ],
)  # fmt: skip
def test_a_part_fits_into_the_cache(shape, blocks):
    assert cut(jax.ShapeDtypeStruct(shape, "float32")) == blocks


def test_only_sums_over_all_but_the_channels_are_cut():
    assert not cut(jax.ShapeDtypeStruct((4, PART, 3), "float32"), (0, 2))
    assert not cut(jax.ShapeDtypeStruct((4, PART, 3), "float32"), (0,))


def test_an_accelerator_takes_all_at_once(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not cut(jax.ShapeDtypeStruct((4, PART, 3), "float32"))


def products(function, *arrays):
    return [e for e in jax.make_jaxpr(function)(*arrays).eqns if e.primitive.name == "dot_general"]


def test_channels_are_summed_by_exact_products():
    """Products are what CPUs are fast at; rounded factors are not what was asked for."""
    found = products(lambda a: sums_in_parts(lambda a: [a], (0,), a), normal(300, 5))
    assert len(found) == 2  # of 64 rows at once, and of what these give
    assert len(products(channel_sum, normal(256, 5))) == 1  # few enough to be added in one row
    highest = (jax.lax.Precision.HIGHEST, jax.lax.Precision.HIGHEST)
    assert {one.params["precision"] for one in found} == {highest}
    assert not products(lambda a: sums_in_parts(lambda a: [a], (1,), a), normal(300, 5))


def test_under_vmap_small_products_stand_side_by_side():
    """The ones have the replicas' axis as well: no matrix is transposed first."""
    [found] = products(jax.vmap(channel_sum), normal(2, 30, 5))
    (_, batch) = found.params["dimension_numbers"]
    assert batch == ((0,), (0,))


def test_a_first_row_that_is_no_number_stays_in_its_channel():
    a = normal(30, 3)
    a[4, 0] = np.nan
    found = np.asarray(channel_sum(a))
    assert np.isnan(found[0])
    assert_sums(found[1:], a[:, 1:], 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("shape", [(10, 4), (6, PART, 1)])
def test_the_type_of_number_stays(dtype, shape):
    [found] = sums_in_parts(lambda a: [a], tuple(range(len(shape) - 1)), jnp.zeros(shape, dtype))
    assert found.dtype == dtype
