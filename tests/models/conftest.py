"""Small models of many structures, each a function that builds one."""

import keras
import pytest
from keras import layers


def dense_stack():
    return keras.Sequential(
        [
            keras.Input((8,), name="x"),
            layers.Dense(8, activation="relu", name="a"),
            layers.Dense(8, activation="tanh", name="b"),
            layers.Dense(3, activation="softmax", name="out"),
        ],
        name="dense_stack",
    )


def separate_activations():
    return keras.Sequential(
        [
            keras.Input((8,), name="x"),
            layers.Dense(8, name="a"),
            layers.LeakyReLU(name="leaky"),
            layers.Dense(8, name="b"),
            layers.PReLU(alpha_initializer="ones", name="prelu"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(8, name="c"),
            layers.Dense(3, name="out"),
            layers.Activation("softmax", name="softmax"),
        ]
    )


def operation_activations():
    inputs = keras.Input((8,), name="x")
    hidden = keras.ops.relu(layers.Dense(8, name="a")(inputs))
    hidden = keras.ops.tanh(layers.Dense(8, name="b")(hidden)[:, :4])
    return keras.Model(inputs, keras.ops.sigmoid(layers.Dense(1, name="out")(hidden)))


def convolutions():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3), name="image"),
            layers.Rescaling(1 / 255, name="rescale"),
            layers.Conv2D(4, 3, name="a"),
            layers.MaxPooling2D(name="pool"),
            layers.Dropout(0.1, name="drop"),
            layers.ReLU(name="relu"),
            layers.DepthwiseConv2D(2, activation="relu", name="b"),
            layers.SeparableConv2D(4, 1, name="c"),
            layers.Flatten(name="flat"),
            layers.Dense(3, name="out"),
        ]
    )


def residual():
    inputs = keras.Input((8,), name="x")
    stem = layers.Dense(8, activation="relu", name="stem")(inputs)
    left = layers.Dense(8, activation="relu", name="left1")(stem)
    left = layers.Dense(8, name="left2")(left)
    total = layers.Add(name="add")([stem, left])
    return keras.Model(inputs, layers.Dense(1, name="out")(layers.ReLU(name="relu")(total)))


def several_ends():
    inputs = {"p": keras.Input((8,), name="p"), "q": keras.Input((4,), name="q")}
    p = layers.Dense(8, activation="relu", name="a")(inputs["p"])
    q = layers.Dense(8, activation="relu", name="b")(inputs["q"])
    both = layers.Concatenate(name="concat")([p, q])
    shared = layers.Dense(8, activation="elu", name="c")(both)
    return keras.Model(
        inputs,
        {
            "kind": layers.Dense(3, activation="softmax", name="kind")(shared),
            "size": layers.Dense(1, name="size")(shared),
        },
    )


def nested():
    features = keras.Sequential(
        [
            keras.Input((8,), name="f"),
            layers.Dense(8, activation="relu", name="a"),
            layers.Dense(8, name="b"),
        ],
        name="features",
    )
    port = keras.Input((8,), name="g")
    head = keras.Model(
        port, layers.Dense(3, name="out")(layers.Dense(8, name="c")(port)), name="head"
    )
    inputs = keras.Input((8,), name="x")
    return keras.Model(inputs, head(layers.ReLU(name="relu")(features(inputs))))


def shared_layer():
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    shared = layers.Dense(8, activation="relu", name="shared")
    distance = layers.Subtract(name="minus")([shared(left), shared(right)])
    return keras.Model([left, right], layers.Dense(1, name="out")(distance))


def sequence():
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    numbers = keras.Input((6, 2), name="numbers")
    words = layers.Embedding(10, 4, mask_zero=True, name="embed")(tokens)
    both = layers.Concatenate(name="concat")([words, numbers])
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both_ways")(both)
    x = layers.GRU(4, name="gru")(x)
    return keras.Model([tokens, numbers], layers.Dense(1, name="out")(x))


def time_distributed():
    return keras.Sequential(
        [
            keras.Input((5, 8), name="x"),
            layers.TimeDistributed(layers.Dense(6, activation="relu", name="inner"), name="td"),
            layers.EinsumDense("btc,cd->btd", (None, 6), bias_axes="d", name="einsum"),
            layers.GlobalAveragePooling1D(name="pool"),
            layers.Dense(2, name="out"),
        ]
    )


def gated():
    inputs = keras.Input((8,), name="x")
    x = layers.Dense(8, activation="relu", name="a")(inputs)
    gate = layers.Dense(8, activation="sigmoid", name="gate")(x)
    x = layers.Multiply(name="times")([x, gate])
    return keras.Model(inputs, layers.Dense(1, name="out")(x))


def with_lambda():
    inputs = keras.Input((8,), name="x")
    x = layers.Dense(8, activation=layers.LeakyReLU(0.3), name="a")(inputs)
    x = layers.Lambda(lambda t: t * t, name="lambda")(x)
    return keras.Model(inputs, layers.Dense(1, name="out")(x))


FEEDFORWARD = [
    dense_stack,
    separate_activations,
    operation_activations,
    convolutions,
    residual,
    several_ends,
    nested,
    shared_layer,
    time_distributed,
    gated,
    with_lambda,
]


@pytest.fixture(autouse=True)
def _quick(initial_values_from_numpy):
    """No test here is about initial values."""


@pytest.fixture(params=FEEDFORWARD, ids=lambda build: build.__name__)
def feedforward(request):
    """Each model without recurrent layers in turn, its biases away from zero."""
    return with_biases(request.param())


@pytest.fixture(params=[*FEEDFORWARD, sequence], ids=lambda build: build.__name__)
def any_model(request):
    """Each model in turn, its biases away from zero."""
    return with_biases(request.param())


def with_biases(model):
    for variable in model.trainable_variables:
        if "bias" in variable.name:
            variable.assign(keras.random.normal(variable.shape, seed=1))
    return model


@pytest.fixture
def build():
    """Builds a model of this file by name, its biases away from zero."""
    known = {builder.__name__: builder for builder in [*FEEDFORWARD, sequence]}
    return lambda name: with_biases(known[name]())
