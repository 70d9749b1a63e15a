"""The layer against Keras' own on the same inputs."""

import os
import subprocess
import sys
from importlib.util import find_spec

import jax
import keras
import numpy as np
import pytest

from normwise.layers import BatchNormalization

# Keras 3.15's `get_weights` and `save` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (8, 6, 5, 4)).astype("float32")
MASK = RNG.random((8, 6, 5)) < 0.6
D = RNG.normal(size=X.shape).astype("float32")

SETTINGS = [
    {},
    {"axis": 1},
    {"axis": 2, "epsilon": 1e-5},
    {"center": False},
    {"scale": False},
    {"center": False, "scale": False, "momentum": 0.0},
    {"renorm": True, "renorm_clipping": {"rmax": 3.0, "dmax": 5.0}, "renorm_momentum": 0.9},
    {"beta_initializer": "ones", "gamma_initializer": "he_normal", "momentum": 0.5},
]


def pair(shape=X.shape, **settings):
    """Keras' layer and ours, built, with the same random weights."""
    layers = keras.layers.BatchNormalization(**settings), BatchNormalization(**settings)
    for layer in layers:
        layer.build(shape)
        rng = np.random.default_rng(1)
        layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return layers


def call(layer, x, *, training, mask=None):
    """Outputs, gradients of a loss, and the weights after one call."""

    def loss(trainable, x):
        y, state = layer.stateless_call(
            trainable,
            [v.value for v in layer.non_trainable_variables],
            x,
            training=training,
            mask=mask,
        )
        return (y.astype("float32") * D[: len(x), ..., : x.shape[-1]]).sum(), (y, state)

    values = [v.value for v in layer.trainable_variables]
    gradients, (y, state) = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(values, x)
    return {"y": y, "dx": gradients[1], "dw": gradients[0], "state": state}


def assert_same(ours, theirs, **tolerance):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(
            np.asarray(a, "float32"), np.asarray(b, "float32"), **tolerance
        ),
        ours,
        theirs,
    )


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_training_equals_keras(settings):
    theirs, ours = pair(**settings)
    results = [call(layer, X, training=True) for layer in (ours, theirs)]
    assert_same(*results, rtol=3e-4, atol=3e-5)


@pytest.mark.parametrize("settings", [{}, {"axis": 1}, {"renorm": True}], ids=str)
def test_masked_training_equals_keras(settings):
    theirs, ours = pair(**settings)
    results = [call(layer, X, training=True, mask=MASK) for layer in (ours, theirs)]
    assert_same(*results, rtol=3e-4, atol=3e-5)


@pytest.mark.parametrize("settings", SETTINGS[:3], ids=str)
def test_inference_equals_keras_to_the_bit(settings):
    theirs, ours = pair(**settings)
    np.testing.assert_array_equal(ours(X, training=False), theirs(X, training=False))


def test_frozen_layer_runs_in_inference_mode_even_in_training():
    theirs, ours = pair()
    ours.trainable = theirs.trainable = False
    before = ours.get_weights()
    np.testing.assert_array_equal(ours(X, training=True), theirs(X, training=False))
    for old, new in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_equals_keras(policy):
    theirs, ours = pair(dtype=policy)
    x = keras.ops.cast(X, theirs.compute_dtype)
    results = [call(layer, x, training=True) for layer in (ours, theirs)]
    assert results[0]["y"].dtype == results[1]["y"].dtype == theirs.compute_dtype
    tolerance = 2e-2 if "bfloat16" in policy else 4e-3
    assert_same(*results, rtol=tolerance, atol=tolerance)


def test_float16_values_do_not_overflow_on_the_way():
    layer = BatchNormalization(dtype="mixed_float16")
    x = keras.ops.cast(np.linspace(-6e4, 6e4, 64).reshape(32, 2), "float16")
    assert np.isfinite(np.asarray(layer(x, training=True))).all()
    assert np.isfinite(np.asarray(layer.moving_variance)).all()


