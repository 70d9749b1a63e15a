"""Folded models against the models that they were, with statistics that are no identity."""

import functools
import itertools

import jax
import keras
import numpy as np
import pytest
from disturbing import disturbed
from keras import layers

from normwise.errors import ModelError
from normwise.layers import BatchNormalization
from normwise.models import fold
from normwise.models.folding import folding_of

DRAW = np.random.default_rng(11)


def as_it_is(model, x):
    """What a model says, layer after layer."""
    return np.asarray(model(x, training=False))


def at_once(model, x):
    """The same as one program: a hundred layers take a third of the time to compile."""
    weights = [[variable.value for variable in part] for part in (
        model.trainable_variables, model.non_trainable_variables)]  # fmt: skip
    said, _ = jax.jit(functools.partial(model.stateless_call, training=False))(*weights, x)
    return np.asarray(said)


def agree(model, found, shape=None, atol=2e-6, said=as_it_is):
    x = DRAW.normal(size=(3, *(shape or model.input_shape[1:]))).astype("float32")
    wanted, given = said(model, x), said(found.model, x)
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(given / scale, wanted / scale, atol=atol)


LINEAR = {
    "dense": ((5,), lambda **o: layers.Dense(4, **o)),
    "dense of rank 3": ((3, 5), lambda **o: layers.Dense(4, **o)),
    "1d": ((9, 4), lambda **o: layers.Conv1D(6, 3, padding="causal", **o)),
    "2d": ((8, 8, 4), lambda **o: layers.Conv2D(6, 3, padding="same", strides=2, **o)),
    "2d in groups": ((8, 8, 4), lambda **o: layers.Conv2D(6, 3, groups=2, **o)),
    "2d dilated": ((8, 8, 4), lambda **o: layers.Conv2D(6, 3, dilation_rate=2, **o)),
    "3d": ((4, 4, 4, 2), lambda **o: layers.Conv3D(3, 2, **o)),
    "depthwise 1d": ((9, 4), lambda **o: layers.DepthwiseConv1D(3, depth_multiplier=2, **o)),
    "depthwise 2d": ((8, 8, 4), lambda **o: layers.DepthwiseConv2D(3, depth_multiplier=3, **o)),
    "separable 1d": ((9, 4), lambda **o: layers.SeparableConv1D(6, 3, **o)),
    "separable 2d": ((8, 8, 4), lambda **o: layers.SeparableConv2D(6, 3, depth_multiplier=2, **o)),
    "transposed 1d": ((5, 4), lambda **o: layers.Conv1DTranspose(6, 3, strides=2, **o)),
    "transposed 2d": ((5, 5, 4), lambda **o: layers.Conv2DTranspose(6, 3, strides=2, **o)),
    "transposed 3d": ((3, 3, 3, 2), lambda **o: layers.Conv3DTranspose(4, 2, **o)),
}


@pytest.mark.parametrize(
    ("kind", "bias", "norm"),
    [
        (kind, bias, norm)
        for kind, (bias, norm) in itertools.product(
            LINEAR,
            [(True, {}), (False, {"scale": False}), (True, {"center": False, "epsilon": 0.1})],
        )
    ],
)
def test_a_normalisation_behind_a_linear_layer(kind, bias, norm):
    shape, make = LINEAR[kind]
    model = disturbed(
        keras.Sequential(
            [
                keras.Input(shape),
                make(use_bias=bias, name="linear"),
                layers.BatchNormalization(name="norm", **norm),
                layers.ReLU(),
            ]
        )
    )
    before = [np.array(v.value) for v in model.variables]
    found = folding_of(model)
    assert (found.folded, found.left) == ({"norm": "linear"}, {})
    assert not any("norm" in layer.name for layer in found.model.layers)
    agree(model, found)
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.value)


def test_in_front_of_a_dense_layer_and_on_both_sides():
    model = disturbed(
        keras.Sequential(
            [
                keras.Input((6,)),
                layers.BatchNormalization(name="input_norm"),
                layers.Dropout(0.5),
                layers.Dense(5, name="first"),
                layers.BatchNormalization(name="first_norm"),
                layers.Activation("tanh"),
                layers.BatchNormalization(name="after"),
                layers.Dense(2, activation="softmax", name="second"),
            ]
        )
    )
    found = folding_of(model)
    assert found.folded == {"input_norm": "first", "first_norm": "first", "after": "second"}
    agree(model, found)


def test_behind_a_layer_and_dropout():
    stack = [
        layers.Dense(4, name="dense"),
        layers.Dropout(0.5),
        layers.BatchNormalization(name="norm"),
    ]
    model, found = folded((5,), stack)
    assert (found.folded, found.left) == ({"norm": "dense"}, {})
    agree(model, found)


