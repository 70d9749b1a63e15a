"""`normwise recalibrate`, as its users meet it."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from normwise.commands.recalibrate import losses
from normwise.data import Given
from normwise.data.circles import circles

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def trained(train):
    """Fifty steps: the statistics lag."""
    return train(seed=0, batch_size=50, epochs=5)


def test_another_file_with_other_statistics_is_written(trained, run, tmp_path):
    original = (tmp_path / "model.keras").read_bytes()
    code, out, _ = run("model.keras", "--data", "circles", "-o", "new.keras")
    assert code == 0
    assert "norm: means moved by" in out
    assert "training loss: " in out
    assert "Written: new.keras" in out
    assert re.search("All but the statistics unchanged: SHA-256 [0-9a-f]{16}…", out)
    assert (tmp_path / "model.keras").read_bytes() == original
    new = keras.saving.load_model(tmp_path / "new.keras")
    taken = np.asarray(trained.layers[0](circles().x_train), np.float64)
    np.testing.assert_allclose(new.get_layer("norm").moving_mean, taken.mean(axis=0), rtol=1e-5)
    for ours, theirs in zip(new.trainable_variables, trained.trainable_variables, strict=True):
        np.testing.assert_array_equal(ours.value, theirs.value)
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "new.keras"}


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.keras", "--data", "circles", "-o", "new.keras"], "there is no file 'none.keras'"),
        (["model.keras", "--data", "circles", "-o", "model.keras"], "never written over"),
        (["model.keras", "--data", "circles", "-o", "new.h5"], "does not end in .keras"),
        (["model.keras", "--data", "digits", "-o", "new.keras"], "do not fit model"),
        (["model.keras", "--data", "circle", "-o", "new.keras"], "did you mean 'circles'"),
        (["text.keras", "--data", "circles", "-o", "new.keras"], "cannot load 'text.keras'"),
        (["plain.keras", "--data", "circles", "-o", "new.keras"], "has no batch normalisation"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(arguments, message, run, tmp_path):
    (tmp_path / "text.keras").write_text("no model")
    keras.Sequential([keras.Input((2,)), layers.Dense(1)]).save(tmp_path / "plain.keras")
    code, _, error = run(*arguments)
    assert code == 2
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "new.keras").exists()


def test_the_callback_recalibrates_averaged_weights_too():
    from normwise import Recalibration

    data = circles()
    model = keras.Sequential(
        [keras.Input((2,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), "mse")
    model.fit(
        data.x_train, data.y_train, epochs=2, verbose=0, callbacks=[Recalibration(data.x_train)]
    )
    taken = np.asarray(model.layers[0](data.x_train), np.float64)
    np.testing.assert_allclose(model.layers[1].moving_mean, taken.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(model.layers[1].moving_variance, taken.var(axis=0), rtol=1e-4)


def test_labels_that_do_not_fit_the_loss_are_named(run, tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.BatchNormalization(), layers.Dense(3)])
    model.compile("sgd", "categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    code, _, error = run("model.keras", "--data", "circles", "-o", "new.keras")
    assert code == 2
    assert "inputs and labels do not fit the loss or a metric" in error
    assert not (tmp_path / "new.keras").exists()


@pytest.mark.parametrize(
    ("labels", "shown"), [("abc", True), ("bc", False), ((1, 2), True), ((2, 3), False)], ids=str
)
def test_losses_are_shown_where_the_classes_are_known(labels, shown):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, codes = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % len(labels)
    found = losses(model, Given(x, np.array(list(labels))[codes]))
    # In order, from 0 where they are all there; the numbers themselves where they are classes.
    numbers = codes if len(labels) == 3 else np.array([1, 2])[codes]
    wanted = {"training": model.evaluate(x, numbers, verbose=0)} if shown else {}
    assert found == pytest.approx(wanted)


def test_the_losses_that_are_shown_are_weighted_as_keras_weights_them():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    draw = np.random.default_rng(0)
    x, y, weights = draw.normal(size=(9, 2)), draw.normal(size=(9, 1)), draw.uniform(size=9)
    given = Given(x, y, weights, validation=(x[:4], y[:4], 3 * weights[:4]))
    errors = (x.sum(axis=1) - y[:, 0]) ** 2  # in float64; Keras divides by the number of examples
    wanted = {
        "training": float(np.sum(weights * errors) / 9),
        "validation": float(np.sum(3 * weights[:4] * errors[:4]) / 4),
    }
    keras_own = model.evaluate(x, y, sample_weight=weights, verbose=0)
    assert losses(model, given)["training"] == pytest.approx(keras_own, rel=1e-5)
    assert losses(model, given) == pytest.approx(wanted, rel=1e-4)
