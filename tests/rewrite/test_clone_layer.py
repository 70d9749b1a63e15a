"""Layers made anew from what Keras says of them."""

import keras
import pytest
from keras import layers

from normwise.rewrite.rebuild import clone_layer


@pytest.mark.parametrize(
    ("factors", "ranges"),
    [((0.2, 0.1), ((-0.2, 0.2), (-0.1, 0.1))), ((0.2, (0.1, 0.3)), ((-0.2, 0.2), (0.1, 0.3)))],
)
def test_a_layer_that_refuses_its_own_configuration(factors, ranges):
    # What RandomShear makes of a number is a range that its constructor does not take.
    layer = layers.RandomShear(*factors, fill_mode="nearest", seed=3, name="shear", trainable=False)
    made = clone_layer(layer)
    assert made is not layer
    assert (tuple(made.x_factor), tuple(made.y_factor)) == ranges
    assert made.get_config() == layer.get_config()
    assert clone_layer(layer, seed=5).seed == 5


class Lazy(layers.Layer):
    """Makes the one layer when it is made, and the other when it is built."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = layers.BatchNormalization()

    def build(self, shape):
        self.dense = layers.Dense(shape[-1])
        self.built = True

    def call(self, x):
        return self.norm(self.dense(x))


class Pair(layers.Layer):
    """Two layers, which Keras numbers on, the one with layers of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.last = Lazy(), layers.LayerNormalization()

    def call(self, x):
        return self.last(self.first(x))


def test_a_layer_of_ones_own_and_those_inside_keep_their_names():
    pair = Pair(name="mine")  # which Keras leaves out of a configuration that is not the user's own
    pair(keras.Input((3,)))
    made = clone_layer(pair)
    assert made.first.norm is not pair.first.norm
    for old, new in (
        (pair, made), (pair.last, made.last), (pair.first, made.first),
        (pair.first.norm, made.first.norm),
    ):  # fmt: skip
        assert new.name == old.name


class Bent(layers.Layer):
    """Has an activation, and takes none."""

    def __init__(self, **options):
        super().__init__(**options)
        self.activation = keras.activations.tanh

    def call(self, x):
        return self.activation(x)


def test_an_activation_that_is_no_argument_is_left_to_the_layer():
    assert clone_layer(Bent(name="bent")).activation is keras.activations.tanh
