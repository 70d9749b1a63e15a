"""Layers made anew from what Keras says of them."""

import pytest
from keras import layers

from normwise.rewrite.rebuild import anew


@pytest.mark.parametrize(
    ("factors", "ranges"),
    [((0.2, 0.1), ((-0.2, 0.2), (-0.1, 0.1))), ((0.2, (0.1, 0.3)), ((-0.2, 0.2), (0.1, 0.3)))],
)
def test_a_layer_that_refuses_its_own_configuration(factors, ranges):
    # What RandomShear makes of a number is a range that its constructor does not take.
    layer = layers.RandomShear(*factors, fill_mode="nearest", seed=3, name="shear", trainable=False)
    made = anew(layer)
    assert made is not layer
    assert (tuple(made.x_factor), tuple(made.y_factor)) == ranges
    assert made.get_config() == layer.get_config()
    assert anew(layer, seed=5).seed == 5
