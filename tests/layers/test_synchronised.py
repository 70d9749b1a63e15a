"""Statistics over devices against Keras' layer on the whole batch."""

import jax
import keras
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from normwise.errors import LayerError
from normwise.layers import BatchNormalization

DEVICES = 2
RNG = np.random.default_rng(0)
SHAPE = (8, 5, 3)
X = (RNG.normal(size=SHAPE) * [1, 3, 0.1]).astype("float32")
# What one device sees says little about what the other does.
X[4:] += 5
D = RNG.normal(size=SHAPE).astype("float32")
MASK = RNG.random(SHAPE[:-1]) < 0.6
MASK[4:, 1:] = False
SHARDED, WHOLE = PartitionSpec("data"), PartitionSpec()
VALUES = [np.array([1.0, -2.0, 0.5], "float32"), np.array([0.0, 1.0, 2.0], "float32")]
STATE = [np.zeros(3, "float32"), np.ones(3, "float32")]


def mesh():
    return jax.make_mesh((DEVICES,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))


def built(layer):
    layer.build(SHAPE)
    return layer


def trained(layer, values, x, mask, d):
    """Loss, outputs and new state."""
    y, state = layer.stateless_call(values, STATE, x, training=True, mask=mask)
    return (y * d).sum(), (y, state)


def gradients(layer):
    """Of the loss, to the weights and to x; with outputs and new state."""

    def of(values, x, mask, d):
        (_, aux), found = jax.value_and_grad(
            lambda values, x: trained(layer, values, x, mask, d), argnums=(0, 1), has_aux=True
        )(values, x)
        return found, aux

    return of


@pytest.fixture(scope="module", params=[False, True], ids=["all", "masked"])
def case(request):
    """A mask or none, and what Keras' layer makes of the whole batch."""
    mask = MASK if request.param else None
    theirs = built(keras.layers.BatchNormalization())
    return mask, jax.jit(gradients(theirs))(VALUES, X, mask, D)


def assert_same(found, expected):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5), found, expected
    )


@pytest.mark.parametrize("check", [True, False])
def test_in_shard_map_the_batch_is_whole(case, check):
    mask, expected = case
    of = gradients(built(BatchNormalization(axis_name="data")))

    def part(values, x, mask, d):
        (weights, dx), aux = of(values, x, mask, d)
        # Where shard_map checks what differs between devices, it has added them up.
        return (weights if check else jax.lax.psum(weights, "data"), dx), aux

    inputs = (WHOLE, SHARDED, SHARDED, SHARDED)
    outputs = ((WHOLE, SHARDED), (SHARDED, WHOLE))
    spread = jax.shard_map(part, mesh=mesh(), in_specs=inputs, out_specs=outputs, check_vma=check)
    assert_same(jax.jit(spread)(VALUES, X, mask, D), expected)


@pytest.mark.parametrize("mapped", [jax.pmap, jax.vmap])
def test_under_a_named_axis_the_batch_is_whole(case, mapped):
    mask, (expected, (y, state)) = case
    of = gradients(built(BatchNormalization(axis_name="data")))

    def halves(a):
        return None if a is None else a.reshape(DEVICES, -1, *a.shape[1:])

    def part(x, mask, d):
        (weights, dx), aux = of(VALUES, x, mask, d)
        return (jax.lax.psum(weights, "data"), dx), aux

    (weights, dx), (ys, states) = mapped(part, axis_name="data")(*map(halves, (X, mask, D)))
    assert_same(
        ((jax.tree.map(lambda a: a[0], weights), dx.reshape(SHAPE)), ys.reshape(SHAPE)),
        (expected, y),
    )
    for device in range(DEVICES):
        assert_same(jax.tree.map(lambda a, at=device: a[at], states), state)


@pytest.mark.parametrize("kind", [jax.sharding.AxisType.Auto, jax.sharding.AxisType.Explicit])
@pytest.mark.parametrize("options", [{}, {"synchronized": True}], ids=str)
def test_under_jit_the_batch_is_whole_wherever_it_lies(case, options, kind):
    mask, expected = case
    spread = NamedSharding(jax.make_mesh((DEVICES,), ("data",), axis_types=(kind,)), SHARDED)
    x, mask, d = jax.device_put((X, mask, D), spread)
    assert len(x.sharding.device_set) == DEVICES
    of = gradients(built(BatchNormalization(**options)))
    found = jax.jit(of)(VALUES, x, mask, d)
    assert_same(found, expected)
    assert len(found[0][1].sharding.device_set) == DEVICES


def test_without_a_name_each_device_normalises_its_own_part():
    layer = built(BatchNormalization())

    def part(values, x, d):
        (weights, dx), (y, _) = gradients(layer)(values, x, None, d)
        return weights, dx, y

    specs = ((WHOLE, SHARDED, SHARDED), (WHOLE, SHARDED, SHARDED))
    found = jax.jit(jax.shard_map(part, mesh=mesh(), in_specs=specs[0], out_specs=specs[1]))
    parts = [gradients(built(keras.layers.BatchNormalization()))(VALUES, X[i], None, D[i])
             for i in (slice(4), slice(4, 8))]  # fmt: skip
    weights = jax.tree.map(lambda *a: sum(a), *(part[0][0] for part in parts))
    dx, y = (np.concatenate(of) for of in zip(*((p[0][1], p[1][0]) for p in parts), strict=True))
    assert_same(found(VALUES, X, D), (weights, dx, y))


def test_a_mean_far_above_the_deviation_is_survived_over_devices():
    x = RNG.normal(1e4, 1, (64, 3)).astype("float32")
    layer = BatchNormalization(axis_name="data")
    layer.build(x.shape)

    def part(x):
        return layer.stateless_call(VALUES, STATE, x, training=True)[0]

    y = jax.shard_map(part, mesh=mesh(), in_specs=SHARDED, out_specs=SHARDED)(x)
    wide = x.astype(float)
    expected = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3) * VALUES[0] + VALUES[1]
    np.testing.assert_allclose(y, expected, atol=3e-5)


def test_a_large_picture_is_summed_in_parts_on_each_device():
    x = RNG.normal(3, 2, (4, 64, 64, 16)).astype("float32")
    layer = BatchNormalization(axis_name="data", center=False, scale=False)
    layer.build(x.shape)

    def part(x):
        return layer.stateless_call([], [np.zeros(16), np.ones(16)], x, training=True)[0]

    y = jax.jit(jax.shard_map(part, mesh=mesh(), in_specs=SHARDED, out_specs=SHARDED))(x)
    wide = x.astype(float)
    axes = (0, 1, 2)
    np.testing.assert_allclose(
        y, (wide - wide.mean(axes)) / np.sqrt(wide.var(axes) + 1e-3), atol=1e-5
    )


def test_training_where_the_axis_is_not_there_is_refused():
    layer = BatchNormalization(axis_name="data", name="norm")
    with pytest.raises(LayerError, match="'norm' has axis_name='data' and trains where no axis"):
        layer(X, training=True)
    assert np.isfinite(layer(X, training=False)).all()


def test_synchronised_without_a_name_is_refused_where_the_batch_is_cut():
    layer = built(BatchNormalization(synchronized=True))

    def part(x):
        return layer.stateless_call(VALUES, STATE, x, training=True)[0]

    with pytest.raises(
        LayerError, match=r"inside jax.shard_map over 'data'; .*; try axis_name='data'"
    ):
        jax.shard_map(part, mesh=mesh(), in_specs=SHARDED, out_specs=SHARDED)(X)
