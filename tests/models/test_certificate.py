"""What a certificate says of a folded model, worked out with NumPy where the copy is made wrong."""

import time

import keras
import numpy as np
import pytest
from disturbing import disturbed
from keras import layers

from normwise.errors import DataError
from normwise.models.certificate import certify, example_inputs, largest_difference
from normwise.models.folding import folding_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(8).normal(size=(20, 4)).astype("float32")


def stack():
    """Normalisation behind a layer, behind another, in front of one, and where it stays."""
    return disturbed(
        keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(3, name="first"),
                layers.BatchNormalization(name="behind"),
                layers.ReLU(),
                layers.BatchNormalization(name="in_front"),
                layers.Dense(5, name="second"),
                layers.BatchNormalization(name="behind_too"),
                layers.Activation("tanh", name="bent"),
                layers.BatchNormalization(name="stays"),
            ],
            name="whole",
        )
    )


def shifted(folding, name, by):
    """A folding gone wrong: the bias of one layer is off."""
    layer = folding.model.get_layer(name)
    layer.bias.assign(np.asarray(layer.bias) + np.asarray(by, "float32"))
    return folding


def part(model, name, x):
    return np.asarray(keras.Model(model.inputs[0], model.get_layer(name).output)(x), np.float64)


def gap(before, after):
    return np.abs(after - before).max() / np.abs(before).max()


def test_what_is_right_is_certified():
    model = stack()
    found = certify(model, folding_of(model), X)
    wanted = {"behind": "first", "in_front": "second", "behind_too": "second"}
    assert found.folded == wanted
    assert list(found.left) == ["stays"]
    assert found.left["stays"] == (
        "it follows 'bent', a Activation, and several use what it gives, or it is an output"
    )
    assert max(found.difference, found.call_difference, *found.layers.values()) < 1e-5
    assert found.disagreement < 1e-5
    assert (found.inputs, found.onnx, found.tolerance) == ("data", None, 1e-4)
    assert found.holds
    assert found.is_unambiguous


def test_differences_are_of_the_largest_value_at_the_end_and_behind_each_layer():
    model = stack()
    folding = shifted(folding_of(model), "second", [0, 0, -0.5, 0, 0])
    found = certify(model, folding, X)
    # In front of `second` nothing of the normalisation is left to compare.
    assert list(found.layers) == ["behind", "behind_too"]
    wanted = gap(part(model, "behind_too", X), part(folding.model, "second", X))
    assert found.layers["behind_too"] == pytest.approx(wanted, rel=1e-4)
    assert found.layers["behind"] < 1e-5
    at_the_end = gap(np.asarray(model(X), np.float64), np.asarray(folding.model(X), np.float64))
    assert at_the_end > 1e-3
    assert found.difference == pytest.approx(at_the_end, rel=1e-4)
    assert found.call_difference == pytest.approx(at_the_end, rel=1e-4)
    assert found.disagreement < 1e-5
    assert not found.holds
    assert found.is_unambiguous


def test_of_several_outputs_each_is_compared_by_its_own_size():
    inputs = {"b": keras.Input((4,), name="b"), "a": keras.Input((2,), name="a")}
    large = layers.Dense(2, name="large")(inputs["a"])
    small = layers.BatchNormalization(name="norm")(layers.Dense(2, name="small")(inputs["b"]))
    model = disturbed(keras.Model(inputs, {"large": 1000 * large, "small": small}))
    x = {"a": X[:, :2], "b": X}
    folding = shifted(folding_of(model), "small", [0.25, 0])
    found = certify(model, folding, x)
    wanted = 0.25 / np.abs(model.predict(x, verbose=0)["small"]).max()
    assert found.difference == pytest.approx(wanted, rel=1e-4)
    assert found.layers == {"norm": pytest.approx(wanted, rel=1e-4)}


