"""Regression targets: standardised in training, in their own units everywhere else."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.errors import ModelError, SpecError

GENERATOR = np.random.default_rng(18)
X = GENERATOR.normal(size=(60, 3)).astype("float32")
# A price: far from 0, and spread over tens of thousands.
Y = (150_000 + 40_000 * X[:, :1] + GENERATOR.normal(0, 9_000, (60, 1))).astype("float32")
TRAIN, VAL = slice(0, 48), slice(48, 60)
DATA = ((X[TRAIN], Y[TRAIN]), (X[VAL], Y[VAL]))
RATE, EPOCHS = 0.1, 4
MEAN = Y[TRAIN].mean(dtype=float)


def linear(activation=None, **compiled):
    """A straight line from nowhere: what its training does can be worked out by hand."""
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(1, activation, kernel_initializer="zeros")]
    )
    if compiled:
        model.compile(**compiled)
    return model


def study(model, data=DATA, **settings):
    """One batch an epoch, so that no order counts."""
    given = {"variants": "none", "seeds": 1, "epochs": EPOCHS, "batch_size": 48}
    return Study(model, data, **{**given, **settings}).run()


LOSSES = {
    "mean_squared_error": (lambda error: error**2, lambda error: 2 * error),
    "mean_absolute_error": (np.abs, np.sign),
}


def by_hand(loss, mean, deviation):
    """Validation losses in the targets' own units of gradient descent on standardised targets."""
    value, slope = LOSSES[loss]
    x, y = X.astype(float), Y.astype(float)
    weights, bias = np.zeros((3, 1)), 0.0
    unit = value(y[TRAIN] - mean).mean() if deviation != 1 else 1
    curve = []
    for _ in range(EPOCHS):
        error = mean + deviation * (x[TRAIN] @ weights + bias) - y[TRAIN]
        step = RATE * deviation / unit * slope(error) / len(error)
        weights, bias = weights - x[TRAIN].T @ step, bias - step.sum()
        error = mean + deviation * (x[VAL] @ weights + bias) - y[VAL]
        curve.append(value(error).mean())
    return curve


@pytest.mark.parametrize("loss", LOSSES)
def test_training_is_that_of_standardised_targets_in_their_own_units(loss):
    result = study(linear, loss=loss, learning_rate=RATE)
    expected = by_hand(loss, MEAN, Y[TRAIN].std(dtype=float))
    np.testing.assert_allclose(result.curves["val_loss"], expected, rtol=1e-5)
    assert result.summary()["solo_check"]["max_relative_difference"] < 1e-5


def test_targets_that_a_model_was_compiled_for_stay_as_they_are():
    rate = 1e-6
    model = linear(optimizer=keras.optimizers.SGD(rate), loss="mse", metrics=["mae"])
    result = study(model)
    x, y, weights, bias = X[TRAIN].astype(float), Y[TRAIN].astype(float), np.zeros((3, 1)), 0.0
    for loss in result.curves["loss"]:
        error = x @ weights + bias - y
        assert loss == pytest.approx((error**2).mean(), rel=1e-5)
        step = rate * 2 * error / len(error)
        weights, bias = weights - x.T @ step, bias - step.sum()
    [note] = [one for one in result.page.notes if one.startswith("The targets")]
    assert "the model was compiled for them (--standardize-targets" in note


def test_the_compiled_model_s_targets_are_standardised_where_that_is_asked_for():
    model = linear(optimizer=keras.optimizers.SGD(RATE), loss="mse")
    curve = study(model, standardize_targets=True).curves["val_loss"]
    np.testing.assert_allclose(curve, by_hand("mean_squared_error", MEAN, Y[TRAIN].std()), 1e-5)


def test_the_winning_model_predicts_in_own_units_and_is_as_good_as_recorded(tmp_path):
    settings = {"variants": ["none", "after"], "epochs": 30, "seeds": 2, "batch_size": 8}
    result = Study(network, DATA, learning_rate=RATE, **settings).run(tmp_path / "out")
    final = result.curves.query("epoch == 30 and variant == @result.summary()['recommended']")
    model = keras.models.load_model(tmp_path / "out" / "best.keras")
    scores = model.evaluate(*DATA[1], verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(final["val_loss"].min(), rel=1e-5)
    error = model.predict(X[VAL], verbose=0) - Y[VAL]
    assert np.abs(error).mean() == pytest.approx(scores["mean_absolute_error"], rel=1e-5)
    assert np.abs(error).mean() < 0.5 * np.abs(MEAN - Y[VAL]).mean()


def network():
    return keras.Sequential([keras.Input((3,)), layers.Dense(8, "relu"), layers.Dense(1)])


@pytest.mark.parametrize("settings", [{}, {"standardize_targets": False}])
def test_no_default_target_is_worse_than_predicting_the_mean(settings):
    """Of a baseline that hardly trains, whatever its targets' units."""
    result = study(network, learning_rate=1e-9, **settings)
    of_mean = ((MEAN - Y[VAL].astype(float)) ** 2).mean()
    assert result.curves["val_loss"].min() > of_mean
    assert result.summary()["target"]["value"] == pytest.approx(of_mean, rel=1e-5)
    assert any("as the baseline ends no better, that is the target" in n for n in result.page.notes)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e7])
def test_the_default_settings_learn_targets_of_any_size(size):
    data = tuple((x, np.float32(size) * y) for x, y in DATA)
    result = Study(network, data, variants="none", seeds=2, epochs=20, batch_size=8).run()
    of_mean = (size * (MEAN - Y[VAL].astype(float))) ** 2
    assert result.summary()["target"]["value"] < 0.5 * of_mean.mean()


def test_several_numbers_keep_their_own_units_each():
    """Means and deviations stand for each column."""
    both = [(x, np.hstack([y, -y / 1000 + 7])) for x, y in DATA]
    units = Study(two, both, variants="none", seeds=1, epochs=1).run().best_model().layers[-1]
    targets = both[0][1].astype(float)
    np.testing.assert_allclose(units.offset, targets.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(units.scale, targets.std(axis=0), rtol=1e-6)


def two():
    return keras.Sequential([keras.Input((3,)), layers.Dense(2)])


@pytest.mark.parametrize("end", [layers.ReLU(), layers.Rescaling(4e4, 1.5e5)], ids=["relu", "own"])
def test_a_model_that_does_not_end_linearly_keeps_its_targets(end):
    def build():
        return keras.Sequential([keras.Input((3,)), layers.Dense(1), end])

    result = study(build, epochs=1)
    assert (
        "The targets keep their own units in training: the model does not end in a Dense layer "
        "without activation." in result.page.notes
    )
    with pytest.raises(ModelError, match=r"does not end in a Dense layer .* try --no-standardize"):
        study(build, standardize_targets=True)


def test_classes_have_no_units():
    labels = tuple((x, (y > MEAN).astype("int32")) for x, y in DATA)
    with pytest.raises(SpecError, match="are classes; expected a regression; try --task regress"):
        study(lambda: linear("sigmoid"), labels, standardize_targets=True)


def test_a_model_for_classes_and_a_quantity_say_the_way_out():
    counts = tuple((x, (y > MEAN) + 2 * (x[:, :1] > 0)) for x, y in DATA)
    with pytest.raises(ModelError, match=r"end the model with .* or try --task classes"):
        study(two, counts, task="regression")
    with pytest.raises(ModelError, match=r"end the model with .* or try --task regression"):
        study(linear, counts)
