"""What crosses to another process, as what, and what is refused by its name."""

import functools
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.errors import ModelError
from normwise.models.portable import PortableModel
from normwise.models.source import ModelSource
from tests import unlucky

# Keras' `save` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X, Y = np.zeros((20, 3), "float32"), np.zeros((20, 1), "float32")
DATA = Dataset("rows", X, Y, X, Y, "binary")


def model(*more, **compiled):
    hidden = [layers.Dense(4, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.1)]
    made = keras.Sequential(
        [keras.Input((3,)), *hidden, *more, layers.Dense(1, activation="sigmoid")]
    )
    if compiled:
        made.compile(**compiled)
    return made


def unregistered(inputs):
    return keras.ops.relu(inputs) * 2


def loss(labels, outputs):
    return keras.ops.mean((labels - outputs) ** 2)


NAMELESS = lambda: model(layers.Dense(2))  # noqa: E731


class Nameless(layers.Layer):
    """As if a notebook had defined it."""

    __module__ = "__main__"

    def call(self, inputs):
        return inputs * 2


@pytest.mark.parametrize(
    "make",
    [
        model,
        lambda: model(unlucky.Unlucky()),
        lambda: model(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 9)),
                      loss="mse", metrics=["accuracy"]),
    ],
    ids=["layers of Keras", "registered layer", "compiled"],
)  # fmt: skip
def test_a_model_crosses_as_a_file_and_is_the_same_one(make):
    live = make()
    portable = PortableModel.of(live)
    ours, theirs = ModelSource(live, DATA), ModelSource(portable.open(), DATA)
    assert ours.fingerprint == theirs.fingerprint
    assert (ours.compiled and ours.compiled.text) == (theirs.compiled and theirs.compiled.text)
    for one, other in zip(ours.given.weights, theirs.given.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_crosses_as_its_bytes(tmp_path):
    path = tmp_path / "some.keras"
    model().save(path)
    portable = PortableModel.of(str(path))
    path.unlink()
    assert ModelSource(portable.open(), DATA).fingerprint == ModelSource(model(), DATA).fingerprint


def test_modules_of_its_layers_are_imported_before_it_is_loaded():
    portable = PortableModel.of(model(layers.Dense(3, activation=unlucky.doubled)))
    assert portable.modules == ("tests.unlucky",)
    code = (
        "import pickle, sys; portable = pickle.load(sys.stdin.buffer); assert portable.open().built"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps(portable), check=True)


def test_functions_cross_by_import_path_and_names_as_they_are():
    portable = PortableModel.of(unlucky.build)
    assert (portable.name, portable.saved) == ("tests.unlucky:build", None)
    assert PortableModel.of("circles").open() == "circles"
    assert PortableModel.of("tests.unlucky:build").open() == "tests.unlucky:build"
    assert [one.rsplit("/", 1)[1] for one in portable.sources] == ["tests"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: NAMELESS, "the model's function '.*<lambda>' cannot go to other processes"),
        (lambda: functools.partial(model), "the model's function 'partial' cannot go"),
        (lambda: model(Nameless()), "it needs the class 'Nameless', and it is defined in a script"),
        (lambda: model(layers.Dense(3, activation=unregistered)), "it needs the function 'unregistered'"),
        (lambda: model(loss=loss), "it needs the function 'loss'"),
    ],
    ids=["lambda", "partial", "class of a script", "function", "loss"],
)  # fmt: skip
def test_what_has_no_name_elsewhere_is_refused_by_its_name(given, message):
    with pytest.raises(ModelError, match=message) as caught:
        PortableModel.of(given())
    assert "; expected " in str(caught.value)


def test_a_function_of_a_script_is_refused_by_its_name(monkeypatch):
    monkeypatch.setattr(model, "__module__", "__main__")
    with pytest.raises(
        ModelError, match="'model' cannot go to other processes: it is defined in a script"
    ):
        PortableModel.of(model)
