"""Kinds of model, target and data that Keras' ``fit`` takes, and how a study trains each.

``KERAS_BACKEND=jax python tests/taken.py`` prints docs/what-is-taken.md, which ``tests/test_taken.py`` walks.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import keras
import numpy as np
from keras import layers, losses, metrics, optimizers

DRAW = np.random.default_rng(3)
N = 40
X = DRAW.normal(size=(N, 3)).astype("float32")
PICTURES = DRAW.random((N, 6, 6, 1)).astype("float32")
STEPS = DRAW.normal(size=(N, 5, 3)).astype("float32")
TOKENS = DRAW.integers(1, 9, (N, 5))
TWO, FOUR = np.arange(N) % 2, np.arange(N) % 4
IN_TIME = DRAW.integers(0, 4, (N, 5))
STACKED, FIT = "stacked", "`fit`"


@dataclass(frozen=True)
class Kind:
    """A kind, and what a study does with it.

    Attributes:
        name: In words.
        build: Makes the model, as a study gets it.
        data: As a study gets it.
        way: ``stacked``, `` `fit` `` or ``refused``.
        why: Why not stacked, a part of what is said; empty where it is.
        settings: Of the study, besides.
    """

    name: str
    build: Callable[..., Any]
    data: Callable[[], Any]
    way: str = STACKED
    why: str = ""
    settings: tuple[tuple[str, Any], ...] = ()


def head(tensor, units=1, activation="sigmoid", name=None):
    hidden = layers.Dense(5, activation="relu")(tensor)
    return layers.Dense(units, activation=activation, name=name)(hidden)


def compiled(inputs, outputs, loss, metrics=None, optimizer="adam", kind=keras.Model, **options):
    model = kind(inputs, outputs)
    model.compile(optimizer, loss, metrics=metrics, **options)
    return model


def of_rows(units=1, activation="sigmoid", loss="binary_crossentropy", **options):
    def build():
        inputs = keras.Input((3,))
        return compiled(inputs, head(inputs, units, activation), loss, **options)

    return build


def of_pictures(units, activation, loss):
    def build():
        inputs = keras.Input((6, 6, 1))
        hidden = layers.Conv2D(3, 3, padding="same", activation="relu")(inputs)
        return compiled(inputs, layers.Conv2D(units, 1, activation=activation)(hidden), loss)

    return build


def of_steps(*between, loss="sparse_categorical_crossentropy", batch_size=None):
    def build():
        inputs = x = keras.Input((5, 3), batch_size=batch_size)
        for layer in between:
            x = layer()(x)
        return compiled(inputs, layers.Dense(4, activation="softmax")(x), loss)

    return build


def two_inputs():
    a, b = keras.Input((3,)), keras.Input((6, 6, 1))
    both = layers.concatenate([a, layers.Flatten()(layers.Conv2D(2, 3)(b))])
    return compiled([a, b], head(both), "binary_crossentropy")


def named_inputs():
    a, b = keras.Input((3,), name="row"), keras.Input((5,), dtype="int32", name="tokens")
    inside = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(b))
    return compiled({"row": a, "tokens": b}, head(layers.concatenate([a, inside])), "binary_crossentropy")  # fmt: skip


def two_outputs():
    inputs = keras.Input((3,))
    ends = {"kind": head(inputs, 4, "softmax", "kind"), "size": head(inputs, 1, None, "size")}
    loss = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    return compiled(inputs, ends, loss, {"kind": ["accuracy"]}, loss_weights={"kind": 1.0, "size": 0.2})  # fmt: skip


class Halved(keras.Model):
    def compute_loss(self, *args, **options):
        return 0.5 * super().compute_loss(*args, **options)


class Stepping(keras.Model):
    def train_step(self, state, data):
        trainable, non_trainable, optimizer, own = state
        x, y = data
        gradient = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (loss, _, non_trainable, own)), steps = gradient(
            trainable, non_trainable, own, x, y, None, training=True, optimizer_variables=optimizer
        )
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
        return {"loss": loss}, (trainable, non_trainable, optimizer, own)


class Sloped(keras.Model):
    def compute_loss_and_updates(self, trainable, non_trainable, own, x, *others, **options):
        def outputs(x):
            return self.stateless_call(trainable, non_trainable, x)[0]

        given = (trainable, non_trainable, own, x, *others)
        loss, rest = super().compute_loss_and_updates(*given, **options)
        _, slopes = jax.jvp(outputs, (x,), (jax.numpy.ones_like(x),))
        return loss + (slopes**2).mean(), rest


class Untraced(keras.Model):
    def train_step(self, state, data):
        assert float(np.asarray(data[0]).sum()) < 1e9
        return super().train_step(state, data)


def of_class(kind):
    def build():
        inputs = keras.Input((3,))
        return compiled(inputs, head(inputs), "binary_crossentropy", kind=kind)

    return build


class Called(keras.Model):
    def __init__(self, norm=None):
        super().__init__()
        self.front, self.back = layers.Dense(5), layers.Dense(1, activation="sigmoid")
        self.norm = layers.BatchNormalization() if norm is not None and norm.places else None

    def call(self, inputs, training=None):
        x = self.front(inputs)
        return self.back(
            keras.ops.relu(x if self.norm is None else self.norm(x, training=training))
        )


def subclassed(norm):
    model = Called(norm)
    model.compile("adam", "binary_crossentropy")
    return model


def subclassed_alone():
    return subclassed(None)


class Counting(layers.Layer):
    def build(self, _):
        self.calls = self.add_weight(shape=(), trainable=False, name="calls", initializer="zeros")

    def call(self, inputs):
        self.calls.assign(self.calls + 1.0)
        return inputs


def moving():
    inputs = keras.Input((3,))
    return compiled(inputs, head(Counting()(inputs)), "binary_crossentropy")


class Own(keras.Model):
    def fit(self, *args, **options):
        return super().fit(*args, **options)


class Uncalled(keras.Model):
    """As a GAN: it holds a model, which its own step calls."""

    def __init__(self, norm):
        super().__init__()
        inside = [layers.BatchNormalization()] if norm.places else []
        self.held = keras.Sequential([keras.Input((3,)), layers.Dense(5), *inside, layers.Dense(3)])
        self.distance = keras.metrics.Mean(name="distance")
        self.built = True

    @property
    def metrics(self):
        return [self.distance]

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, own = state
        x = data[0] if isinstance(data, tuple) else data

        def distance(trainable):
            outputs, moved = self.held.stateless_call(trainable, non_trainable, x, training=True)
            return keras.ops.mean(keras.ops.square(outputs - x)), moved

        (loss, moved), steps = jax.value_and_grad(distance, has_aux=True)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
        own = self.distance.stateless_update_state(own, loss)
        logs = {"distance": self.distance.stateless_result(own)}
        return logs, (trainable, moved, optimizer, own)


def uncalled(norm):
    model = Uncalled(norm)
    model.compile("adam")
    return model


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return N // 8

    def __getitem__(self, index):
        rows = slice(index * 8, index * 8 + 8)
        return X[rows], TWO[rows]


def generator():
    return (Batches()[index] for index in range(N // 8))


KINDS = [
    Kind("two classes", of_rows(), lambda: (X, TWO)),
    Kind("several classes, by number", of_rows(4, "softmax", "sparse_categorical_crossentropy"), lambda: (X, FOUR)),
    Kind("several classes, one-hot, from numbers", of_rows(4, "softmax", "categorical_crossentropy"), lambda: (X, FOUR)),
    Kind("several classes, one-hot, as they are", of_rows(4, "softmax", "categorical_crossentropy"), lambda: (X, np.eye(4)[FOUR])),
    Kind("shares of classes (soft labels)", of_rows(4, "softmax", "kl_divergence"), lambda: (X, DRAW.dirichlet(np.ones(4), N))),
    Kind("several labels at once", of_rows(4), lambda: (X, DRAW.integers(0, 2, (N, 4)))),
    Kind("a number, or several", of_rows(2, None, "mse"), lambda: (X, X[:, :2])),
    Kind("pictures as labels", of_pictures(1, None, "mse"), lambda: (PICTURES, PICTURES)),
    Kind("masks", of_pictures(2, "softmax", "sparse_categorical_crossentropy"), lambda: (PICTURES, (PICTURES > 0.5).astype(int))),
    Kind("a label for each time step", of_steps(lambda: layers.LSTM(4, return_sequences=True)), lambda: (STEPS, IN_TIME)),
    Kind("sequences of another length (CTC)", of_steps(lambda: layers.GRU(4, return_sequences=True), loss=losses.CTC()), lambda: (STEPS, DRAW.integers(1, 4, (N, 2)))),
    Kind("recurrent layers (variants without `before`)", of_steps(lambda: layers.GRU(4)), lambda: (STEPS, FOUR)),
    Kind("several inputs, in a list", two_inputs, lambda: ([X, PICTURES], TWO)),
    Kind("several inputs, by name", named_inputs, lambda: ({"row": X, "tokens": TOKENS}, TWO)),
    Kind("several outputs, each with its loss, weight and metrics", two_outputs, lambda: (X, {"kind": FOUR, "size": X[:, 0]})),
    Kind("weights of examples", of_rows(), lambda: (X, TWO, np.linspace(0, 2, N))),
    Kind("weights of time steps", of_steps(lambda: layers.GRU(4, return_sequences=True)), lambda: (STEPS, IN_TIME, np.ones((N, 5)))),
    Kind("metrics that count (AUC, precision, F1, IoU, your own)", of_rows(metrics=[metrics.AUC(name="auc"), metrics.F1Score(threshold=0.5)]), lambda: (X, TWO[:, None])),
    Kind("averaged weights (`use_ema`)", of_rows(optimizer=optimizers.SGD(0.1, use_ema=True)), lambda: (X, TWO)),
    Kind("a scaled loss", of_rows(optimizer=optimizers.LossScaleOptimizer(optimizers.SGD(0.1))), lambda: (X, TWO)),
    Kind("a `compute_loss` of one's own", of_class(Halved), lambda: (X, TWO)),
    Kind("a `train_step` of one's own, written for JAX", of_class(Stepping), lambda: (X, TWO)),
    Kind("a model without a `call`, as a GAN, whose own steps call what it holds", uncalled, lambda: (X, None)),
    Kind("a subclassed model with a builder `build(norm)`", subclassed, lambda: (X, TWO)),
    Kind("a validation part of one's own", of_rows(), lambda: ((X[:30], TWO[:30]), (X[30:], TWO[30:]))),
    Kind("a `PyDataset`, a loader", of_rows(), Batches),
    Kind("a generator", of_rows(), generator),
    Kind("a stateful recurrent layer", of_steps(lambda: layers.SimpleRNN(4, stateful=True), batch_size=8), lambda: ((STEPS[:32], FOUR[:32]), (STEPS[24:], FOUR[24:])), FIT, "is stateful", (("batch_size", 8),)),
    Kind("a layer whose state moves in evaluation, too", moving, lambda: (X, TWO), FIT, "in evaluation, too"),
    Kind("a loss of derivatives in forward mode (`jax.jvp`)", of_class(Sloped), lambda: (X, TWO), FIT, "cannot be stacked"),
    Kind("a `train_step` that looks at values", of_class(Untraced), lambda: (X, TWO), FIT, "cannot be compiled"),
    Kind("callbacks", of_rows(), lambda: (X, TWO), FIT, "callbacks act", (("callbacks", lambda: [keras.callbacks.EarlyStopping()]),)),
    Kind("a subclassed model alone", subclassed_alone, lambda: (X, TWO), "refused", "whose layers are called from Python code"),
    Kind("a `fit` of one's own", of_class(Own), lambda: (X, TWO), "refused", "has its own fit()"),
    Kind("labels of another shape than the output", of_pictures(1, None, "mse"), lambda: (PICTURES, PICTURES[:, 1:, 1:]), "refused", "compares number by number"),
    Kind("texts among the inputs", of_rows(), lambda: (np.array([["a", "b", "c"]] * N), TWO), "refused", "expected an array of numbers"),
]  # fmt: skip


def page() -> str:
    """The page, from the table."""
    rows = [
        f"| {kind.name} | {kind.way} |{f' “… {kind.why} …”' if kind.why else ''} |"
        for kind in KINDS
    ]
    return "\n".join([HEAD, *rows, ""])


HEAD = """\
# What is taken, and how

What Keras' `fit` takes, a study takes. *Stacked*: all runs train in one compiled program. *`fit`*:
Keras' own `fit` trains them, one after another, and the first lines say why
([which engine trains](own-model.md#which-engine-trains)). *Refused* is what has no meaning, or what no
rewriting of a model can honour; the message shows the way out. A loss, its metrics and the labels' form
are the model's own, where it is compiled.

This page is made by `KERAS_BACKEND=jax python tests/taken.py` from a table that a test walks.

| kind | trained | as it is said |
|---|---|---|"""


if __name__ == "__main__":
    sys.stdout.write(page())
