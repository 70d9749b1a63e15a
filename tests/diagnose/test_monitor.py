"""The callback: it sees what happens in any `fit`, and changes nothing of it."""

import by_hand
import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import ModelError, SpecError
from tests.compiling import compiled_names

BATCH = 16


def data(count=96):
    x = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    return x, (x[:, :1] - x[:, 1:2] ** 2).astype(np.float32)


def fitted(model, *given, monitor=None, **options):
    options = {"batch_size": BATCH, "epochs": 3, "verbose": 0, "shuffle": False} | options
    return model.fit(*given, callbacks=[monitor] if monitor else [], **options)


def network():
    keras.utils.set_random_seed(3)
    return by_hand.model()


def test_training_is_the_same_bit_for_bit():
    x, y = data()
    alone, watched = network(), network()
    first = fitted(alone, x, y)
    second = fitted(watched, x, y, monitor=nw.Monitor(out=None))
    assert first.history == second.history
    for one, other in zip(alone.variables, watched.variables, strict=True):
        np.testing.assert_array_equal(np.array(one.value), np.array(other.value))


def test_the_first_step_of_each_epoch_is_seen():
    x, y = data()
    model = network()
    starts = [by_hand.values_of(model)]
    ends = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: starts.append(by_hand.values_of(model))
    )
    monitor = nw.Monitor(out=None)
    model.fit(x, y, batch_size=BATCH, epochs=3, verbose=0, shuffle=False, callbacks=[monitor, ends])
    assert (monitor.inside.unit, monitor.inside.looks) == ("epoch", (1, 2, 3))
    for row, values in enumerate(starts[:3]):
        here = by_hand.passed(values, x[:BATCH], y[:BATCH])
        norms = [np.linalg.norm(here.gradient[name]) for name in ("w1", "w2", "w3")]
        np.testing.assert_allclose(monitor.inside.series["gradients/norm"][row], norms, rtol=1e-4)


def test_steps_are_seen_where_that_is_asked():
    x, y = data()
    monitor = nw.Monitor(out=None, every=4)
    fitted(network(), x, y, monitor=monitor, epochs=2)
    assert (monitor.inside.unit, monitor.inside.looks) == ("step", (1, 5, 9))