@pytest.mark.parametrize("renorm", [False, True])
def test_masked_training_works_with_one_channel(renorm):
    layer = BatchNormalization(momentum=0.0, renorm=renorm)
    x, mask = X[..., :1], MASK
    y = layer(x, training=True, mask=mask)
    kept = x[mask]
    assert layer.moving_mean.shape == (1,)
    np.testing.assert_allclose(layer.moving_mean, [kept.mean()], rtol=1e-5)
    if not renorm:
        expected = (x - kept.mean()) / np.sqrt(kept.var() + 1e-3)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_a_mask_of_the_wrong_rank_is_refused_like_keras_does():
    with pytest.raises(ValueError, match=r"mask.shape=\(8, 6, 5, 4\), inputs.shape=\(8, 6, 5, 4\)"):
        BatchNormalization()(X, training=True, mask=X > 0)


def test_a_mean_far_above_the_deviation_is_survived():
    x = RNG.normal(1e4, 1, (512, 3)).astype("float32")
    layer = BatchNormalization(momentum=0.0)
    y = np.asarray(layer(x, training=True))
    wide = x.astype("float64")
    np.testing.assert_allclose(y, (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3), atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, wide.var(0), rtol=1e-5)


def test_moving_statistics_follow_the_momentum():
    layer = BatchNormalization(momentum=0.9)
    mean, var = np.zeros(4), np.ones(4)
    for batch in X.reshape(4, -1, 4):
        layer(batch, training=True)
        mean, var = 0.9 * mean + 0.1 * batch.mean(0), 0.9 * var + 0.1 * batch.var(0)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, var, rtol=1e-5)


def trained(layer, x, y):
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8), layer, keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.05), "mse")
    history = model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    return model, history.history["loss"]


def test_fit_save_and_load(tmp_path):
    x = RNG.normal(size=(70, 4)).astype("float32")
    y = x.sum(1, keepdims=True)
    model, losses = trained(BatchNormalization(momentum=0.9), x, y)
    _, expected = trained(keras.layers.BatchNormalization(momentum=0.9), x, y)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[1]) is BatchNormalization
    np.testing.assert_array_equal(loaded(x), model(x))


def test_configuration_round_trip_keeps_every_argument():
    layer = BatchNormalization(
        axis=1,
        momentum=0.8,
        center=False,
        gamma_regularizer="l2",
        gamma_constraint="non_neg",
        renorm=True,
        renorm_clipping={"rmax": 2.0},
        name="bn",
    )
    again = BatchNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (
        keras.layers.BatchNormalization(name="bn").get_config().keys() == again.get_config().keys()
    )


def test_regularisation_and_constraints_apply():
    layer = BatchNormalization(gamma_regularizer=keras.regularizers.L2(0.5))
    layer(X, training=True)
    assert float(sum(layer.losses)) == pytest.approx(0.5 * X.shape[-1])


ON_ANOTHER_BACKEND = """
import keras, numpy as np
from normwise.layers import BatchNormalization
assert keras.backend.backend() == "{backend}"
x = np.random.default_rng(0).normal(3, 2, (8, 5, 4)).astype("float32")
theirs, ours = keras.layers.BatchNormalization(), BatchNormalization()
to_numpy = keras.ops.convert_to_numpy
for mask in (None, x[..., 0] > 2):
    for training in (True, False):
        a, b = (to_numpy(layer(x, training=training, mask=mask)) for layer in (ours, theirs))
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-6)
y = BatchNormalization()(x[..., :1], training=True, mask=x[..., 0] > 2)
assert np.isfinite(to_numpy(y)).all()
"""


@pytest.mark.parametrize("backend", ["numpy", "tensorflow", "torch"])
def test_other_backends_equal_keras(backend):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    code = ON_ANOTHER_BACKEND.format(backend=backend)
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
