"""The builder that a refusal shows is code for the model at hand, in its own names."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import from_arrays
from normwise.errors import ModelError
from normwise.models import place
from normwise.models.source import ModelSource


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.front, self.back = layers.Dense(4, activation="relu"), layers.Dense(1)

    def call(self, inputs):
        return self.back(self.front(inputs))


class Pair(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.wide = layers.Dense(6)

    def call(self, inputs):
        return self.wide(inputs)


class Halved(keras.Model):
    def __init__(self, width):
        inputs = keras.Input((2,))
        super().__init__(inputs, layers.Dense(1)(layers.Dense(width)(inputs)))

    def compute_loss(self, *args, **options):
        return 0.5 * super().compute_loss(*args, **options)


def test_a_subclassed_model_is_told_how_to_build_itself():
    model = Net()
    model(np.zeros((1, 2)))
    with pytest.raises(ModelError) as caught:
        place(model, "after")
    for part in ("class Net(keras.Model):", "self.front_norm = ", "x = self.front(inputs)", "def build(norm):", "model = Net(norm, ...)"):  # fmt: skip
        assert part in str(caught.value)


def test_a_layer_that_hides_dense_ones_is_named_with_its_builder():
    model = keras.Sequential([keras.Input((2,)), Pair(name="pair"), layers.Dense(1)], name="mine")
    with pytest.raises(ModelError) as caught:
        place(model, "after")
    for part in ("inside 'pair' (Pair)", "class Pair(keras.Layer):", "self.wide_norm", "Pair(norm, ..., name='pair')"):  # fmt: skip
        assert part in str(caught.value)


def test_steps_that_a_copy_would_lose_are_refused():
    x, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    with pytest.raises(
        ModelError, match=r"'halved\w*' is of type Halved, which has steps of tr"
    ) as e:
        ModelSource(Halved(3), from_arrays(x, y))
    assert "model = Halved(norm, ...)" in str(e.value)
