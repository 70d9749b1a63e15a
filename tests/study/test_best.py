"""The file of the winner, also of a model that Keras cannot save."""

import logging

import keras
import numpy as np
import pytest

from normwise import Variant
from normwise.study.best import best_in, write_best

AFTER = Variant.parse("after")
X = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")


class Required(keras.Model):
    """Keras cannot write down what it is made with."""

    def __init__(self, norm, **options):
        super().__init__(**options)
        self.front, self.back = keras.layers.Dense(4), keras.layers.Dense(2)
        self.norm = keras.layers.BatchNormalization() if norm else None

    def call(self, inputs, training=None):
        x = self.front(inputs)
        return self.back(x if self.norm is None else self.norm(x, training=training))


class Optional(Required):
    """Keras writes the default value down, whatever it was made with."""

    def __init__(self, norm=None, **options):
        super().__init__(norm, **options)


class Failing(Required):
    def get_config(self):
        raise KeyError("norm")


class Saved(Required):
    """The same with a configuration of its own."""

    def __init__(self, norm, **options):
        super().__init__(norm, **options)
        self.placed = norm and norm.name

    def get_config(self):
        return {"norm": self.placed}

    @classmethod
    def from_config(cls, config):
        return cls(Variant.parse(config["norm"]))


def trained(kind, norm=AFTER):
    model = kind(norm)
    model(X)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], epochs=3, verbose=0)
    return model


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        pytest.param(Required, "has no get_config()", id="an argument"),
        pytest.param(
            Optional, "the default values of its arguments", id="another than the default"
        ),
        pytest.param(Failing, "KeyError", id="a configuration that fails"),
    ],
)
def test_of_a_model_that_keras_cannot_save_the_weights_are_written(tmp_path, caplog, kind, why):
    (tmp_path / "best.keras").touch()  # of an earlier winner
    model, again = trained(kind), trained(kind)
    with caplog.at_level(logging.WARNING, "normwise"):
        write_best(model, tmp_path)
    assert f"Keras cannot save a model of class {kind.__name__!r}" in caplog.text
    assert why in caplog.text
    assert best_in(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["best.weights.h5"]
    again.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(again(X), model(X))


@pytest.mark.parametrize(("kind", "norm"), [(Saved, AFTER), (Optional, None)])
def test_what_keras_can_save_is_saved_whole(tmp_path, kind, norm):
    (tmp_path / "best.weights.h5").touch()
    model = trained(kind, norm)
    write_best(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["best.keras"]
    own = {kind.__name__: kind}
    again = keras.saving.load_model(tmp_path / "best.keras", own, compile=False)
    np.testing.assert_array_equal(again(X), model(X))
    assert best_in(tmp_path)
