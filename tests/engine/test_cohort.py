"""Guarantees 2 and 3, and divergence: stacking, chunks, devices."""

from dataclasses import replace

import jax
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from normwise.data import Dataset
from normwise.data.circles import circles
from normwise.domain.segment import FEWEST_SEGMENTS, MOST_SEGMENTS, segment_length
from normwise.engine import Replica

# Keras' optimisers under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def seeds(chunks):
    return [tuple(replica.seed for replica in chunk.replicas) for chunk in chunks]


@pytest.fixture(scope="module")
def regression(make_cohort, rows):
    """(cohort, compiled): 20 epochs, two to a segment, two replicas a device."""
    hidden = layers.Dense(4, activation="relu")
    model = keras.Sequential([keras.Input((3,)), hidden, layers.Dense(1)])
    cohort = make_cohort(model, rows("regression"), epochs=20, width=4)
    return cohort, cohort.compile(cohort.lower())


def test_replicas_one_at_a_time_train_as_they_do_side_by_side(make_cohort, train):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(60, 6, 6, 1)).astype("float32"), draw.integers(0, 2, (60, 1))
    data = Dataset("images", x[:40], y[:40].astype("float32"), x[40:], y[40:].astype("float32"),
                   "binary")  # fmt: skip
    hidden = [layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), *hidden, layers.Dense(1, activation="sigmoid")]
    )
    cohort = make_cohort(model, data, epochs=4, width=4, batch_size=16)
    [side_by_side] = train(cohort, [0, 1, 2])
    one_at_a_time = train(replace(cohort, width=cohort.mesh.size), [0, 1, 2])
    assert seeds(one_at_a_time) == [(0, 1), (2,)]
    assert len({tuple(curve) for curve in side_by_side.curves["loss"]}) == 3
    for metric, curves in side_by_side.curves.items():
        alone = np.concatenate([chunk.curves[metric] for chunk in one_at_a_time])
        np.testing.assert_allclose(curves, alone, rtol=1e-5)


def test_there_are_two_devices():
    assert len(jax.devices()) == 2


def test_a_cohort_compiles_once(make_cohort, rows, train, compilations):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    cohort = make_cohort(model, rows("regression"), epochs=20, width=2)
    compiled = cohort.compile(cohort.lower())
    assert segment_length(20) == 2
    first = train(cohort, [0, 1], compiled)
    before = list(compilations.names)
    assert before.count("jit(segment)") == 1
    # Further chunks, the last of them filled up; other rates; other initial values.
    others = [2, Replica(3, 0.1), Replica(4, 1e-4, "he_normal"), Replica(5, None, "ones"), 6]
    chunks = train(cohort, others, compiled)
    assert seeds([*first, *chunks]) == [(0, 1), (2, 3), (4, 5), (6,)]
    assert compilations.names.count("jit(segment)") == 1
    assert {name for name in compilations.names[len(before) :] if "segment" in name} == set()


def test_a_replica_is_bitwise_the_same_alone_and_in_any_chunk(circles_run, train):
    run = circles_run("before")
    (alone,) = train(run.cohort, [2], run.compiled)
    assert seeds([alone]) == [(2,)]
    behind = train(run.cohort, [9, 8, 7, 6, 0, 2], run.compiled)[1]
    for name, values in run.chunk.curves.items():
        assert values.shape == (4, 100)
        np.testing.assert_array_equal(alone.curves[name], values[2:3])
        np.testing.assert_array_equal(behind.curves[name], values[[0, 2]])
    pairs = zip(
        [*run.chunk.trainable, *run.chunk.non_trainable],
        [*behind.trainable, *behind.non_trainable],
        strict=True,
    )
    for ours, theirs in pairs:
        np.testing.assert_array_equal(theirs, ours[[0, 2]])