VALID = {
    "1d": ((9, 4), lambda: layers.Conv1D(6, 3, name="linear")),
    "2d": ((8, 8, 4), lambda: layers.Conv2D(6, 3, strides=2, use_bias=False, name="linear")),
    "2d in groups": ((8, 8, 4), lambda: layers.Conv2D(6, 3, groups=2, name="linear")),
    "2d dilated": ((8, 8, 4), lambda: layers.Conv2D(6, 3, dilation_rate=2, name="linear")),
    "3d": ((4, 4, 4, 2), lambda: layers.Conv3D(3, 2, name="linear")),
    "depthwise 1d": ((9, 4), lambda: layers.DepthwiseConv1D(3, name="linear")),
    "depthwise 2d": (
        (8, 8, 4),
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=3, name="linear"),
    ),
    "separable 1d": ((9, 4), lambda: layers.SeparableConv1D(6, 3, name="linear")),
    "separable 2d": (
        (8, 8, 4),
        lambda: layers.SeparableConv2D(6, 3, depth_multiplier=2, name="linear"),
    ),
    "dense of rank 3": ((3, 5), lambda: layers.Dense(4, name="linear")),
}


@pytest.mark.parametrize("kind", VALID)
def test_in_front_of_a_layer_that_does_not_pad(kind):
    shape, make = VALID[kind]
    stack = [layers.ReLU(), layers.BatchNormalization(name="norm"), make(),
             layers.BatchNormalization(name="behind")]  # fmt: skip
    model = disturbed(keras.Sequential([keras.Input(shape), *stack]))
    found = folding_of(model)
    assert (found.folded, found.left) == ({"norm": "linear", "behind": "linear"}, {})
    agree(model, found)


@pytest.mark.parametrize(
    "between",
    [
        lambda: [layers.Flatten()],
        lambda: [layers.GlobalAveragePooling2D()],
        lambda: [layers.GlobalMaxPooling2D(), layers.Dropout(0.5)],
        lambda: [layers.Dropout(0.5), layers.MaxPooling2D(2, padding="same"), layers.Flatten()],
        lambda: [layers.AveragePooling2D(2, padding="same"), layers.Flatten()],
        lambda: [layers.AveragePooling2D(3, strides=1), layers.Conv2D(2, 2), layers.Flatten()],
    ],
)
def test_pooling_and_flattening_may_come_in_between(between):
    stack = [layers.Conv2D(3, 2, activation="relu"), layers.BatchNormalization(name="norm"),
             *between(), layers.Dense(2)]  # fmt: skip
    model = disturbed(keras.Sequential([keras.Input((6, 6, 2)), *stack]))
    found = folding_of(model)
    assert (list(found.folded), found.left) == (["norm"], {})
    agree(model, found)


def behind_a_maximum_of_negatives():
    stack = [layers.Conv2D(4, 2, activation="relu"), layers.BatchNormalization(name="norm"),
             layers.MaxPooling2D(2, name="pool"), layers.Flatten(), layers.Dense(2)]  # fmt: skip
    model = disturbed(keras.Sequential([keras.Input((6, 6, 2)), *stack]))
    model.get_layer("norm").gamma.assign([1, -1, 1, 1])
    return model


def test_a_factor_below_zero_does_not_pass_a_maximum():
    model = behind_a_maximum_of_negatives()
    found = folding_of(model)
    assert found.folded == {}
    assert "'pool' behind it is a MaxPooling2D" in found.left["norm"]
    agree(model, found)


def test_a_factor_of_zero_does():
    model = behind_a_maximum_of_negatives()
    model.get_layer("norm").gamma.assign([1, 0, 1, 1])
    found = folding_of(model)
    assert list(found.folded) == ["norm"]
    agree(model, found)


def test_what_cancels_is_subtracted_in_float64():
    """A bias that the mean takes away: in single precision, nothing of it would be left."""
    dense, norm = layers.Dense(2, name="dense"), layers.BatchNormalization(name="norm")
    model = keras.Sequential([keras.Input((3,)), dense, norm])
    dense.bias.assign([1e6 + 0.5, 3.0])
    norm.moving_mean.assign([1e6, 1.0])
    norm.moving_variance.assign([4.0, 1.0])
    wanted = np.array([0.5, 2.0]) / np.sqrt(np.array([4.0, 1.0]) + norm.epsilon)
    np.testing.assert_allclose(fold(model).get_layer("dense").bias, wanted, rtol=1e-6)


def branching(*, shared=False):
    x = keras.Input((6, 6, 3))
    conv = layers.Conv2D(4, 3, name="conv")
    y = conv(x)
    normed = layers.BatchNormalization(name="norm")(y)
    other = conv(x) if shared else y
    return keras.Model(x, layers.Add(name="sum")([normed, other]))


