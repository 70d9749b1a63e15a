"""Mended models against the models they were: the same predictions, one thing wrong less."""

import keras
import numpy as np
import pytest
from disturbing import disturbed
from keras import layers

import normwise as nw
from normwise.errors import SpecError
from normwise.models.moments import Moments

# Keras 3.15 on NumPy 2, whenever a variable becomes an array.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("initial_values_from_numpy"),
]

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(300, 4)).astype("float32")


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
        lambda: net(layers.TimeDistributed(norm("inner", axis=1)), layers.LSTM(2), shape=(5, 2)),
        lambda: disturbed(
            keras.Sequential([keras.Input(batch_shape=(7, 5, 2)), layers.TimeDistributed(norm("inner", axis=0))])
        ),
        lambda: net(
            layers.TimeDistributed(layers.Dense(3)), layers.TimeDistributed(norm("inner")), layers.LSTM(4, return_sequences=True),
            norm("whole", axis=2), layers.LSTM(2), shape=(5, 2),
        ),
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


def test_a_bias_is_left_where_more_than_it_would_go():
    model = net(
        layers.Dense(8, name="plain"),
        norm("first"),
        layers.ReLU(),
        layers.Dense(8, name="regularised", bias_regularizer="l2"),
        norm("second"),
        layers.ReLU(),
        layers.SpectralNormalization(layers.Dense(4), name="wrapped"),
        norm("third"),
    )
    fixed = nw.fix(model, select=["redundant-bias"])
    assert [finding.layer for finding in fixed.mended] == ["plain"]
    assert [finding.layer for finding in fixed.left] == ["regularised", "wrapped"]
    assert fixed.model.get_layer("plain").use_bias is False
    assert fixed.model.get_layer("regularised").use_bias is True


def test_only_what_was_asked_for_is_mended():
    model = net(layers.Dense(8, name="a"), norm(), layers.ReLU(), layers.Dense(1))
    assert {finding.rule for finding in nw.check(model, X + 9)} >= {"moving-statistics-gap"}
    kept = nw.fix(model, ignore=["redundant-bias"])
    assert (kept.mended, kept.left) == ((), ())
    assert kept.model.get_layer("a").use_bias
    kept = nw.fix(model, X + 9, select=["redundant-bias"])
    assert [finding.rule for finding in kept.mended] == ["redundant-bias"]
    np.testing.assert_array_equal(
        kept.model.get_layer("norm").moving_variance, model.get_layer("norm").moving_variance
    )


def test_what_is_known_of_training_is_known_before_and_after():
    """Nothing is taken for mended because the batch size was forgotten."""
    model = net(norm(momentum=0.0), layers.Dense(1))
    fixed = nw.fix(model, X, batch_size=4, ignore=["moving-statistics-gap"])
    assert {"tiny-batch", "wrong-momentum"} == {finding.rule for finding in fixed.left}
    fixed = nw.fix(model, X, batch_size=300, ignore=["moving-statistics-gap"])
    assert (fixed.mended, fixed.left) == ((), ())
    with pytest.raises(SpecError, match="batch_size is 0"):
        nw.fix(model, batch_size=0)


def test_progress_is_said_layer_by_layer():
    model = net(norm("first"), layers.Dense(3), norm("second", trainable=False), norm("third"))
    said = []
    nw.fix(model, X + 9, on_layer=lambda *step: said.append(step))
    assert said == [(0, 2, "first"), (1, 2, "third")]


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
    statistics.moving_mean.assign(statistics.moving_mean + 9)  # not of these data
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


def test_variances_that_are_rounded_below_zero_become_zero():
    model = net(norm(), layers.Dense(1))
    model.get_layer("norm").moving_variance.assign([1, -1e-8, 2, -1e-5])
    fixed = nw.fix(model)
    assert [finding.rule for finding in fixed.mended] == ["not-finite"]
    assert np.asarray(fixed.model.get_layer("norm").moving_variance).tolist() == [1, 0, 2, 0]
    wanted = np.asarray(model(X))
    np.testing.assert_allclose(fixed.model(X), wanted, atol=1e-2 * np.abs(wanted).max())


