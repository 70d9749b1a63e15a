"""Small networks over Keras' core layers: what a replica of them does must be what ``fit`` does.

Each is a function of inputs to the last hidden layer; the head and the data follow from its name
alone. ``python benchmarks/zoo.py`` prints the table of docs/zoo.md.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers as L  # noqa: N812 (as Keras' users write it)
from keras import ops

from normwise.data import Dataset
from normwise.models import place

BATCH, BATCHES = 8, 16
ROWS, IMAGE, SERIES, VOLUME, TOKENS = (6,), (8, 8, 3), (12, 5), (4, 6, 6, 2), (10,)
WORDS = 50


def dense(width, activation="relu", layers=2):
    def hidden(x):
        for _ in range(layers):
            x = L.Dense(width, activation=activation)(x)
        return x

    return hidden


def chain(*layers):
    def hidden(x):
        for layer in layers:
            x = layer()(x)
        return x

    return hidden


def activations(x):
    for kind in (
        L.ReLU(),
        L.LeakyReLU(),
        L.PReLU(),
        L.ELU(),
        L.Activation("gelu"),
        L.Activation("swish"),
    ):
        x = kind(L.Dense(24)(x))
    return x


def merged(x):
    a, b, c = (L.Dense(16, activation=name)(x) for name in ("relu", "tanh", "sigmoid"))
    sums = [L.Add()([a, b]), L.Subtract()([b, c]), L.Multiply()([a, c]), L.Average()([a, b, c])]
    ends = [L.Maximum()([a, b, c]), L.Minimum()([a, b]), L.Dot(1)([a, c])]
    return L.Dense(16, activation="relu")(L.Concatenate()([*sums, *ends]))


def maxout(x):
    pieces = L.Reshape((32, 4))(L.Dense(128)(x))
    return L.Dense(16, activation="relu")(ops.max(pieces, axis=-1))


def competition(x):
    """What a layer of a user's compares: the largest two, sorted, the larger of two."""
    x = L.Dense(64)(x)
    largest = ops.top_k(x, 8)[0]
    ranked = ops.sort(L.Dense(16)(x), axis=-1)
    return L.Dense(16, activation="relu")(L.Concatenate()([largest, ranked, ops.maximum(x, -x)]))


class Segments(L.Layer):
    """The largest value of each third of a series."""

    def call(self, x):
        steps = x.shape[1]
        thirds = ops.convert_to_tensor([3 * step // steps for step in range(steps)])
        largest = ops.segment_max(ops.transpose(x, (1, 0, 2)), thirds, 3)
        return ops.reshape(ops.transpose(largest, (1, 0, 2)), (-1, 3 * x.shape[2]))


def residual(width):
    def hidden(x):
        x = L.Conv2D(width, 3, padding="same")(x)
        for _ in range(2):
            y = L.Conv2D(width, 3, padding="same", activation="relu")(x)
            x = L.Add()([x, L.Conv2D(width, 3, padding="same")(y)])
        return L.GlobalAveragePooling2D()(L.ReLU()(x))

    return hidden


def inception(x):
    ways = [L.Conv2D(8, side, padding="same", activation="relu")(x) for side in (1, 3, 5)]
    ways.append(L.Conv2D(8, 1, activation="relu")(L.MaxPooling2D(3, 1, "same")(x)))
    return L.GlobalMaxPooling2D()(L.Concatenate()(ways))


def text_cnn(width):
    def hidden(x):
        x = L.Embedding(WORDS, width)(x)
        x = L.Conv1D(width, 3, activation="relu")(x)
        return L.Dense(width, activation="relu")(L.GlobalMaxPooling1D()(x))

    return hidden


def transformer(x):
    x = L.Embedding(WORDS, 16)(x)
    x = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 8)(x, x)]))
    y = L.Dense(16)(L.Dense(32, activation="relu")(x))
    return L.GlobalAveragePooling1D()(L.LayerNormalization()(L.Add()([x, y])))


