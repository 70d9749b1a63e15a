"""Layers that augment draw in each step from the replica's own stream, as in ``fit``."""

import dataclasses

import jax
import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.engine import lower
from normwise.engine.evaluating import evaluation_of

# Keras' own MixUp asks JAX for numbers of 64 bits.
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")

# The second kind takes a number from its stream in evaluation, too, and leaves the pictures alone.
IN_TRAINING = [
    layers.RandomFlip,
    lambda: layers.RandomRotation(0.1),
    lambda: layers.RandomErasing(1.0),
    lambda: layers.RandomShear(0.2),
    lambda: layers.RandomCrop(4, 4),
    lambda: layers.GaussianNoise(0.1),
    lambda: layers.SpatialDropout2D(0.3),
]
ALWAYS = [
    layers.MixUp,
    lambda: layers.RandomGrayscale(0.5),
    lambda: layers.RandomSharpness(0.5, value_range=(0, 1)),
]
WITH_REST = [layers.RandomFlip, layers.MixUp]


@pytest.fixture(scope="module")
def pictures():
    draw = np.random.default_rng(0)
    x = draw.uniform(size=(112, 6, 6, 3)).astype("float32")
    y = (x.mean((1, 2, 3)) > 0.5).astype("float32")[:, None]
    return Dataset("pictures", x[:72], y[:72], x[72:], y[72:], "binary")


@pytest.fixture(scope="module")
def whole_batches(pictures):
    """The same without a rest, which compiles every step twice."""
    train = {"x_train": pictures.x_train[:64], "y_train": pictures.y_train[:64]}
    val = {"x_val": pictures.x_val[:32], "y_val": pictures.y_val[:32]}
    return dataclasses.replace(pictures, **train, **val)


def network(augmenting):
    # Pooling takes any size: in evaluation, RandomCrop leaves the pictures as they are.
    pooling = layers.GlobalAveragePooling2D()
    hidden = [augmenting, layers.Conv2D(4, 3, activation="relu"), pooling]
    return keras.Sequential(
        [keras.Input((6, 6, 3)), *hidden, layers.Dense(1, activation="sigmoid")]
    )


@pytest.mark.parametrize("layer", [*IN_TRAINING, *ALWAYS], ids=lambda make: type(make()).__name__)
def test_two_epochs_are_those_of_fit(layer, pictures, whole_batches, make_cohort, train, keras_fit):
    # 72 examples in batches of 32 and 40 to validate: a last batch of either is a partial one.
    data = pictures if layer in WITH_REST else whole_batches
    model = network(layer())
    cohort = make_cohort(model, data, epochs=2, width=2, devices=1)
    [chunk] = train(cohort, [0, 1])
    alone = keras_fit(model, cohort, 1, epochs=2)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(chunk.curves[name][1], alone[name], rtol=1e-5, err_msg=name)
    # The streams end alike, too, and each replica has its own.
    [seeds] = [v for v in model.non_trainable_variables if "seed" in v.path]
    np.testing.assert_array_equal(chunk.non_trainable[0][1], seeds.value)
    assert (chunk.non_trainable[0][0] != chunk.non_trainable[0][1]).any()


@pytest.mark.parametrize("layer", IN_TRAINING, ids=lambda make: type(make()).__name__)
def test_most_draw_in_training_alone(layer, pictures):
    assert evaluation_of(network(layer()), pictures) == (False, False)


@pytest.mark.parametrize("layer", ALWAYS, ids=lambda make: type(make()).__name__)
def test_some_draw_in_evaluation(layer, pictures):
    assert evaluation_of(network(layer()), pictures) == (False, True)


@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
@pytest.mark.parametrize("size", [(4, 3), (4, 9)])  # cut; the middle, resized
def test_a_lowered_crop_is_keras_own(order, size):
    shape = (6, 7, 3) if order == "channels_last" else (3, 6, 7)
    x = np.random.default_rng(0).uniform(size=(5, *shape)).astype("float32")
    crop = layers.RandomCrop(*size, seed=1, data_format=order)
    lowered = lower(keras.Sequential([keras.Input(shape), crop]))
    state = [variable.value for variable in lowered.non_trainable_variables]
    ours, _ = jax.jit(lambda x: lowered.stateless_call([], state, x, training=True))(x)
    np.testing.assert_allclose(ours, crop(x, training=True), rtol=1e-6)
