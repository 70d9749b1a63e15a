"""Seeing what layers are called with, and leaving what they give as it is."""

import keras
import numpy as np
from keras import layers

from normwise.models.hooks import watching


class Sum(layers.Layer):
    """Of three things, handed over in whatever way."""

    supports_masking = True

    def call(self, a, b, c=0.0, mask=None):  # noqa: ARG002
        return a + b + c


def test_whatever_a_layer_is_called_with_it_gives_the_same_and_is_seen():
    one, seen = Sum(), []
    x, mask = np.ones((2, 3), "float32"), np.array([[True, False, True]] * 2)
    with watching([one], lambda *call: seen.append(call)):
        found = [one(x, 2 * x, 3 * x), one(x, 2 * x, c=3 * x, mask=mask)]
    for given in (*found, one(x, 2 * x, 3 * x)):
        np.testing.assert_array_equal(given, 6 * x)
    assert [layer for layer, *_ in seen] == [one, one]
    assert all((np.asarray(inputs) == x).all() for _, inputs, _ in seen)
    assert seen[0][2] is None
    np.testing.assert_array_equal(seen[1][2], mask)
    assert keras.ops.is_tensor(found[0])