def attention(x):
    x = L.Dense(16, activation="relu")(x)
    y = L.GroupQueryAttention(8, 4, 2)(x, x)
    heads = [L.Attention()([x, y]), L.AdditiveAttention()([y, x])]
    return L.Dense(16, activation="relu")(L.GlobalMaxPooling1D()(L.Concatenate()(heads)))


def masked(x):
    return L.LSTM(12)(L.Embedding(WORDS, 12, mask_zero=True)(x))


def autoencoder(x):
    x = L.Conv2D(16, 3, 2, "same", activation="relu")(x)
    x = L.Conv2DTranspose(8, 3, 2, "same", activation="relu")(x)
    x = L.UpSampling2D()(L.ZeroPadding2D()(L.Cropping2D()(x)))
    return L.GlobalAveragePooling2D()(L.Conv2D(8, 1, activation="relu")(x))


def separable(x):
    x = L.SeparableConv2D(16, 3, activation="relu")(
        L.DepthwiseConv2D(3, padding="same", activation="relu", depth_multiplier=2)(x)
    )
    return L.Flatten()(L.AveragePooling2D(2)(x))


def time_distributed(x):
    x = L.TimeDistributed(L.Dense(16, activation="relu"))(x)
    return L.Flatten()(L.Permute((2, 1))(x))


def augmented(x):
    x = L.RandomContrast(0.2)(L.RandomRotation(0.1)(L.RandomFlip()(x)))
    x = L.RandomTranslation(0.1, 0.1)(L.RandomZoom(0.1)(L.GaussianNoise(0.1)(x)))
    return L.GlobalMaxPooling2D()(L.Conv2D(16, 3, activation="relu")(x))


NETWORKS = {
    "dense, 8 wide": (ROWS, dense(8)),
    "dense, 64 wide": (ROWS, dense(64, "tanh")),
    "dense, 256 wide": (ROWS, dense(256)),
    "dense, ten layers": (ROWS, dense(16, "elu", 10)),
    "activations": (ROWS, activations),
    "merging layers": (ROWS, merged),
    "maxout": (ROWS, maxout),
    "sorting, top-k, maximum": (ROWS, competition),
    "dropout of every kind": (ROWS, chain(lambda: L.Dense(32, activation="relu"), lambda: L.Dropout(0.3), lambda: L.Dense(32, activation="selu"), lambda: L.AlphaDropout(0.2), lambda: L.GaussianDropout(0.2))),
    "other normalisers": (ROWS, chain(lambda: L.Dense(16), L.LayerNormalization, lambda: L.Dense(16), L.RMSNormalization, lambda: L.Dense(16), lambda: L.GroupNormalization(4), L.UnitNormalization)),
    "einsum, spectral norm": (SERIES, chain(lambda: L.EinsumDense("bti,io->bto", (12, 16), activation="relu"), L.Flatten, lambda: L.SpectralNormalization(L.Dense(16, activation="relu")))),
    "pictures, 8 wide": (IMAGE, chain(lambda: L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D, lambda: L.Conv2D(8, 3, activation="relu"), L.Flatten)),
    "pictures, 128 wide": (IMAGE, chain(lambda: L.Conv2D(128, 3, activation="relu"), lambda: L.Conv2D(128, 3, activation="relu"), L.GlobalMaxPooling2D)),
    "overlapping maxima": (IMAGE, chain(lambda: L.Conv2D(32, 3, padding="same", activation="relu"), lambda: L.MaxPooling2D(3, 2, "same"), lambda: L.Conv2D(32, 2, activation="relu"), L.GlobalMaxPooling2D)),
    "averages": (IMAGE, chain(lambda: L.Conv2D(16, 3, strides=2, padding="same", activation="relu"), lambda: L.AveragePooling2D(3, 1, "same"), L.GlobalAveragePooling2D)),
    "dilated, in groups": (IMAGE, chain(lambda: L.Conv2D(16, 3, dilation_rate=2, activation="relu"), lambda: L.Conv2D(16, 3, groups=4, activation="relu"), L.Flatten)),
    "separable, depthwise": (IMAGE, separable),
    "residual": (IMAGE, residual(16)),
    "inception": (IMAGE, inception),
    "there and back": (IMAGE, autoencoder),
    "augmentation": (IMAGE, augmented),
    "volumes": (VOLUME, chain(lambda: L.Conv3D(8, 2, activation="relu"), lambda: L.MaxPooling3D((1, 2, 2)), lambda: L.Conv3D(8, 2, activation="relu"), L.GlobalMaxPooling3D)),
    "volumes, transposed": (VOLUME, chain(lambda: L.Conv3DTranspose(8, 2, activation="relu"), lambda: L.AveragePooling3D(2), L.GlobalAveragePooling3D)),
    "series": (SERIES, chain(lambda: L.Conv1D(16, 3, padding="causal", activation="relu"), lambda: L.SeparableConv1D(16, 3, activation="relu"), lambda: L.MaxPooling1D(3, 2), L.GlobalMaxPooling1D)),
    "segments, 96 wide": (SERIES, chain(lambda: L.Conv1D(96, 5, padding="same", activation="relu"), Segments, lambda: L.Dense(16, activation="relu"))),
    "series, transposed": (SERIES, chain(lambda: L.Conv1DTranspose(16, 3, 2, activation="relu"), lambda: L.DepthwiseConv1D(3, activation="relu"), lambda: L.AveragePooling1D(3), L.Flatten)),
    "in time": (SERIES, time_distributed),
    "LSTM": (SERIES, chain(lambda: L.LSTM(16, return_sequences=True), lambda: L.LSTM(16))),
    "GRU, both ways": (SERIES, chain(lambda: L.Bidirectional(L.GRU(8, return_sequences=True)), lambda: L.GRU(16))),
    "simple recurrence": (SERIES, chain(lambda: L.SimpleRNN(16, return_sequences=True), lambda: L.RNN([L.SimpleRNNCell(8), L.GRUCell(8)]))),
    "pictures in time": ((4, 6, 6, 2), chain(lambda: L.ConvLSTM2D(4, 3), L.GlobalMaxPooling2D)),
    "text, 64 wide": (TOKENS, text_cnn(64)),
    "text, 128 wide": (TOKENS, text_cnn(128)),
    "text, masked": (TOKENS, masked),
    "transformer": (TOKENS, transformer),
    "attention": (SERIES, attention),
}  # fmt: skip


