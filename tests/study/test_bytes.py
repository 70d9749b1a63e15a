"""Images of bytes: a user's model gets them as `fit` would, a built-in one from 0 to 1."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.data import from_arrays
from normwise.models.source import ModelSource, as_model_takes
from normwise.study import page_of_folder

DRAW = np.random.default_rng(0)
Y = DRAW.integers(0, 3, 60)
X = (DRAW.random((60, 6, 6, 1)) * 80 + Y[:, None, None, None] * 50).astype("uint8")
PARTS = ((X[:48], Y[:48]), (X[48:], Y[48:]))


def build(scale):
    front = [layers.Rescaling(scale)] if scale else []
    return keras.Sequential(
        [keras.Input((6, 6, 1)), *front, layers.Flatten(), layers.Dense(3, activation="softmax")]
    )


def curves(model, parts):
    study = nw.Study(
        model, parts, variants=["none"], seeds=1, epochs=2, batch_size=16,
        optimizer="sgd", learning_rate=0.01,
    )  # fmt: skip
    return study.run()


def test_a_users_model_gets_bytes_as_fit_gives_them():
    """One that divides them itself trains as one without that on what was divided before."""
    whole = curves(lambda: build(1 / 255), PARTS)
    divided = curves(
        lambda: build(None), tuple((x.astype("float32") / np.float32(255), y) for x, y in PARTS)
    )
    np.testing.assert_allclose(whole.curves.val_loss, divided.curves.val_loss, rtol=1e-5)
    assert not [note for note in whole.page.notes if "unscaled" in note]


def test_a_study_says_once_that_a_model_gets_them_unscaled():
    data = from_arrays(*PARTS[0], *PARTS[1])
    source = ModelSource(build(None), data)
    assert sum("reach 'dense" in note and "unscaled" in note for note in source.noted().notes) == 1
    np.testing.assert_array_equal(source.noted().x_train, X[:48])


def test_a_study_says_that_it_draws_anew_what_a_model_had_learnt():
    data, model = from_arrays(*PARTS[0], *PARTS[1]), build(1 / 255)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert ModelSource(model, data).noted().notes == data.notes
    model.fit(*PARTS[0], batch_size=16, verbose=0)
    note = ModelSource(model, data).noted().notes[-1]
    assert note.startswith(
        "The model had been trained for 3 steps: weights that train are drawn anew"
    )


@pytest.mark.parametrize("kept", ["in a file", "in Python"])
def test_what_was_said_of_the_data_is_said_again_where_the_study_is_drawn_again(kept, tmp_path):
    """As of the model, which reading the data again does not show; or of arrays that are gone."""
    data = PARTS
    if kept == "in a file":
        data = str(tmp_path / "data.npz")
        (x, y), (x_val, y_val) = PARTS
        np.savez(data, x_train=x, y_train=y, x_val=x_val, y_val=y_val)
    result = nw.Study(
        build(None), data, variants=["none"], seeds=1, epochs=1, batch_size=16, optimizer="sgd",
        learning_rate=0.01,
    ).run(tmp_path / "study")  # fmt: skip
    assert sum("unscaled" in note for note in result.page.notes) == 1
    assert any("taken for 3 classes" in note for note in result.page.notes)
    assert page_of_folder(tmp_path / "study").notes == result.page.notes


def test_in_an_older_journal_they_are_those_of_the_data_read_again(tmp_path):
    nw.Study("circles", "circles", variants=["none"], seeds=1, epochs=1).run(tmp_path)
    whole = page_of_folder(tmp_path).notes
    journal = tmp_path / "journal.jsonl"
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    for event in events:
        event.pop("notes", None)
        event.pop("crc32")  # older ones have none
    journal.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert page_of_folder(tmp_path).notes == whole


def test_a_built_in_model_gets_them_scaled():
    data = from_arrays(*PARTS[0], *PARTS[1])
    np.testing.assert_array_equal(
        as_model_takes("mnist-cnn", data).x_train, X[:48].astype("float32") / 255
    )
    for own in (build(None), build, "mnist-cnn.keras", "module:mnist-cnn"):
        assert as_model_takes(own, data) is data
