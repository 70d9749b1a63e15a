"""What makes a study another one: not the names that Keras counts up, but whatever is computed."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from normwise import Study
from normwise.data import from_arrays
from normwise.models.identity import named
from normwise.models.source import ModelSource

X, Y = np.random.default_rng(0).normal(size=(60, 8)).astype("float32"), np.arange(60) % 2


def behind(*inner):
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((8,)), *inner, head])


def skipping(first):
    """Two layers of one shape; which of them a connection skips, their numbers alone say."""
    x = keras.Input((8,))
    a = layers.Dense(8, activation="tanh")(x)
    b = layers.Dense(8, activation="tanh")(a)
    c = layers.Dense(8, activation="tanh")(b)
    added = layers.Add()([c, a if first == "a" else b])
    return keras.Model(x, layers.Dense(1, activation="sigmoid")(added))


def times(factor):
    """A layer of the user's: nothing of its factor is in its configuration, nor in a weight."""

    class Times(layers.Layer):
        def call(self, x):
            return factor * x

    return Times()


def noisy(deviation):
    """A layer that differs in training alone."""

    class Noisy(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.noise = layers.GaussianNoise(deviation)

        def call(self, x, training=None):
            return self.noise(x, training=training)

    return Noisy()


class NoGraph(keras.Model):
    def __init__(self, function):
        super().__init__()
        self.function, self.out = function, layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.out(self.function(x))


def without_graph(function):
    model = NoGraph(function)
    model(X[:2])
    return model


def power(exponent):
    return lambda x: x**exponent


PAIRS = {
    "wiring": (lambda: skipping("a"), lambda: skipping("b")),
    "own layer": (lambda: behind(times(2)), lambda: behind(times(3))),
    "an array of one": (
        lambda: behind(times(np.arange(8.0))),
        lambda: behind(times(np.arange(8.0)[::-1].copy())),
    ),
    "own layer in training": (lambda: behind(noisy(0.1)), lambda: behind(noisy(0.2))),
    "own activation": (
        lambda: behind(layers.Dense(8, activation=power(1))),
        lambda: behind(layers.Dense(8, activation=power(3))),
    ),
    "a Lambda": (lambda: behind(layers.Lambda(power(1))), lambda: behind(layers.Lambda(power(3)))),
    "inside a model": (lambda: behind(behind(times(2))), lambda: behind(behind(times(3)))),
    "no graph": (
        lambda: lambda norm: without_graph(ops.tanh),  # noqa: ARG005
        lambda: lambda norm: without_graph(ops.sin),  # noqa: ARG005
    ),
}


def fingerprint(model):
    return ModelSource(model, from_arrays(X, Y)).fingerprint


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("what", PAIRS)
def test_another_computation_is_another_model_and_other_names_are_not(what):
    one, other = PAIRS[what]
    assert fingerprint(one()) == fingerprint(one())  # Keras has counted on in between
    assert fingerprint(one()) != fingerprint(other())


PROCESS = """
import keras, numpy as np, sys
sys.path.insert(0, sys.argv[2])
from study.test_identity import fingerprint, behind, power, skipping, noisy, layers
for _ in range(int(sys.argv[1])):
    layers.Dense(8), layers.Add()
hidden = [layers.Reshape((4, 2)), layers.LSTM(4, dropout=0.1), layers.Lambda(power(3)), noisy(0.1)]
print(fingerprint(behind(*hidden)), fingerprint(skipping("a")))
"""


def test_a_model_is_the_same_in_another_process():
    found = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROCESS, seed, "tests"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    ]
    assert found[0] == found[1] != ""


EXPONENT = 2


class Powered(keras.losses.Loss):
    def call(self, y, prediction):
        return abs(y - prediction) ** EXPONENT


def by_default(exponent):
    def loss(y, prediction, exponent=exponent):
        return abs(y - prediction) ** exponent

    return loss


def by_another(exponent):
    function = power(exponent)
    return lambda y, prediction: function(y - prediction)


def weighted(weights):
    return lambda y, prediction: weights * abs(y - prediction)


def wrapped(exponent):
    return keras.metrics.MeanMetricWrapper(by_default(exponent), name="own")


class Raised(keras.losses.Loss):
    def __init__(self, exponent):
        super().__init__()
        self._exponent = exponent

    def call(self, y, prediction):
        return abs(y - prediction) ** self._exponent


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """Without a configuration, which only saving needs."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, step):
        return 0.5 ** (ops.cast(step, "float32") / self.steps)


def undecaying(name):
    optimizer = keras.optimizers.AdamW()
    optimizer.exclude_from_weight_decay(var_names=[name])
    return optimizer


def scaling(momentum):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum))


def perceptual(activation):
    """A loss that a model computes."""
    seeing = behind(layers.Dense(4, activation=activation))
    return lambda y, prediction: (seeing(y) - seeing(prediction)) ** 2


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (undecaying, ("bias", "kernel")),
        (scaling, (0.5, 0.9)),
        (perceptual, ("relu", "tanh")),
        (Raised, (2, 4)),
        (Halving, (2, 4)),
        (lambda steps: keras.optimizers.SGD(Halving(steps), momentum=0.5), (2, 4)),
        (by_default, (2, 4)),
        (by_another, (2, 4)),
        (wrapped, (2, 4)),
        (weighted, (np.arange(3), np.arange(3)[::-1])),
    ],
)
def test_a_loss_is_told_by_what_its_code_finds_around_it(make, values):
    one, other = values
    assert named(make(one)) == named(make(one)) != named(make(other))


def test_a_builder_is_told_by_what_it_makes_of_a_variant_as_well():
    def placed(layer):
        return lambda norm: behind(*([layer()] if norm.places else []))

    one, other = layers.BatchNormalization, layers.LayerNormalization
    assert fingerprint(placed(one)) == fingerprint(placed(one)) != fingerprint(placed(other))


def test_a_class_of_the_user_is_told_by_its_code_and_what_that_names(monkeypatch):
    before = named(Powered())
    assert before == named(Powered())
    monkeypatch.setitem(globals(), "EXPONENT", 4)
    assert named(Powered()) != before


@keras.saving.register_keras_serializable("identity")
class Penalty(keras.regularizers.Regularizer):
    def __call__(self, weights):
        return EXPONENT * ops.sum(ops.abs(weights))

    def get_config(self):
        return {}


@keras.saving.register_keras_serializable("identity")
class Start(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return ops.full(shape, 1 / EXPONENT, dtype)


@pytest.mark.parametrize(
    "options", [{"kernel_regularizer": Penalty()}, {"kernel_initializer": Start()}], ids=list
)
def test_what_no_call_of_a_model_shows_counts(options, monkeypatch):
    model = behind(layers.Dense(8, **options))
    before = fingerprint(model)
    assert fingerprint(model) == before
    monkeypatch.setitem(globals(), "EXPONENT", 4)
    assert fingerprint(model) != before


def test_a_function_that_calls_itself_has_a_name():
    def halved(y, prediction, times=3):
        return halved(y, prediction, times - 1) / 2 if times else abs(y - prediction)

    assert "halved" in named(halved)


def test_a_folder_does_not_answer_for_another_wiring(tmp_path):
    options = {"variants": ["none"], "seeds": 2, "epochs": 2}
    first = Study(lambda: skipping("a"), (X, Y), **options).run(tmp_path / "study")
    again = Study(lambda: skipping("b"), (X, Y), **options).run(tmp_path / "study")
    assert losses(again) != losses(first)


def losses(result):
    return [run.curves["loss"] for run in result.records]