def test_a_report_is_written(tmp_path, capsys):
    x, y = data()
    monitor = nw.Monitor(tmp_path)
    fitted(network(), x, y, monitor=monitor, verbose=2)
    assert "gradient" in (tmp_path / "report.html").read_text("utf-8").lower()
    assert (tmp_path / "inside.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "report.html") in capsys.readouterr().out
    assert "<svg" in monitor._repr_html_()


def test_another_fit_is_seen_anew_and_the_steps_are_left_as_they_were():
    x, y = data()
    model, monitor = network(), nw.Monitor(out=None)
    fitted(model, x, y, monitor=monitor)
    before = model.train_function
    fitted(model, x, y, monitor=monitor, epochs=2)
    assert monitor.inside.looks == (1, 2)
    assert model.train_function is before


class Own(keras.Model):
    def train_step(self, state, data):
        return super().train_step(state, data)


def functional(kind=keras.Model):
    inputs = keras.Input((3,))
    hidden = layers.BatchNormalization()(layers.Dense(4, activation="tanh")(inputs))
    return kind(inputs, layers.Dense(1)(hidden))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense, self.last = layers.Dense(4, activation="relu"), layers.Dense(1)

    def call(self, x):
        return self.last(self.dense(x))


def two_inputs():
    inputs = {"a": keras.Input((3,), name="a"), "b": keras.Input((3,), name="b")}
    return keras.Model(inputs, layers.Dense(1)(layers.Add()([*inputs.values()])))


def recurrent():
    return keras.Sequential(
        [keras.Input((3,)), layers.Reshape((3, 1)), layers.LSTM(4), layers.Dense(1)]
    )


def batches(x, y):
    for _ in range(3):
        for first in range(0, len(x), BATCH):
            yield x[first : first + BATCH], y[first : first + BATCH]


X, Y = data()
KINDS = {
    "subclassed": (Subclassed, (X, Y), {}, {}),
    "two inputs": (two_inputs, ({"a": X, "b": X}, Y), {}, {}),
    "recurrent": (recurrent, (X, Y), {}, {}),
    "eager": (functional, (X, Y), {"run_eagerly": True}, {}),
    "several steps at once": (functional, (X, Y), {"steps_per_execution": 4}, {}),
    "weights": (functional, (X, Y, np.ones(len(X))), {}, {}),
    "a last batch that is smaller": (functional, (X[:40], Y[:40]), {}, {}),
    "one batch": (functional, (X[:8], Y[:8]), {}, {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_keras_trains_is_seen(kind):
    make, given, compiled, options = KINDS[kind]
    model = make()
    model.compile("adam", "mse", **compiled)
    if len(given) == 3:
        *given, options["sample_weight"] = given
    monitor = nw.Monitor(out=None)
    fitted(model, *given, monitor=monitor, **options)
    assert monitor.inside.looks == (1, 2, 3)
    assert np.isfinite(monitor.inside.series["gradients/norm"]).all()


def test_a_generator_loses_no_batch():
    model, monitor = functional(), nw.Monitor(out=None)
    model.compile("sgd", "mse")
    counted = []
    seen = ((counted.append(1) or one) for one in batches(X, Y))
    model.fit(seen, steps_per_epoch=6, epochs=3, verbose=0, shuffle=False, callbacks=[monitor])
    assert len(counted) in (18, 19)  # Keras builds the model by the first one
    assert int(model.optimizer.iterations.value) == 18
    assert monitor.inside.looks == (1, 2, 3)


def test_of_steps_of_the_users_own_signals_are_seen():
    model, monitor = functional(Own), nw.Monitor(out=None)
    model.compile("sgd", "mse")
    fitted(model, X, Y, monitor=monitor)
    assert {name.split("/")[0] for name in monitor.inside.series} == {"activations", "statistics"}
    assert monitor.page.body


def test_what_cannot_be_seen_does_not_end_the_training(caplog):
    model = keras.Sequential([keras.Input((3,)), layers.Rescaling(2.0)])
    model.compile("sgd", "mse")
    monitor = nw.Monitor()
    fitted(model, X, X, monitor=monitor)
    assert monitor.inside is None
    assert "is not looked into" in caplog.text
    with pytest.raises(ModelError, match="has seen no step"):
        _ = monitor.page


@pytest.mark.parametrize("every", [0, 1.5, "a", True])
def test_a_number_of_steps_is_at_least_one(every):
    with pytest.raises(SpecError, match=f"every is {every!r}; expected a whole number"):
        nw.Monitor(every=every)


def test_a_folder_is_named(tmp_path):
    (tmp_path / "there").write_text("x")
    with pytest.raises(SpecError, match="which is a file; expected a folder"):
        nw.Monitor(tmp_path / "there")
    with pytest.raises(SpecError, match="out is 5; expected a folder"):
        nw.Monitor(5)


def test_a_report_that_cannot_be_written_does_not_end_the_training(tmp_path, caplog):
    x, y = data()
    monitor = nw.Monitor(tmp_path / "there" / "inside")
    (tmp_path / "there").write_text("x")
    history = fitted(network(), x, y, monitor=monitor)
    assert len(history.history["loss"]) == 3
    assert "What the monitor saw is not written" in caplog.text


def test_every_look_compares_eight_batches_however_close_they_are():
    """The noise of inputs with variance 1 in batches of 32, of a layer that takes them alone."""
    x = np.random.default_rng(1).normal(size=(32 * 40, 64)).astype(np.float32)
    model = keras.Sequential(
        [keras.Input((64,)), layers.BatchNormalization(), layers.Dense(1, name="last")]
    )
    model.compile("sgd", "mse")
    monitor = nw.Monitor(out=None, every=1)
    fitted(model, x, x[:, :1], monitor=monitor, batch_size=32, epochs=1)
    noise = monitor.inside.series["statistics/mean_noise"][:, 0]
    np.testing.assert_allclose(noise, 1 / np.sqrt(32), rtol=0.1)
    # Of the last steps, those before do as well.
    means = [x[32 * i :][:256].reshape(8, 32, 64).mean(1) for i in [*range(33), *[32] * 7]]
    spread = np.sqrt(x[:256].var(0) + 1e-3)
    right = [(one.std(0, ddof=1) / spread).mean() for one in means]
    np.testing.assert_allclose(noise, right, rtol=1e-4)


def test_the_noise_of_one_batch_is_not_known():
    x, y = data(BATCH)
    model, monitor = network(), nw.Monitor(out=None, every=1)
    fitted(model, x, y, monitor=monitor, epochs=1)
    assert np.isnan(monitor.inside.series["statistics/mean_noise"]).all()


def test_looks_of_a_fit_are_one_program():
    """Batches before the last steps stand in for those that do not follow."""
    x, y = data(BATCH * 10)
    with compiled_names() as names:
        fitted(network(), x, y, monitor=nw.Monitor(out=None, every=1), epochs=1)
    assert sum("look" in name for name in names) == 1


def test_steps_that_keras_runs_at_once_are_numbered_by_the_first():
    x, y = data(320)
    model = network()
    model.compile("sgd", "mse", steps_per_execution=5)
    monitor = nw.Monitor(out=None, every=4)
    fitted(model, x, y, monitor=monitor, epochs=2)
    assert monitor.inside.looks == (1, 6, 11, 16, 21, 26, 31, 36)


def test_two_monitors_of_a_fit_see_it_alone():
    x, y = data()
    model, one, other = network(), nw.Monitor(out=None, every=3), nw.Monitor(out=None, every=2)
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0, callbacks=[one, other])
    fitted(model, x, y)
    assert (one.inside.looks, other.inside.looks) == ((1, 4), (1, 3, 5))


def test_a_fit_behind_one_that_was_interrupted_is_not_seen():
    def stop(*_, **__):
        raise KeyboardInterrupt

    x, y = data()
    model, monitor = network(), nw.Monitor(out=None, every=2)
    stopping = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=BATCH, verbose=0, callbacks=[monitor, stopping])
    fitted(model, x, y)
    assert monitor.inside is None  # its one step waited for more batches