def test_variances_far_below_zero_are_left_beside_others_that_are_mended():
    model = net(norm("near"), layers.Dense(4, activation="relu"), norm("far"), layers.Dense(1))
    model.get_layer("near").moving_variance.assign([1, 1, 1, -1e-6])
    model.get_layer("far").moving_variance.assign([1, -1e-9, 2, -2.2])
    fixed = nw.fix(model, select=["not-finite"])
    assert [finding.layer for finding in fixed.mended] == ["near"]
    ((left, message),) = [(finding.layer, finding.message) for finding in fixed.left]
    assert (left, "down to -2.2" in message) == ("far", True)
    values = np.asarray(fixed.model.get_layer("far").moving_variance)
    np.testing.assert_array_equal(values, np.float32([1, -1e-9, 2, -2.2]))
    # Where there are data, they say what the variance is.
    fixed = nw.fix(model, X)
    assert "far" in {finding.layer for finding in fixed.mended if finding.rule == "not-finite"}
    taken = Moments(-1)
    taken.add(np.asarray(keras.Sequential(fixed.model.layers[:2])(X, training=False)))
    np.testing.assert_allclose(
        fixed.model.get_layer("far").moving_variance, taken.variance, rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize("renorm", [False, True])
def test_training_goes_on_as_it_would_have_without_the_fix(renorm):
    """Renormalisation trains with a mean of its own, which holds the bias, too."""
    model = net(
        layers.Dense(16, name="a"),
        norm(renorm=renorm, momentum=0.9),
        layers.ReLU(),
        layers.Dense(1),
    )
    for variable in model.get_layer("norm").variables:
        if "renorm" in variable.name:
            variable.assign(np.ones(16) * 0.8)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    fixed = nw.fix(model, select=["redundant-bias"]).model
    y = X[:, :1]
    wanted, given = (
        one.fit(X, y, batch_size=50, shuffle=False, verbose=0).history["loss"]
        for one in (model, fixed)
    )
    np.testing.assert_allclose(given, wanted, rtol=1e-4)


def test_a_mended_norm_never_takes_over_what_a_regulariser_says_of_another():
    model = net(norm("a"), norm("b", gamma_regularizer="l2"), layers.Dense(1))
    assert nw.fix(model, select=["repeated-norm"]).mended == ()


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


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """The user's own: no configuration gives it back."""

    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start / (1 + step)


def decaying(rate, model):
    """By names, and in one list of weights."""
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(
        var_list=[model.get_layer("last").kernel], var_names=["gamma", "beta", "bias"]
    )
    return optimizer


@pytest.mark.parametrize(
    "compiled_with",
    [
        lambda model: decaying(0.02, model),
        lambda model: decaying(Halving(0.02), model),
        lambda model: decaying(lambda: 0.02, model),
        lambda model: keras.optimizers.LossScaleOptimizer(decaying(0.02, model)),
    ],
    ids=["AdamW", "own schedule", "function", "loss scale"],
)
def test_the_next_step_is_the_one_that_the_model_would_have_taken(compiled_with):
    """Of Keras' `train_on_batch`: same rate, momenta, and weights that do not decay."""
    model = net(layers.Dense(8), norm(), layers.Dense(1, name="last"))
    model.compile(compiled_with(model), "mse")
    model.fit(X, np.ones((300, 1)), epochs=1, shuffle=False, verbose=0)
    fixed = nw.fix(model)
    assert [finding.rule for finding in fixed.mended] == ["redundant-bias"]
    for one in (model, fixed.model):
        one.train_on_batch(X[:32], np.zeros((32, 1)))
    weights = {weight.path: weight for weight in model.trainable_variables}
    for weight in fixed.model.trainable_variables:
        np.testing.assert_allclose(weight, weights[weight.path], rtol=1e-4, atol=1e-6)


def test_the_optimiser_the_loss_and_the_metrics_come_along():
    keras.utils.set_random_seed(0)  # fit shuffles, and rounding hangs on the order
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


class Block(layers.Layer):
    """Of layers that it names by number, as Keras does."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense, self.norm = layers.Dense(4), layers.BatchNormalization()

    def build(self, shape):
        self.dense.build(shape)
        self.norm.build((None, 4))
        self.built = True

    def call(self, x, training=None):
        return self.norm(self.dense(x), training=training)


def test_what_stands_inside_a_layer_of_the_users_own_is_the_same_afterwards():
    model = net(Block(name="block"), layers.Dense(4, name="bias"), norm(), layers.Dense(1))
    model.get_layer("block").norm.moving_variance.assign(np.ones(4))  # as a new one's
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    fixed = nw.fix(model)
    assert {finding.rule for finding in fixed.mended} == {"redundant-bias"}
    stale = {finding.layer for finding in fixed.left if finding.rule == "stale-statistics"}
    assert model.get_layer("block").norm.name in stale
    # The optimiser goes on with what it knows of the weights inside, too.
    state = {one.path: one.numpy() for one in model.optimizer.variables}
    inside = [one for one in fixed.model.optimizer.variables if "block" in one.path]
    assert len(inside) == 8  # two moments of each of four weights
    for one in inside:
        np.testing.assert_array_equal(one.numpy(), state[one.path])


def test_a_model_that_was_compiled_again_keeps_the_loss_and_the_metrics_of_the_first_time():
    model = net(layers.Dense(3), norm(), layers.ReLU(), layers.Dense(1))
    model.compile("adam", "mse", metrics=["mae"])
    model.compile(keras.optimizers.SGD(0.05))
    y = X @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")
    fixed = nw.fix(model).model
    wanted = model.evaluate(X, y, verbose=0, return_dict=True)
    found = fixed.evaluate(X, y, verbose=0, return_dict=True)
    assert found == pytest.approx(wanted, rel=1e-5)
    assert found["loss"] > 0 < found["mae"]
