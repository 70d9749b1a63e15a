"""Dropout that a variant asks for: where it stands, and what it leaves alone."""

import keras
import numpy as np
import pytest

from normwise.domain import Variant
from normwise.errors import VariantError
from normwise.models import place, strip

WHERE = [
    ("dense_stack", "none:drop_after=0.3", "a a_drop b b_drop out"),
    ("dense_stack", "after:drop_after=0.3", "a a_norm a_drop b b_norm b_drop out"),
    ("dense_stack", "after:drop_before=0.3", "a a_drop a_norm b b_drop b_norm out"),
    (
        "dense_stack",
        "before:drop_after=0.3",
        "a a_norm a_activation a_drop b b_norm b_activation b_drop out",
    ),
    (
        "dense_stack",
        "before:drop_before=0.3",
        "a a_drop a_norm a_activation b b_drop b_norm b_activation out",
    ),
    ("dense_stack", "input:drop_after=0.3", "x_norm x_drop a b out"),
    ("separate_activations", "none:drop_after=0.3",
     "a leaky a_drop b prelu b_drop drop c c_drop out softmax"),
    ("convolutions", "after:drop_before=0.2,drop_after=0.1",
     "rescale a pool drop relu a_drop a_norm a_drop_1 b b_drop b_norm b_drop_1 "
     "c c_drop c_norm c_drop_1 flat out"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "variant", "expected"), WHERE)
def test_where_dropout_stands(build, name, variant, expected):
    placed = place(build(name), variant)
    assert " ".join(layer.name for layer in placed.layers) == expected


def test_the_rates_are_those_of_the_variant(build):
    placed = place(build("dense_stack"), "after:drop_before=0.25,drop_after=0.5")
    rates = [layer.rate for layer in placed.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25, 0.5, 0.25, 0.5]


@pytest.mark.parametrize("variant", ["none:drop_after=0.3", "after:drop_before=0.3"])
def test_dropout_changes_no_weight(feedforward, variant):
    plain = Variant.parse(variant.partition(":")[0])
    with_dropout, without = place(feedforward, variant), place(feedforward, plain)
    for one, other in zip(with_dropout.trainable_weights, without.trainable_weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one.value), np.asarray(other.value))


@pytest.mark.parametrize(("variant", "kept"), [("before:drop_before=0.3", True), ("before", False)])
def test_a_bias_that_dropout_scales_is_not_redundant(build, variant, kept):
    assert place(build("dense_stack"), variant).get_layer("a").use_bias is kept


def test_stripping_leaves_the_dropout():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(1)]
    )
    stripped = strip(place(model, "after:drop_before=0.3"))
    assert [layer.name for layer in stripped.layers][:2] == ["a", "a_drop"]


def test_without_normalisation_there_is_nothing_to_stand_before():
    message = (
        "'none:drop_before=0.3' sets options on 'none', which has no normalisation; expected a "
        "place before ':', or drop_after alone; try 'after:drop_before=0.3'"
    )
    with pytest.raises(VariantError, match=message):
        Variant.parse("none:drop_before=0.3")
