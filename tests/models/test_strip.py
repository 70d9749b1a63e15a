"""What `strip` takes out, and that it undoes `place`."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.errors import ModelError
from normwise.layers import BatchNormalization
from normwise.models import place, strip

# Keras 3.15's `get_weights` and `save` under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def stack(*members):
    return keras.Sequential([keras.Input((4,)), *members, layers.Dense(1, name="out")])


def names(model):
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    "variant",
    [
        "before",
        "after",
        "input+before+after",
        "before:bias=true,norm=group",
        "before:center=false",
    ],
)
def test_stripping_what_was_placed_gives_the_model_back(feedforward, variant):
    again = strip(place(feedforward, variant))
    assert structure(again) == structure(feedforward)
    for old, new in zip(feedforward.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def structure(model):
    """Every layer's class, name, activation and weight shapes, nested ones included."""
    return [
        (
            type(layer).__name__,
            layer.name,
            str(getattr(layer, "activation", None)),
            [w.shape for w in layer.weights],
        )
        for layer in model._flatten_layers(include_self=False)
        if not (isinstance(layer, layers.InputLayer) or "leaky_re_lu" in layer.name)
    ]


def test_stripping_after_recurrent_layers(build):
    model = build("sequence")
    again = strip(place(model, "after"))
    assert structure(again) == structure(model)


@pytest.mark.parametrize(
    "norm",
    [
        layers.BatchNormalization(epsilon=1e-7),
        BatchNormalization(epsilon=1e-7),
        layers.TimeDistributed(layers.BatchNormalization(epsilon=1e-7)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_stripping_an_identity_changes_no_prediction(norm):
    model = keras.Sequential(
        [keras.Input((5, 4)), layers.Dense(4, use_bias=False), norm, layers.Dense(2)]
    )
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    stripped = strip(model)
    assert len(stripped.layers) == 2
    np.testing.assert_allclose(stripped(x), model(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "norm",
    [
        layers.LayerNormalization(),
        layers.GroupNormalization(2),
        layers.RMSNormalization(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_other_normalisers_go_too(norm):
    assert names(strip(stack(layers.Dense(4, name="a"), norm))) == ["a", "out"]


def test_preprocessing_and_unit_normalisation_stay():
    model = stack(
        layers.Normalization(mean=0.0, variance=1.0, name="pre"),
        layers.UnitNormalization(name="unit"),
    )
    assert names(strip(model)) == ["pre", "unit", "out"]


def test_an_offset_becomes_the_bias():
    model = stack(layers.Dense(3, use_bias=False, name="a"), layers.BatchNormalization(name="bn"))
    model.get_layer("bn").beta.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(strip(model).get_layer("a").bias, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("between", "norm", "expected"),
    [
        ([], layers.BatchNormalization(), True),
        ([layers.Dropout(0.1)], layers.BatchNormalization(), True),
        ([layers.ReLU()], layers.BatchNormalization(), False),
        ([], layers.BatchNormalization(center=False), False),
        ([], layers.RMSNormalization(), False),
        ([layers.Dense(4)], layers.BatchNormalization(), False),
        ([layers.AveragePooling1D(1)], layers.BatchNormalization(), True),
        ([layers.Reshape((2, 2, 4))], layers.BatchNormalization(), False),
    ],
)
def test_who_gets_a_bias(between, norm, expected):
    """A layer whose offset β is: with nothing in between that bends, mixes or shapes."""
    first = layers.Dense(4, use_bias=False, name="a")
    model = keras.Sequential([keras.Input((4, 4)), first, *between, norm, layers.Dense(1)])
    assert strip(model).get_layer("a").use_bias is expected


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        (layers.LayerNormalization(axis=[-1], name="norm"), [1.0, 2.0, 3.0]),
        (layers.LayerNormalization(axis=[1, 2], name="norm"), [0.0, 0.0, 0.0]),
        (layers.BatchNormalization(axis=1, name="norm"), [0.0, 0.0, 0.0]),
    ],
    ids=["channels", "channels and steps", "steps"],
)
def test_an_offset_of_other_axes_is_no_bias(norm, expected):
    first = layers.Dense(3, use_bias=False, name="a")
    model = keras.Sequential([keras.Input((3, 4)), first, norm, layers.Dense(1)])
    norm.beta.assign(np.broadcast_to([1.0, 2.0, 3.0], norm.beta.shape))
    np.testing.assert_array_equal(strip(model).get_layer("a").bias, expected)


def test_an_offset_becomes_the_bias_where_channels_come_first_too():
    first = layers.Conv1D(3, 1, use_bias=False, data_format="channels_first", name="a")
    norm = layers.BatchNormalization(axis=1)
    model = keras.Sequential([keras.Input((2, 5)), first, norm, layers.Flatten(), layers.Dense(1)])
    norm.beta.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(strip(model).get_layer("a").bias, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("options", [{"activation": "relu"}, {"trainable": False}], ids=str)
def test_who_gets_none_by_its_own_options(options):
    first = layers.Dense(4, use_bias=False, name="a", **options)
    assert not strip(stack(first, layers.BatchNormalization())).get_layer("a").use_bias


def test_an_offset_behind_many_sums_is_looked_for_once_in_each():
    inputs = keras.Input((4,))
    x = layers.Dense(4, use_bias=False, name="a")(inputs)
    for _ in range(40):  # 2⁴⁰ ways through them
        x = layers.Add()([x, layers.Dropout(0.1)(x)])
    model = keras.Model(inputs, layers.Dense(1)(layers.BatchNormalization()(x)))
    assert strip(model).get_layer("a").use_bias


def test_a_frozen_model_whose_normalisation_trains_on_is_no_baseline():
    """Frozen models stay as they are, and this one would normalise by the batch."""
    norm = layers.BatchNormalization(name="norm")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), norm], name="inner")
    inner.trainable = False
    norm.trainable = True
    with pytest.raises(ModelError, match=r"'norm' \(BatchNormalization\) in layer 'inner'"):
        strip(stack(inner))


def test_layers_in_front_of_a_concatenation_get_a_bias():
    inputs = keras.Input((4,))
    both = [layers.Dense(4, use_bias=False, name=name)(inputs) for name in "ab"]
    x = layers.BatchNormalization()(layers.Concatenate(name="concat")(both))
    stripped = strip(keras.Model(inputs, layers.Dense(1)(layers.ReLU()(x))))
    for name in "ab":
        np.testing.assert_array_equal(stripped.get_layer(name).bias, np.zeros(4))


def test_normalisation_at_either_end_goes_too():
    inputs = keras.Input((4,))
    x = layers.Dense(2, name="a")(layers.BatchNormalization()(inputs))
    stripped = strip(keras.Model(inputs, layers.BatchNormalization()(x)))
    assert [type(layer).__name__ for layer in stripped.layers] == ["InputLayer", "Dense"]
    assert stripped(X).shape == (3, 2)


def test_nested_normalisation_goes_and_frozen_stays():
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="a"), layers.BatchNormalization(name="bn")],
        name="inner",
    )
    model = stack(inner, layers.BatchNormalization(name="outer", trainable=False))
    stripped = strip(model)
    assert names(stripped.get_layer("inner")) == ["a"]
    assert names(stripped) == ["inner", "outer", "out"]


