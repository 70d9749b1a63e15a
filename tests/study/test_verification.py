"""No verdict stands where the engine trains otherwise than Keras' own ``fit``."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.engine import Fit
from normwise.engine.kernels import normalisation
from normwise.errors import SoloCheckFailed
from normwise.study import allowance, verification
from normwise.study.allowance import Allowance
from normwise.study.pages import page_of_folder

# Else Keras' own fit trains what fails; `test_by_fit.py` has that.
CIRCLES = {"seeds": 2, "epochs": 2, "engine": "stacked"}


# As it is where nothing is tested: `conftest.py` gives all the time that it takes.
FOR_WHOLE_RUN = Allowance.for_whole_run


@pytest.fixture
def wrong_after(monkeypatch):
    """Normalisation with another epsilon."""
    call = normalisation.BatchNormalization.call

    def other(self, inputs, training=None, mask=None):
        self.epsilon = 0.01
        return call(self, inputs, training=training, mask=mask)

    monkeypatch.setattr(normalisation.BatchNormalization, "call", other)


@pytest.mark.usefixtures("wrong_dense")
def test_a_failed_check_withholds_the_verdict_and_the_model(run_command, tmp_path):
    command = ("study", "circles", "--variant", "none", "--variant", "after", "--seeds", "2")
    command += ("--epochs", "2", "--out", "out", "--engine", "stacked")
    code, out, error = run_command(*command)
    assert code == 3
    assert "no verdict" in out.splitlines()[0]
    assert out.splitlines()[1].startswith("│ No verdict: it trains otherwise")
    assert out.splitlines()[2].startswith("│ · No verdict: the first batches of `none` and `after`")
    assert error.strip().startswith("normwise: the solo check failed, so there is no verdict")
    assert not (tmp_path / "out" / "best.keras").exists()
    body = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert body["verdict"].startswith("No verdict: ")
    assert (body["recommended"], body["comparisons"][0]["outcome"]) == ("", "undecided")
    assert body["solo_check"]["failed"] == ["none", "after"]
    assert all(1e-4 < step < 0.1 for step in body["solo_check"]["first_steps"].values())
    html = (tmp_path / "out" / "report.html").read_text()
    assert html.split("<h1", 1)[1].split(">", 1)[1].startswith("No verdict: ")
    # Neither the same command nor the report drawn again forgets it.
    assert run_command(*command)[0] == 3
    assert page_of_folder(tmp_path / "out").answer.text == body["verdict"]


@pytest.mark.usefixtures("wrong_after")
def test_every_variant_is_looked_at():
    result = Study("circles", "circles", variants=["none", "before", "after"], **CIRCLES).run()
    check = result.answer.solo_check
    assert check.failed == ("before", "after")
    assert check.first_steps["none"] < 1e-6
    with pytest.raises(SoloCheckFailed, match="No verdict: the first batches of `before` and"):
        result.best_model()


@pytest.mark.parametrize("size", [32, 8], ids=["an epoch", "longer than the batches looked at"])
def test_what_agrees_is_said_in_numbers(size):
    result = Study("circles", "circles", variants=["none"], batch_size=size, **CIRCLES).run()
    check = result.summary()["solo_check"]
    assert (list(check["first_steps"]), check["failed"]) == (["none"], [])
    assert 0 <= check["first_steps_difference"] == check["first_steps"]["none"] < 1e-5


class Steep(layers.Layer):
    def call(self, inputs):
        return keras.ops.sin(30 * inputs)


def test_rounding_that_the_network_itself_amplifies_is_no_failure():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(256, 3)).astype("float32")
    hidden = [layers.Dense(32), Steep(), layers.Dense(32), Steep()]
    model = keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    result = Study(model, (x, x.sum(axis=1)), variants=["none"], **CIRCLES).run()
    check = result.answer.solo_check
    assert check.first_steps_difference > 1e-4
    assert check.failed == ()


def test_rounding_in_half_precision_is_no_failure():
    draw, kind = np.random.default_rng(0), "mixed_bfloat16"
    x, y = draw.random((64, 8, 8, 3)).astype("float32"), np.arange(64) % 4
    hidden = [
        layers.Conv2D(6, 3, activation="relu", dtype=kind),
        layers.Dropout(0.4, dtype=kind),
        layers.GlobalAveragePooling2D(dtype=kind),
        layers.Dense(8, activation="relu", dtype=kind),
    ]
    end = layers.Dense(4, activation="softmax")
    model = keras.Sequential([keras.Input((8, 8, 3)), *hidden, end])
    model.compile(keras.optimizers.SGD(0.3), "sparse_categorical_crossentropy")
    data = (x, y), (x[:16], y[:16])
    settings = {**CIRCLES, "epochs": 1, "batch_size": 16}
    check = Study(model, data, variants=["after"], **settings).run().answer.solo_check
    assert check.first_steps_difference > 1e-4
    assert check.failed == ()


class Traced(layers.Layer):
    """Its noise is drawn when it is traced, and the same in all batches of a fit."""

    traces = 0

    def call(self, inputs):
        Traced.traces += 1
        draw = np.random.default_rng(Traced.traces).normal(size=inputs.shape[1:])
        return inputs + draw.astype("float32")


def test_fits_that_drift_apart_without_rounding_are_a_failure(caplog):
    head = [layers.Dense(8, "relu"), Traced(), layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *head])
    check = Study(model, "circles", variants=["none"], **CIRCLES).run().answer.solo_check
    assert check.failed == ("none",)
    assert "'none' gives a batch another loss in each fit from the same weights" in caplog.text


@pytest.fixture
def no_time(monkeypatch):
    """Checks may take no time at all, and no epoch is a moment."""
    monkeypatch.setattr(verification, "MOMENT", 0.0)
    monkeypatch.setattr(Allowance, "for_timing", 1e-9)
    monkeypatch.setattr(Allowance, "for_whole_run", lambda _: 0.0)


@pytest.mark.usefixtures("no_time")
def test_where_there_is_no_time_the_first_batches_of_every_variant_are_checked():
    settings = {**CIRCLES, "batch_size": 8}  # 63 batches an epoch, of which the first 16 count
    result = Study("circles", "circles", variants=["none", "after"], **settings).run()
    check = result.answer.solo_check
    assert (check.epochs_checked, check.epochs_trained, check.failed) == (0, 2, ())
    assert check.first_steps.keys() == {"none", "after"}
    assert all(0 <= step < 1e-5 for step in check.first_steps.values())
    assert check.max_relative_difference == check.first_steps_difference
    [said] = result.page.section("Solo check").text
    assert "first batches (an epoch would take longer than a check may): largest" in said
    # Seconds are told all the same.
    assert all(0 < variant.seconds_per_epoch < 10 for variant in result.answer.variants)


@pytest.mark.usefixtures("no_time", "wrong_after")
def test_a_wrong_variant_is_found_without_time():
    result = Study("circles", "circles", variants=["none", "before", "after"], **CIRCLES).run()
    assert result.answer.solo_check.failed == ("before", "after")


def test_a_whole_run_has_what_is_left_of_a_tenth_and_a_second_at_least(monkeypatch):
    clock = [0.0]
    clocks = SimpleNamespace(perf_counter=lambda: clock[0])
    monkeypatch.setattr(allowance, "time", clocks)
    long, short = Allowance(training=600.0), Allowance(training=3.0)
    assert (FOR_WHOLE_RUN(long), FOR_WHOLE_RUN(short)) == (60.0, 2.0)
    clock[0] = 20.0
    assert (FOR_WHOLE_RUN(long), FOR_WHOLE_RUN(short)) == (40.0, 1.0)


def test_as_many_epochs_are_checked_as_there_is_time_for(monkeypatch):
    """Of a second each, in eight seconds: one, three of those at a time, and what is left."""
    clock, fit = [0.0], Fit.train

    def train(self, replica, state, epochs, **options):
        clock[0] += len(epochs)
        return fit(self, replica, state, epochs, **options)

    monkeypatch.setattr(Fit, "train", train)
    monkeypatch.setattr(verification, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(Allowance, "for_whole_run", lambda _: 8.5)
    result = Study("circles", "circles", variants=["none"], seeds=1, epochs=20).run()
    check = result.answer.solo_check
    assert (check.epochs_checked, check.epochs_trained) == (8, 20)
    assert 0 < check.first_epoch_difference <= check.max_relative_difference < 1e-4
    [said] = result.page.section("Solo check").text
    assert "its first 8 of 20 epochs (more would take longer than a check may): la" in said
