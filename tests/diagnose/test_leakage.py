"""Whether a neighbour in the batch changes a prediction: against what the layers are known to do."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import DataError, ModelError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(3).normal(2.0, 3.0, size=(12, 4)).astype("float32")


def stack(*parts, shape=(4,)):
    return keras.Sequential([keras.Input(shape), *parts])


class Always(layers.Layer):
    """A layer in training mode, whatever the model's is."""

    def __init__(self, layer, **settings):
        super().__init__(**settings)
        self.layer = layer

    def call(self, x):
        return self.layer(x, training=True)


class OverTheBatch(keras.Model):
    """Leaks between two layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(3), layers.Dense(2)

    def call(self, x):
        return self.second(keras.ops.softmax(self.first(x), axis=0))


def over_the_batch():
    model = OverTheBatch()
    model(X)
    return model


def in_and_out():
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    port = keras.Input((4,))
    part = layers.Lambda(lambda t: t - keras.ops.mean(t, axis=0), name="centred")(port)
    inner = keras.Model(port, layers.Dense(2)(part), name="inner")
    return keras.Model(
        {"left": left, "right": right}, [layers.Dense(1)(left), inner(right), inner(left)]
    )


SOUND = {
    "dense": lambda: stack(
        layers.Dense(40, activation="relu"), layers.BatchNormalization(), layers.Dense(3)
    ),
    "softmax": lambda: stack(layers.Dense(3), layers.Softmax()),
}
LEAKING = {
    "normalisation": (
        lambda: stack(layers.Dense(3), Always(layers.BatchNormalization(name="norm"))),
        "norm",
    ),
    "centred": (
        lambda: stack(layers.Lambda(lambda t: t - keras.ops.mean(t, axis=0), name="minus")),
        "minus",
    ),
    "softmax": (lambda: stack(layers.Dense(3), layers.Softmax(axis=0, name="soft")), "soft"),
    "own code": (over_the_batch, None),
}


@pytest.mark.parametrize("build", SOUND.values(), ids=SOUND)
def test_a_sound_model_does_not_leak_in_inference(build):
    found = nw.leakage(build(), X)
    assert found.change < 1e-6
    assert (found.leaks, found.layer, found.is_random) == (False, None, False)


@pytest.mark.parametrize(("build", "layer"), LEAKING.values(), ids=LEAKING)
def test_what_leaks_is_found_and_named(build, layer):
    found = nw.leakage(build(), X)
    assert found.leaks
    assert found.layer == layer
    assert not found.is_random


def test_the_change_is_that_of_the_definition():
    """Of six examples the mean of the batch moves by what the other five contribute."""
    model = stack(layers.Lambda(lambda t: t - keras.ops.mean(t, axis=0)))
    x = X.astype(np.float64)
    plain = x[:6] - x[:6].mean(axis=0)
    moved = [np.abs(x[6:].sum(0) - x[6 + i] - x[:6].sum(0) + x[i]).max() / 6 for i in range(6)]
    found = nw.leakage(model, X)
    assert found.change == pytest.approx(max(moved) / np.abs(plain).max(), rel=1e-5)
    assert found.example == int(np.argmax(moved))


def test_several_inputs_and_outputs_and_nested_models():
    found = nw.leakage(in_and_out(), {"left": X, "right": X[::-1]})
    assert (found.leaks, found.layer) == (True, "centred")


@pytest.mark.parametrize("kind", ["normalised", "dropped"])
def test_in_training_normalisation_ties_examples_and_dropout_does_not(kind):
    part = layers.BatchNormalization(name="norm") if kind == "normalised" else layers.Dropout(0.5)
    model = stack(layers.Dense(8), part)
    before = [np.array(variable.value) for variable in model.variables]
    found = nw.leakage(model, X, training=True)
    assert found.leaks == (kind == "normalised")
    assert found.layer == ("norm" if kind == "normalised" else None)
    assert found.is_random == (kind == "dropped")
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new.value)


def test_a_model_that_is_random_in_inference_does_not_leak_for_that():
    found = nw.leakage(stack(layers.Dense(8), Always(layers.Dropout(0.5))), X)
    assert (found.leaks, found.is_random) == (False, True)


@pytest.mark.parametrize("examples", [2, 3])
def test_two_examples_suffice(examples):
    model = stack(layers.Lambda(lambda t: t - keras.ops.mean(t, axis=0)))
    assert nw.leakage(model, X[:examples]).leaks


@pytest.mark.parametrize(
    ("model", "x", "settings", "error", "message"),
    [
        (SOUND["softmax"], X[:1], {}, DataError, "has 1 example; expected at least 2"),
        (SOUND["softmax"], X, {"examples": 1}, DataError, "examples is 1; expected at least 2"),
        (SOUND["softmax"], X[:0], {}, DataError, "expected one number, above 0"),
        (SOUND["softmax"], X[:, :3], {}, DataError, "do not fit"),
        (SOUND["softmax"], np.full_like(X, np.nan), {}, DataError, "not finite"),
        (lambda: keras.Sequential([layers.Dense(1)]), X, {}, ModelError, "is not built"),
        (
            lambda: stack(layers.Lambda(lambda t: keras.ops.mean(t, axis=0))),
            X,
            {},
            ModelError,
            "expected a row for each",
        ),
    ],
)
def test_what_cannot_be_tried_is_said(model, x, settings, error, message):
    with pytest.raises(error, match=message):
        nw.leakage(model(), x, **settings)


class WholeBatchesOnly(layers.Layer):
    """Leaves few examples as they are, as code that guards against batches of one does."""

    def __init__(self, spared, **settings):
        super().__init__(**settings)
        self.spared, self.norm = spared, layers.BatchNormalization()

    def build(self, shape):
        self.norm.build(shape)
        self.norm.moving_mean.assign([1.0] * shape[-1])

    def call(self, x, training=None):
        return x if x.shape[0] in self.spared else self.norm(x, training=training)


class OverItsSize(layers.Layer):
    def call(self, x):
        return x / x.shape[0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: WholeBatchesOnly((1,), name="own"),
        lambda: WholeBatchesOnly((1, 2, 3, 4), name="own"),
        lambda: OverItsSize(name="own"),
    ],
)
def test_a_prediction_that_differs_alone_leaks_and_the_layer_is_named(build):
    found = nw.leakage(stack(layers.Dense(8), build(), layers.Dense(2)), X)
    assert (found.leaks, found.layer, found.is_random) == (True, "own", False)


def test_the_change_alone_is_that_of_the_definition():
    model = stack(OverItsSize())
    found = nw.leakage(model, X)  # six examples; alone, each value is six times as large
    assert found.change == pytest.approx(5.0, rel=1e-5)
    assert found.example == int(np.argmax(np.abs(X[:6]).max(axis=1)))