def test_a_nested_model_of_normalisation_alone_becomes_the_identity():
    inner = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(epsilon=1e-7)], name="n")
    model = stack(inner, layers.Dense(4, name="a"))
    placed = place(strip(model), "after:epsilon=1e-7")
    assert names(placed) == ["n", "a", "a_norm", "out"]
    np.testing.assert_allclose(placed(X), model(X), rtol=1e-4, atol=1e-6)


def test_a_mask_passes_where_normalisation_was():
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.BatchNormalization(epsilon=1e-7),
            layers.LSTM(3),
            layers.Dense(1),
        ]
    )
    tokens = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 0, 0]])
    np.testing.assert_allclose(strip(model)(tokens), model(tokens), rtol=1e-4, atol=1e-6)


def test_the_stripped_model_is_untouched():
    model = stack(layers.Dense(4, use_bias=False, name="a"), layers.BatchNormalization(name="bn"))
    before = model.get_config()
    strip(model)
    assert model.get_config() == before
    assert names(model) == ["a", "bn", "out"]


def test_a_published_network_comes_back_with_its_normalisation_where_it_was():
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=3)
    placed = place(strip(model), "before")
    assert normalised(placed) == normalised(model)
    assert all(not placed.get_layer(n).use_bias for n in ("Conv1", "expanded_conv_project"))


def normalised(model):
    """The layers whose output a batch normalisation takes."""
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    return [norm.input._keras_history.operation.name for norm in norms]