# What cannot be placed: around normalisation that is there already, inside a recurrence.
NORMALISED = {"other normalisers", "transformer"}
RECURRENT = {"LSTM", "GRU, both ways", "simple recurrence", "pictures in time", "text, masked"}
CASES = [
    (name, variant)
    for name in NETWORKS
    for variant in ("none", "before", "after")
    if variant == "none" or not (name in NORMALISED or (name in RECURRENT and variant == "before"))
]


def network(name: str, variant: str = "none") -> keras.Model:
    """A network of the zoo, with a head for two classes."""
    shape, hidden = NETWORKS[name]
    inputs = keras.Input(shape, dtype="int32" if shape == TOKENS else None)
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(hidden(inputs)))
    return model if variant == "none" else place(model, variant)


def is_random(model: keras.Model) -> bool:
    """Whether it draws in training."""
    return any("seed_generator" in variable.path for variable in model.non_trainable_variables)


def dataset(name: str) -> Dataset:
    """Batches for it that can be learnt, and two to validate."""
    shape, _ = NETWORKS[name]
    draw = np.random.default_rng(0)
    count = BATCH * (BATCHES + 2)
    y = draw.integers(0, 2, (count, 1)).astype("float32")
    if shape == TOKENS:
        x = (draw.integers(1, WORDS // 2, (count, *shape)) + WORDS // 2 * y).astype("int32")
    else:
        x = draw.normal(size=(count, *shape)).astype("float32")
        x += y.reshape(-1, *[1] * len(shape))
    split = BATCH * BATCHES
    return Dataset("zoo", x[:split], y[:split], x[split:], y[split:], "binary")
