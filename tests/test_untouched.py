"""Whatever looks at a model leaves it as it was, also where its code does what it pleases."""

import contextlib
import itertools

import jax
import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import ModelError, NormwiseError

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`build..` was called on layer"),
]

DRAW = np.random.default_rng(5)
X = DRAW.normal(3.0, 2.0, (64, 4)).astype("float32")
Y = (X @ DRAW.normal(size=(4, 1))).astype("float32")


class Late(layers.Dense):
    """Builds its normalisation when it is first called, as Keras' `fit` allows."""

    def __init__(self, units, **options):
        super().__init__(units, **options)
        self.norms = [layers.BatchNormalization(name="late")]

    def call(self, x, training=None):
        return self.norms[0](super().call(x), training=training)


class Keeping(layers.Layer):
    """Keeps what it was given, and counts the calls."""

    last = None

    def build(self, _shape):
        self.calls = self.add_weight(shape=(), trainable=False, initializer="zeros")

    def call(self, x):
        self.last = x
        self.calls.assign_add(1)
        return x


class Wanting(layers.Layer):
    """Wants a value."""

    def call(self, x):
        return x if float(keras.ops.mean(x)) < 1e9 else 2 * x

    def compute_output_shape(self, shape):
        return shape


class Whole(keras.Model):
    def __init__(self, *inner):
        super().__init__()
        self.inner = list(inner)

    def call(self, x, training=None):
        for layer in self.inner:
            x = layer(x, training=training) if layer._call_has_training_arg else layer(x)
        return x


def stacked(*inner):
    model = keras.Sequential([keras.Input((4,)), *inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def subclassed(*inner):
    model = Whole(*inner, layers.Dense(1))
    model.build((None, 4))
    model.compile("sgd", "mse")
    return model


def norm():
    return layers.BatchNormalization(name="norm")


def remembering():
    steps = keras.Input((3, 4), batch_size=4)
    state = layers.LSTM(2, stateful=True)(steps)
    model = keras.Model(steps, layers.Dense(1)(layers.BatchNormalization()(state)))
    model.compile("sgd", "mse")
    return model


MADE = {
    "late": lambda: stacked(Late(8)),
    "late in a model": lambda: subclassed(Late(8)),
    "built by nobody": lambda: subclassed(layers.Dense(4), norm(), Late(4)),
    "keeping": lambda: stacked(Keeping(), norm()),
    "keeping in a model": lambda: subclassed(norm(), Keeping()),
    "dropout": lambda: stacked(layers.Dropout(0.5), norm()),
    "a function": lambda: stacked(layers.Lambda(lambda x: 2 * x), norm()),
}
LOOKS = {
    "check": nw.check,
    "check with data": lambda model: nw.check(model, (X, Y)),
    "leakage": lambda model: nw.leakage(model, X),
    "leakage in training": lambda model: nw.leakage(model, X, training=True),
    "gap": lambda model: nw.gap(model, (X, Y)),
    "place": lambda model: nw.place(model, "after"),
    "strip": nw.strip,
    "fold": nw.fold,
}


def values(model):
    return {id(variable): np.array(variable.value) for variable in model.variables}


def assert_the_same(model, before):
    """The variables that were there; others may have been built."""
    after = values(model)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


@pytest.mark.parametrize(
    ("look", "made"),
    [*itertools.product(list(LOOKS)[:5], MADE), *((look, "late") for look in list(LOOKS)[5:])],
)
def test_a_model_works_on_and_its_variables_are_as_they_were(look, made):
    keras.utils.set_random_seed(3)
    model = MADE[made]()
    before = values(model)
    with contextlib.suppress(NormwiseError):
        LOOKS[look](model)
    assert_the_same(model, before)
    assert not any(isinstance(one.value, jax.core.Tracer) for one in model.variables)
    keras.utils.set_random_seed(3)
    fresh = MADE[made]()
    np.testing.assert_array_equal(model(X[:5]), fresh(X[:5]))
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("made", ["late", "late in a model", "built by nobody"])
def test_what_is_built_late_is_recalibrated(made):
    model = MADE[made]()
    nw.recalibrate(model, (X, Y), force=True)
    assert nw.check(model, (X, Y), select=["moving-statistics-gap"]) == []
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


def test_what_nothing_says_how_to_build_is_named():
    model = subclassed(Late(8))
    with pytest.raises(ModelError, match=r"'late' of model .* is not built, .*call it once, as in"):
        nw.check(model)
    model(X[:2])
    assert nw.check(model) == []


def test_a_layer_keeps_no_trace_of_a_check():
    model = stacked(keeping := Keeping(), norm())
    nw.check(model)
    np.testing.assert_array_equal(np.asarray(keeping.last), np.zeros((2, 4)))


def test_a_state_that_a_call_moves_is_given_back():
    model = remembering()
    x = DRAW.normal(size=(4, 3, 4)).astype("float32")
    model.predict(x, verbose=0)
    before = values(model)
    nw.check(model, x)
    assert_the_same(model, before)


WANTING = {
    "layer": (lambda: stacked(norm(), Wanting(name="w")), "layer 'w' of type Wanting cannot be"),
    "model": (lambda: subclassed(norm(), Wanting(name="w")), "layer 'w' of type Wanting cannot be"),
}


@pytest.mark.parametrize("eagerly", [True, False])
@pytest.mark.parametrize("made", WANTING)
@pytest.mark.parametrize(
    "look",
    [
        lambda model: nw.fix(model, (X, Y)),
        lambda model: nw.recalibrate(model, (X, Y)),
        lambda model: nw.gap(model, (X, Y)),
        lambda model: nw.leakage(model, X),
    ],
    ids=["fix", "recalibrate", "gap", "leakage"],
)
def test_what_wants_values_where_there_are_none_is_named(made, look, eagerly):
    build, message = WANTING[made]
    model = build()
    model.compile("sgd", "mse", run_eagerly=eagerly)
    before = values(model)
    with pytest.raises(ModelError, match=message):
        look(model)
    assert_the_same(model, before)


@pytest.mark.parametrize("made", WANTING)
def test_what_needs_no_compilation_works_where_values_are_wanted(made):
    model = WANTING[made][0]()
    model(X[:2])
    assert nw.check(model) == []
    assert [one.rule for one in nw.check(model, (X, Y))] == ["moving-statistics-gap"]
    nw.recalibrate(model, X)
    layer = next(one for one in model._flatten_layers() if one.name == "norm")
    np.testing.assert_allclose(layer.moving_mean, X.mean(axis=0), rtol=1e-5)
    assert nw.check(model, X) == []
