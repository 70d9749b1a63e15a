"""Default variants that a model cannot have are left out; asked-for ones are refused at once."""

import json

import keras
import numpy as np
import pytest

from normwise import Study
from normwise.engine import Cohort
from normwise.errors import ModelError, VariantError
from normwise.study import page_of_folder

NOTE = (
    "Variant 'before' was not asked for and is left out: layer 'lstm' (LSTM) is recurrent: "
    "normalisation before its activation would sit inside the recurrent cell."
)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 3, 2)).astype("float32"), rng.integers(0, 2, 40)


def recurrent():
    layers = [keras.layers.LSTM(3, name="lstm"), keras.layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((3, 2)), *layers])


def no_hidden_layer():
    return keras.Sequential([keras.Input((3, 2)), keras.layers.Flatten(), keras.layers.Dense(1)])


@pytest.fixture
def untrained(monkeypatch):
    """Fails where anything is traced, compiled or trained."""

    def fail(*_, **__):
        raise AssertionError("nothing is to be trained")

    for name in ("lower", "compile", "chunks"):
        monkeypatch.setattr(Cohort, name, fail)
    monkeypatch.setattr("normwise.engine.Fit.train", fail)


@pytest.mark.usefixtures("initial_values_from_numpy")
def test_a_default_variant_that_cannot_be_is_left_out_with_a_note(data, tmp_path, caplog):
    result = Study(recurrent, data, seeds=2, epochs=1).run(tmp_path / "out")
    assert [one.name for one in result.answer.variants] == ["none", "after"]
    assert NOTE in caplog.messages
    assert NOTE in result.page.notes
    # Drawn again, the report says it as well.
    assert NOTE in page_of_folder(tmp_path / "out").notes
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == result.summary()
    again = Study(recurrent, data, seeds=2, epochs=1).run(tmp_path / "out")
    assert (again.trained, again.summary()) == (0, result.summary())


class CountingCalls(keras.layers.Layer):
    """Counts its calls, those of an evaluation, too, which the stack does not do."""

    def build(self, _):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return inputs


def test_a_fall_from_the_stack_says_no_note_twice(data, caplog):
    layers = [*recurrent().layers[:1], CountingCalls(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3, 2)), *layers])
    result = Study(model, data, seeds=1, epochs=1).run()
    assert result.answer.environment["engine"] == "fit"
    assert caplog.messages.count(NOTE) == 1
    assert len(set(caplog.messages)) == len(caplog.messages) == 2


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("model", "variants", "error"),
    [
        (recurrent, ["none", "after", "before"], ModelError),
        (recurrent, ["none", "input+before"], ModelError),
        (recurrent, ["none", "after:only=7"], VariantError),
        (no_hidden_layer, None, ModelError),  # but for the baseline, none is left
    ],
)
def test_a_variant_that_was_asked_for_is_refused_before_anything_trains(
    model, variants, error, data, tmp_path
):
    with pytest.raises(error):
        Study(model, data, variants=variants, seeds=2, epochs=1).run(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