def test_of_a_nested_model_its_output_stands_for_it():
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="d"), layers.BatchNormalization(name="norm")]
    )
    model = disturbed(keras.Sequential([keras.Input((4,)), inner, layers.Dense(1)]))
    found = certify(model, folding_of(model), X)
    assert (found.folded, found.layers) == ({"norm": "d"}, {})


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("mixed_float16", 1e-2), ("mixed_bfloat16", 1e-1), ("float32", 1e-4)]
)
@pytest.mark.parametrize(("share", "holds"), [(0.5, True), (2.0, False)])
def test_the_coarsest_precision_of_a_layer_says_what_rounding_may_come_to(
    dtype, tolerance, share, holds
):
    model = disturbed(
        keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(4, dtype=dtype),
                layers.Dense(3, name="last"),
                layers.BatchNormalization(),
            ]
        )
    )
    largest = np.abs(model.predict(X, verbose=0)).max()
    found = certify(model, shifted(folding_of(model), "last", share * tolerance * largest), X)
    assert found.tolerance == tolerance
    assert found.holds is holds


def test_without_data_it_is_compared_on_random_numbers():
    model = stack()
    found = certify(model, folding_of(model))
    assert found.inputs == "random numbers"
    assert 0 < found.difference < 1e-5


def test_data_that_do_not_fit_are_refused():
    model = stack()
    with pytest.raises(DataError, match=r"do not fit model 'whole' .* shape \(None, 4\)"):
        certify(model, folding_of(model), X[:, :3])


class Slow(layers.Layer):
    """Takes a twentieth of a second, each time that Python comes by."""

    def call(self, x):
        time.sleep(0.05)
        return x


def test_seconds_are_of_a_prediction_before_and_after():
    slow = keras.Sequential([keras.Input((4,)), Slow(), layers.Dense(1)])
    quick = keras.Sequential([keras.Input((4,)), *slow.layers[1:]])
    for model in (slow, quick):
        model.compile(run_eagerly=True)
    folding = folding_of(slow)
    before, after = certify(slow, type(folding)(quick, {}, {}), X).seconds
    assert 0.05 <= before < 5
    assert 0 < after < before - 0.04


def test_examples_have_the_sizes_and_types_that_a_model_takes():
    tokens = keras.Input((7,), dtype="int32", name="tokens")
    picture = keras.Input((None, 6, 1), name="picture")
    half = keras.Input((), dtype="float16", name="half")
    inputs = {"tokens": tokens, "picture": picture, "half": half}
    model = keras.Model(inputs, [layers.Embedding(10, 2)(tokens), picture, half])
    drawn = example_inputs(model, 40)
    assert {name: array.shape for name, array in drawn.items()} == {
        "tokens": (40, 7), "picture": (40, 32, 6, 1), "half": (40,),
    }  # fmt: skip
    assert set(drawn["tokens"].ravel().tolist()) == set(range(10))
    assert (drawn["picture"].dtype, drawn["half"].dtype) == ("float32", "float16")
    assert abs(drawn["picture"].mean()) < 0.05
    assert drawn["picture"].std() == pytest.approx(1, rel=0.05)
    again = example_inputs(model, 40)
    for name, array in drawn.items():  # the same each time
        np.testing.assert_array_equal(array, again[name])
    assert len(example_inputs(model)["half"]) == 32


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ([[1.0, -4.0]], [[1.5, -4.0]], 0.125),
        ([[1.0, 2.0]], [[1.0, 1.0]], 0.5),
        ([[0.5]], [[0.25]], 0.5),
        ([[1.0, 2.0], [100.0]], [[1.0, 3.0], [101.0]], 0.5),
        ([[100.0], [2.0]], [[101.0], [1.0]], 0.5),
        ([[0.0, 0.0]], [[0.0, 0.25]], 0.25),  # of nothing, there is no share
        ([[3.0]], [[3.0]], 0.0),
    ],
)
def test_the_largest_difference_is_a_share_of_the_largest_value_of_its_output(
    before, after, wanted
):
    outputs = [[np.array(one, "float32") for one in ones] for ones in (before, after)]
    assert largest_difference(*outputs) == wanted


@pytest.mark.parametrize(
    ("dtype", "before", "after"), [("float16", 6e4, -6e4), ("int8", 60, -60), ("int8", -128, 127)]
)
def test_a_difference_may_be_larger_than_its_type_holds(dtype, before, after):
    outputs = [np.array([one], dtype) for one in (before, after)]
    assert largest_difference(*outputs) == abs(after - before) / abs(before)
