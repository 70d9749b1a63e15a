"""Mended models against the models they were: the same predictions, one thing wrong less."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.rewrite.moments import Moments

# Keras 3.15 on NumPy 2, whenever a variable becomes an array.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("initial_values_from_numpy"),
]

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(300, 4)).astype("float32")


def disturbed(model):
    """Everything at random: an identity could pass for a repair."""
    for variable in model.variables:
        low = 0.3 if "variance" in variable.name or "gamma" in variable.name else -0.7
        if "seed" not in variable.name:
            variable.assign(DRAW.uniform(low, 1.5, variable.shape))
    return model


def net(*stack, shape=(4,)):
    return disturbed(keras.Sequential([keras.Input(shape), *stack]))


def norm(name="norm", **settings):
    return layers.BatchNormalization(name=name, **settings)


def inputs(model):
    return DRAW.normal(size=(7, *model.input_shape[1:])).astype("float32")


SAFE = {
    "redundant-bias": [
        lambda: net(layers.Dense(8, name="a"), norm(), layers.ReLU(), layers.Dense(1)),
        lambda: net(
            layers.Conv2D(3, 3), layers.AveragePooling2D(2), norm(), layers.Flatten(), layers.Dense(1), shape=(8, 8, 2)
        ),
        lambda: net(
            layers.DepthwiseConv2D(3, depth_multiplier=2), norm(scale=False), layers.Flatten(), layers.Dense(1),
            shape=(8, 8, 2),
        ),
        lambda: net(layers.Dense(8), norm(renorm=True), layers.ReLU(), layers.Dense(1)),
    ],
    "time-distributed-norm": [
        lambda: net(layers.TimeDistributed(norm("inner"), name="td"), layers.LSTM(2), shape=(5, 2)),
        lambda: net(layers.TimeDistributed(norm("inner", axis=3)), layers.Flatten(), shape=(2, 3, 3, 2)),
    ],
    "repeated-norm": [
        lambda: net(layers.Dense(8, use_bias=False), norm("first"), norm("second"), layers.Dense(1)),
        lambda: net(norm("a", epsilon=0.5), norm("b", epsilon=0.1), norm("c"), layers.Dense(1)),
        lambda: net(norm("a", scale=False, center=False), norm("b"), layers.Dense(1)),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "build"),
    [(rule, build) for rule, builds in SAFE.items() for build in builds],
    ids=[f"{rule}-{i}" for rule, builds in SAFE.items() for i in range(len(builds))],
)
def test_predictions_stay_as_they_are(rule, build):
    model = build()
    before = [np.array(variable.value) for variable in model.variables]
    fixed = nw.fix(model, select=[rule])
    assert {finding.rule for finding in fixed.mended} == {rule}
    assert fixed.left == () == tuple(nw.check(fixed.model, select=[rule]))
    x = inputs(model)
    wanted, given = np.asarray(model(x)), np.asarray(fixed.model(x))
    np.testing.assert_allclose(given, wanted, rtol=2e-5, atol=2e-5 * np.abs(wanted).max())
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)


def test_a_model_without_bias_trains_as_the_one_with():
    """One step each: the same losses and predictions, but for rounding."""
    model = net(layers.Dense(8, name="a"), norm(momentum=0.5), layers.ReLU(), layers.Dense(1))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    fixed = nw.fix(model).model
    assert len(fixed.variables) == len(model.variables) - 1
    y = DRAW.normal(size=(300, 1))
    losses = [m.fit(X, y, epochs=3, shuffle=False, verbose=0).history for m in (model, fixed)]
    np.testing.assert_allclose(losses[0]["loss"], losses[1]["loss"], rtol=1e-4)
    np.testing.assert_allclose(model(X), fixed(X), rtol=1e-3, atol=1e-4)


def test_statistics_come_from_the_data_where_there_are_any():
    model = net(layers.Dense(8, use_bias=False, name="a"), norm(), layers.ReLU(), layers.Dense(1))
    statistics = model.get_layer("norm")
    statistics.moving_variance.assign(statistics.moving_variance + 1)  # as after five steps from 1
    without = nw.fix(model, steps=5)
    assert [finding.rule for finding in without.mended] == []
    assert [finding.rule for finding in without.left] == ["stale-statistics"]
    fixed = nw.fix(model, X, steps=5)
    assert {f.rule for f in fixed.mended} == {"stale-statistics", "moving-statistics-gap"}
    taken = Moments(-1)
    taken.add(X.astype("float64") @ np.asarray(model.get_layer("a").kernel, "float64"))
    layer = fixed.model.get_layer("norm")
    np.testing.assert_allclose(layer.moving_mean, taken.mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, taken.variance, rtol=1e-4)


def test_variances_below_zero_become_zero():
    model = net(norm(), layers.Dense(1))
    model.get_layer("norm").moving_variance.assign([1, -0.5, 2, -3])
    fixed = nw.fix(model)
    assert [finding.rule for finding in fixed.mended] == ["not-finite"]
    assert np.asarray(fixed.model.get_layer("norm").moving_variance).tolist() == [1, 0, 2, 0]
    assert np.isfinite(np.asarray(fixed.model(X))).all()


@pytest.mark.parametrize(
    "build",
    [
        lambda: net(layers.Dense(8, bias_regularizer="l2"), norm(), layers.Dense(1)),
        lambda: net(norm("a"), layers.LayerNormalization(), norm("b"), layers.Dense(1)),
        lambda: net(norm("a"), norm("b", scale=False), layers.Dense(1)),
        lambda: net(layers.Dense(8, activation="tanh"), norm(), layers.Dense(1)),
    ],
)
def test_what_is_not_safe_is_left(build):
    model = build()
    fixed = nw.fix(model)
    assert fixed.mended == ()
    assert fixed.left
    x = inputs(model)
    np.testing.assert_array_equal(np.asarray(model(x)), np.asarray(fixed.model(x)))


def test_the_optimiser_the_loss_and_the_metrics_come_along():
    model = net(layers.Dense(8), norm(), layers.Dense(1))
    model.compile(keras.optimizers.Adam(0.02), "mae", metrics=["mse"])
    model.fit(X, np.ones((300, 1)), epochs=1, verbose=0)
    fixed = nw.fix(model).model
    assert (fixed.loss, float(fixed.optimizer.learning_rate)) == ("mae", pytest.approx(0.02))
    for variable in fixed.optimizer.variables[2:]:
        (old,) = [old for old in model.optimizer.variables if old.path == variable.path]
        np.testing.assert_array_equal(variable.value, old.value)
    y = np.zeros((300, 1))
    assert fixed.evaluate(X, y, verbose=0) == pytest.approx(model.evaluate(X, y, verbose=0))
