"""What stays and what trains in a frozen model, after Keras' own `fit`."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import ModelError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(4).normal(3.0, 2.0, size=(32, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def build():
    """A base with a wrapped and a nested normalisation, and a head."""
    base = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(4, name="dense"),
            layers.BatchNormalization(name="norm"),
            layers.Reshape((2, 2)),
            layers.TimeDistributed(layers.BatchNormalization(name="wrapped")),
            layers.Flatten(),
        ],
        name="base",
    )
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(1, name="head")(base(inputs)), name="net")


def fit(model):
    """Names of the kinds of weights that a training moved."""
    before = [np.array(weight.value) for weight in model.weights]
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    pairs = zip(before, model.weights, strict=True)
    return {w.path.split("/")[-1] for old, w in pairs if (old != np.array(w.value)).any()}


MOVED = {
    "normalisation": {"kernel", "bias"},
    "statistics": {"kernel", "bias", "gamma", "beta"},
    "everything": set(),
}


@pytest.mark.parametrize("what", MOVED)
def test_what_is_frozen_stays_bit_for_bit_and_the_rest_trains(what):
    model = build()
    assert "moving_mean" in fit(model)
    assert nw.freeze(model, what) is model
    assert fit(model) == MOVED[what]


def test_training_then_normalises_by_the_moving_statistics():
    model = build()
    fit(model)
    nw.freeze(model, "statistics")
    np.testing.assert_array_equal(model(X, training=True), model(X, training=False))


def test_a_frozen_base_leaves_the_head_to_train():
    model = build()
    nw.freeze(model.get_layer("base"), "everything")
    assert fit(model) == {"kernel", "bias"}
    np.testing.assert_array_equal(
        model.get_layer("base")(X, training=True), model.get_layer("base")(X, training=False)
    )


@pytest.mark.parametrize("what", MOVED)
def test_a_compiled_model_has_to_be_compiled_again(what):
    model = build()
    fit(model)
    nw.freeze(model, what)
    with pytest.raises(ValueError, match="compile"):
        model.fit(X, Y, verbose=0)


def test_a_frozen_model_stays_frozen_in_its_file_without_its_affine_weights(tmp_path):
    model = nw.freeze(build(), "statistics")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert fit(loaded) == MOVED["normalisation"]
    assert fit(nw.freeze(loaded, "statistics")) == MOVED["statistics"]


def test_a_graph_that_asks_for_inference_does_not_keep_statistics():
    """What Keras 3.15 does, and docs/fine-tuning.md says: `fit` overrides the graph."""
    inputs = keras.Input((4,))
    norm = layers.BatchNormalization()
    model = keras.Model(inputs, layers.Dense(1)(norm(inputs, training=False)))
    assert "moving_mean" in fit(model)


def test_layers_can_be_unfrozen():
    model = nw.freeze(build(), "everything")
    model.trainable = True
    assert {"gamma", "moving_mean"} < fit(model)


def frozen():
    model = build()
    model.trainable = False
    return model


@pytest.mark.parametrize(
    ("build_model", "what", "error", "message"),
    [
        (
            build, "statistic", UnknownNameError,
            "unknown choice of what to freeze 'statistic'; expected one of normalisation, "
            "statistics, everything; did you mean 'statistics'?",
        ),
        (
            lambda: keras.Sequential([keras.Input((4,)), layers.Dense(1)], name="net"),
            "normalisation", ModelError,
            "model 'net' has no batch normalisation; expected a built model with at least one "
            "BatchNormalization; for other layers try layer.trainable = False",
        ),
        (
            lambda: keras.Sequential([layers.BatchNormalization()], name="net"), "everything",
            ModelError,
            "model 'net' is not built; expected a built model with at least one "
            "BatchNormalization; for other layers try layer.trainable = False",
        ),
        (
            frozen, "statistics", ModelError,
            "model 'net' is frozen as a whole, so γ and β cannot train in it; expected "
            "model.trainable to be True; set it, and freeze its layers one by one",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_frozen_is_said(build_model, what, error, message):
    with pytest.raises(error) as caught:
        nw.freeze(build_model(), what)
    assert str(caught.value) == message


def test_the_normalisation_is_what_is_frozen_unless_told():
    assert fit(nw.freeze(build())) == MOVED["normalisation"]