def into_a_shared_layer(*, pooled=False):
    x = keras.Input((6, 3), name="x")
    shared = layers.Dense(4, name="dense")
    normed = layers.BatchNormalization(name="norm")(x)
    between = layers.GlobalAveragePooling1D() if pooled else layers.Dropout(0.5)
    other = layers.GlobalAveragePooling1D() if pooled else layers.Identity()
    return keras.Model(x, layers.Add()([shared(between(normed)), shared(other(x))]))


def branching_behind_dropout():
    x = keras.Input((3,))
    y = layers.Dropout(0.5)(layers.Dense(4)(x))
    normed = layers.BatchNormalization(name="norm")(y)
    return keras.Model(x, layers.Add(name="sum")([normed, y]))


def between(first, last, shape=(6, 6, 3), axis=-1):
    norm = layers.BatchNormalization(axis, name="norm")
    return keras.Sequential([keras.Input(shape), first, norm, last])


PADDED = {"padding": "same", "name": "last"}
BEHIND = "it follows 'relu', a ReLU, and "
LEFT = {
    "it follows 'x', a InputLayer, and 'dense' is called more than once": into_a_shared_layer,
    "it follows 'x', a InputLayer, and 'dense' is called more than once ": lambda: (
        into_a_shared_layer(pooled=True)
    ),
    "'conv' has an activation in between, and 'last' behind it pads with zeros, which it would "
    "have moved": lambda: between(
        layers.Conv2D(4, 3, activation="relu", name="conv"), layers.Conv2D(2, 3, **PADDED)
    ),
    BEHIND + "'last' behind it pads with zeros, which it would have moved": lambda: between(
        layers.ReLU(name="relu"), layers.Conv2D(2, 3, **PADDED)
    ),
    BEHIND + "'last' behind it is a Conv2DTranspose": lambda: between(
        layers.ReLU(name="relu"), layers.Conv2DTranspose(2, 3, name="last")
    ),
    BEHIND + "'last' takes another axis": lambda: between(
        layers.ReLU(name="relu"),
        layers.Conv2D(2, 3, data_format="channels_first", name="last"),
    ),
    "others use 'conv', too, and 'sum' behind it is a Add": branching,
    "others use what it takes, too, and 'sum' behind it is a Add": branching_behind_dropout,
    "'conv' is called more than once, and 'sum' behind it is a Add": lambda: branching(shared=True),
    "it normalises another axis than the channels, and 'relu' behind it is a ReLU": lambda: between(
        layers.Dense(4, name="d"), layers.ReLU(name="relu"), shape=(6, 4), axis=1
    ),
    "it normalises another axis than the channels, and several use what it gives, or it is an "
    "output": lambda: keras.Sequential(
        [keras.Input((6, 4)), layers.Dense(4, name="d"), layers.BatchNormalization(1, name="norm")]
    ),
}


@pytest.mark.parametrize("why", LEFT)
def test_what_cannot_be_folded_stays_and_the_reason_is_given(why):
    model = disturbed(LEFT[why]())
    found = folding_of(model)
    assert (found.folded, found.left) == ({}, {"norm": why.strip()})
    agree(model, found)


def adapted():
    dense = layers.Dense(4, name="dense")
    dense.build((None, 5))
    dense.enable_lora(2)
    return dense


def quantised():
    dense = layers.Dense(4, name="dense")
    dense.build((None, 5))
    dense.quantize("int8")
    return dense


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("make", [adapted, quantised])
@pytest.mark.parametrize("leads", [True, False])
def test_a_kernel_that_is_not_all_there_is_takes_no_normalisation(make, leads):
    norm, dense = layers.BatchNormalization(name="norm"), make()
    stack = [layers.ReLU(), norm, dense] if leads else [dense, norm]
    model = keras.Sequential([keras.Input((5,)), *stack])
    norm.moving_mean.assign(np.full(norm.moving_mean.shape, 0.5))
    found = folding_of(model)
    assert found.folded == {}
    assert "'dense'" in found.left["norm"]
    assert "a Dense" in found.left["norm"]
    agree(model, found)


FIRST = {"data_format": "channels_first"}
# Each with as many channels as columns, so that no shape tells the axes apart.
CHANNELS_FIRST = {
    "1d": ((4, 4), lambda **o: layers.Conv1D(4, 1, name="linear", **FIRST, **o)),
    "2d": ((4, 6, 4), lambda **o: layers.Conv2D(4, (3, 1), name="linear", **FIRST, **o)),
    "2d in groups": ((4, 6, 4), lambda **o: layers.Conv2D(4, (3, 1), groups=2, name="linear", **FIRST, **o)),
    "depthwise": ((4, 4, 4), lambda **o: layers.DepthwiseConv2D(1, name="linear", **FIRST, **o)),
    "transposed": ((4, 3, 4), lambda **o: layers.Conv2DTranspose(4, (2, 1), name="linear", **FIRST, **o)),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANNELS_FIRST)