@pytest.mark.parametrize(("devices", "width"), [(1, 1), (1, 3)])
def test_a_replica_is_the_same_in_any_stack_on_any_devices(
    devices, width, circles_run, circles_settings, make_cohort, train
):
    # Another width is another program, which XLA may tile, and so round, in another way.
    run = circles_run("before")
    settings = {**circles_settings, "devices": devices, "width": width}
    cohort = make_cohort(run.model, circles(), like=run.cohort.initial, **settings)
    assert cohort.mesh.size == devices
    chunk, *again = train(cohort, [2] * (2 * width))
    # A chunk leaves nothing behind that the next one starts from.
    for name, values in chunk.curves.items():
        assert all(np.array_equal(values, other.curves[name]) for other in again)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(chunk.curves[name][0], run.chunk.curves[name][2], rtol=1e-6)
    for name in ("accuracy", "val_accuracy"):
        np.testing.assert_allclose(
            chunk.curves[name][0], run.chunk.curves[name][2], atol=1.001 / 500
        )


def test_a_diverging_replica_is_frozen_and_disturbs_nobody(regression, train):
    cohort, compiled = regression
    (calm,) = train(cohort, [0, 1, 2, 3], compiled)
    (chunk,) = train(cohort, [0, Replica(1, 1e6), Replica(2, 0.7), 3], compiled)
    losses = chunk.curves["loss"]
    assert not np.isfinite(losses[1, 0])
    bad = np.flatnonzero(~np.isfinite(losses[2]))
    assert len(bad), "the middling rate diverges, too"
    assert bad[0] > 0, "but later"
    for name, values in calm.curves.items():
        np.testing.assert_array_equal(chunk.curves[name][[0, 3]], values[[0, 3]])
    for ours, undisturbed in zip(chunk.trainable, calm.trainable, strict=True):
        np.testing.assert_array_equal(ours[[0, 3]], undisturbed[[0, 3]])
    # The one that diverged at once stays where it began.
    for ours, start in zip(chunk.trainable, cohort.start([Replica(1)] * 2).trainable, strict=True):
        np.testing.assert_array_equal(ours[1], start[0])


def test_progress_is_told_after_each_segment(regression):
    cohort, compiled = regression
    told = []
    replicas = [Replica(seed) for seed in range(5)]
    list(cohort.run(compiled, replicas, lambda *where: told.append(where)))
    epochs = range(2, 21, 2)
    assert told == [(epoch, 4) for epoch in epochs] + [(epoch, 1) for epoch in epochs]


@given(st.integers(1, 2000))
def test_segments_divide_the_epochs(epochs):
    length = segment_length(epochs)
    assert epochs % length == 0
    calls = epochs // length
    assert calls >= min(FEWEST_SEGMENTS, epochs)
    if calls > MOST_SEGMENTS:  # then any longer segment would show too little progress
        longer = [n for n in range(length + 1, epochs + 1) if epochs % n == 0]
        assert all(epochs // n < FEWEST_SEGMENTS for n in longer)


def test_devices_share_one_copy_of_the_data(make_cohort, rows):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    cohort = make_cohort(model, rows("regression"), epochs=1, width=2)
    given = cohort.dataset
    weights = np.arange(len(given.x_train), dtype="float32")
    weighted = replace(given, weights=(weights, None))
    data = replace(cohort, dataset=weighted).data()
    arrays = (given.x_train, given.y_train, weights, given.x_val, given.y_val)
    for ours, array in zip(jax.tree.leaves(data), arrays, strict=True):
        places = {shard.data.unsafe_buffer_pointer() for shard in ours.addressable_shards}
        assert len(ours.addressable_shards) == 2
        assert len(places) == 1
        np.testing.assert_array_equal(np.asarray(ours), array)


def test_replicas_have_their_own_learning_rates_where_the_loss_is_scaled(make_cohort, rows):
    hidden = layers.Dense(4, activation="relu", dtype="mixed_float16")
    output = layers.Dense(1, dtype="mixed_float16")
    model = keras.Sequential([keras.Input((3,)), hidden, output])
    inner = keras.optimizers.SGD(0.5)
    scaled = keras.optimizers.LossScaleOptimizer(inner)
    cohort = make_cohort(model, rows("regression"), epochs=2, width=2, optimizer=scaled)
    state = cohort.start([Replica(0, learning_rate=0.1), Replica(0, learning_rate=0.2)])
    variables = cohort.program.model.optimizer.variables
    [place] = [i for i, one in enumerate(variables) if one is inner.learning_rate]
    np.testing.assert_allclose(state.optimizer[place], [0.1, 0.2], rtol=1e-6)