@pytest.mark.parametrize("axis", [1, -1])
def test_behind_a_layer_whose_channels_come_first(kind, axis):
    shape, make = CHANNELS_FIRST[kind]
    stack = [make(), layers.BatchNormalization(axis, name="norm"), layers.ReLU()]
    model = disturbed(keras.Sequential([keras.Input(shape), *stack]))
    found = folding_of(model)
    assert found.folded == ({"norm": "linear"} if axis == 1 else {})
    agree(model, found)


@pytest.mark.parametrize("kind", CHANNELS_FIRST)
@pytest.mark.parametrize("axis", [1, -1])
def test_in_front_of_a_layer_whose_channels_come_first(kind, axis):
    shape, make = CHANNELS_FIRST[kind]
    stack = [layers.ReLU(), layers.BatchNormalization(axis, name="norm"), make()]
    agree(*folded(shape, stack))


@pytest.mark.parametrize(
    "between",
    [
        lambda: [layers.MaxPooling2D((2, 1), **FIRST), layers.Flatten()],
        lambda: [layers.AveragePooling2D((2, 1), **FIRST), layers.Flatten()],
        lambda: [layers.GlobalAveragePooling2D(**FIRST)],
        lambda: [layers.GlobalMaxPooling2D(**FIRST)],
        lambda: [layers.Flatten(**FIRST)],
        lambda: [layers.Flatten()],
    ],
)
@pytest.mark.parametrize("axis", [1, -1])
def test_through_what_takes_channels_first(between, axis):
    norm = layers.BatchNormalization(axis, name="norm")
    agree(*folded((4, 4, 4), [layers.ReLU(), norm, *between(), layers.Dense(2)]))


def folded(shape, stack):
    """A model, and what folding made of it."""
    model = disturbed(keras.Sequential([keras.Input(shape), *stack]))
    return model, folding_of(model)


@pytest.mark.parametrize("frozen", [False, True])
def test_nested_models_are_entered(frozen):
    inner = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, name="deep"), layers.BatchNormalization(name="norm")],
        name="inner",
    )
    inner.trainable = not frozen
    x = keras.Input((5,))
    model = disturbed(keras.Model(x, layers.Dense(1)(inner(x))))
    found = folding_of(model)
    assert found.folded == {"norm": "deep"}
    agree(model, found)


def test_a_subclassed_model_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ModelError, match="subclassed"):
        fold(Own())


NETWORKS = {
    # How many of each network's batch normalisations follow a convolution directly.
    "MobileNetV2": (96, 52),
    "ResNet50": (64, 53),
    "DenseNet121": (64, 59),
    "InceptionV3": (96, 94),
    "EfficientNetB0": (64, 49),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.usefixtures("initial_values_from_numpy")
def test_the_networks_of_keras_applications(name):
    size, wanted = NETWORKS[name]
    make = getattr(keras.applications, name)
    model = make(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None)
    for variable in model.variables:
        if "kernel" in variable.name:
            # Larger ones would make fifty layers amplify rounding a thousand times.
            fan_in = np.prod(
                variable.shape[:2] if "depthwise" in variable.path else variable.shape[:-1]
            )
            variable.assign(DRAW.normal(0, fan_in**-0.5, variable.shape))
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            channels = layer.moving_mean.shape
            layer.moving_mean.assign(DRAW.normal(0, 0.3, channels))
            layer.moving_variance.assign(DRAW.uniform(0.5, 2.0, channels))
            layer.beta.assign(DRAW.normal(0, 0.1, channels))
    found = folding_of(model)
    assert len(found.folded) == wanted
    # Rounding of fifty layers and more.
    agree(model, found, (size, size, 3), atol=2e-5, said=at_once)


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": None},
        {"virtual_batch_size": 4},
        {"axis_name": "data"},
        # Of its two statistics of spread, inference asks the variance alone, as Keras does.
        {"momentum": None, "renorm": True, "renorm_schedule": (1, 2, 3)},
    ],
    ids=str,
)
def test_options_of_the_drop_in_layer_fold_like_any(options):
    norm = BatchNormalization(name="norm", **options)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="dense"), norm])
    for variable in model.variables:
        if variable.name != "steps":
            variable.assign(DRAW.uniform(0.3, 1.5, variable.shape))
    found = folding_of(model)
    assert found.folded == {"norm": "dense"}
    agree(model, found)
