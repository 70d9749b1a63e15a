"""Structures, metrics and steps of every kind are trained as Keras' ``fit`` trains them."""

import jax
import keras
import numpy as np
import pytest
from alike import assert_alike
from keras import layers, losses, metrics

from normwise.data import Dataset
from normwise.engine import Fit, InitialValues, Replica, program
from normwise.models import metrics as of_models
from normwise.models.compiled import cloned_metrics
from normwise.models.optimizers import clone_optimizer

DRAW = np.random.default_rng(3)
N, HELD = 40, 20
# The same in whole batches: what ends with a smaller one compiles a step more of each kind.
WHOLE, HELD_WHOLE = 32, 16
X = DRAW.normal(size=(N + HELD, 3)).astype("float32")
PICTURES = DRAW.random((N + HELD, 6, 6, 1)).astype("float32")
STEPS = DRAW.normal(size=(N + HELD, 5, 3)).astype("float32")
TWO, FOUR = (DRAW.integers(0, k, N + HELD).astype("int32") for k in (2, 4))
IN_TIME = DRAW.integers(0, 4, (N + HELD, 5)).astype("int32")
SEVERAL = DRAW.integers(0, 2, (N + HELD, 4)).astype("float32")


def dataset(x, y, weights=None, *, whole=True):
    """Of whole batches, or with a smaller one at the end of both parts."""
    n, held = (WHOLE, HELD_WHOLE) if whole else (N, HELD)

    def part(rows):
        return [
            None if one is None else keras.tree.map_structure(lambda array: array[rows], one)
            for one in (x, y, weights)
        ]

    (x_train, y_train, w), (x_val, y_val, w_val) = part(slice(n)), part(slice(n, n + held))
    return Dataset("kinds", x_train, y_train, x_val, y_val, "own", weights=(w, w_val))


def head(tensor, units=1, activation="sigmoid", **options):
    hidden = layers.Dense(5, activation="relu")(tensor)
    return layers.Dense(units, activation=activation, **options)(hidden)


def of_rows(units=1, activation="sigmoid"):
    inputs = keras.Input((3,))
    return keras.Model(inputs, head(inputs, units, activation))


def of_pictures(units, activation=None):
    inputs = keras.Input((6, 6, 1))
    hidden = layers.Conv2D(3, 3, padding="same", activation="relu")(inputs)
    return keras.Model(inputs, layers.Conv2D(units, 1, activation=activation)(hidden))


def in_time():
    inputs = keras.Input((5, 3))
    hidden = layers.SimpleRNN(4, return_sequences=True)(inputs)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(hidden))


def two_ends():
    a, b = keras.Input((3,), name="a"), keras.Input((5, 3), name="b")
    both = layers.concatenate([a, layers.Flatten()(b)])
    return keras.Model(
        {"a": a, "b": b},
        {"kind": head(both, 4, "softmax", name="kind"), "size": head(both, 1, None, name="size")},
    )


class Count(metrics.Metric):
    """A metric of the user's, which is no mean: it remembers the largest output."""

    def __init__(self, name="largest"):
        super().__init__(name=name)
        self.most = self.add_weight(shape=(), initializer="zeros", name="most")

    def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002 (Keras')
        self.most.assign(keras.ops.maximum(self.most, keras.ops.max(y_pred)))

    def result(self):
        return self.most + 0


def of_the_batch(labels, outputs):
    return keras.ops.max(keras.ops.abs(labels - outputs))


KINDS = {
    "several labels": (lambda: of_rows(4), X, SEVERAL, {"loss": "binary_crossentropy", "metrics": [metrics.AUC(multi_label=True)]}),
    "one-hot": (lambda: of_rows(4, "softmax"), X, np.eye(4, dtype="f")[FOUR], {"loss": "categorical_crossentropy", "metrics": ["accuracy", metrics.F1Score(average="macro")]}),
    "picture to picture": (lambda: of_pictures(1), PICTURES, PICTURES, {"loss": "mse", "metrics": ["mae"]}),
    "masks": (lambda: of_pictures(2, "softmax"), PICTURES, (PICTURES > 0.5).astype("int32"), {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy", metrics.MeanIoU(2, sparse_y_pred=False)]}),
    "in time": (in_time, STEPS, IN_TIME, {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}),
    "sequences of another length": (in_time, STEPS, 1 + DRAW.integers(0, 3, (N + HELD, 2)), {"loss": losses.CTC()}),
    "dictionaries": (two_ends, {"a": X, "b": STEPS}, {"kind": FOUR, "size": X[:, :1]}, {"loss": {"kind": "sparse_categorical_crossentropy", "size": "mse"}, "loss_weights": {"kind": 1.0, "size": 0.2}, "metrics": {"kind": ["accuracy"], "size": "mae"}}),
    "metrics that count": (of_rows, X, TWO[:, None], {"loss": "binary_crossentropy", "metrics": [metrics.Precision(), metrics.Recall(thresholds=0.4), Count(), of_the_batch]}),
    "scaled loss": (of_rows, X, TWO[:, None], {"loss": "binary_crossentropy", "optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.3), initial_scale=8.0, dynamic_growth_steps=2)}),
}  # fmt: skip

# Of these, what a smaller batch counts in means, sums and losses of several outputs shows most.
UNEVEN = ("one-hot", "dictionaries", "metrics that count")


def compiling(optimizer=None, **given):
    def compile_model(model):
        own = clone_optimizer(optimizer) if optimizer else keras.optimizers.SGD(0.3)
        own_metrics = cloned_metrics(given.get("metrics"))
        model.compile(own, **{**given, "metrics": own_metrics})

    return compile_model


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")  # by MeanIoU
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_trained_as_fit_does_it(kind):
    build, x, y, given = KINDS[kind]
    ours = assert_alike(compiling(**given), build(), dataset(x, y, whole=kind not in UNEVEN))
    assert len(ours) >= 2


def test_outputs_that_take_too_much_memory_are_not_kept_for_an_epoch(monkeypatch):
    data = dataset(X, TWO[:, None].astype("f"), whole=False)
    given = {"loss": "binary_crossentropy", "metrics": ["accuracy", "mse"]}
    model = of_rows()
    compiling(**given)(model)
    of_models.build_compiled_parts(model, data)
    assert of_models.is_taken_at_once(model, data)
    monkeypatch.setattr(of_models, "MOST_BYTES", 0)
    monkeypatch.setattr(program, "training_at_once", None)  # which would not be callable
    in_batches = assert_alike(compiling(**given), of_rows(), data)
    assert {"loss", "accuracy", "mse"} < in_batches.keys()


def test_weights_of_each_output_and_each_step():
    each = DRAW.uniform(0, 3, (N + HELD, 5)).astype("float32")
    data = dataset(STEPS, IN_TIME, each, whole=False)
    given = {"loss": "sparse_categorical_crossentropy", "weighted_metrics": ["accuracy"]}
    validation = data.val.batch
    assert_alike(
        compiling(**given),
        in_time(),
        data,
        sample_weight=data.weights[0],
        validation_data=validation,
    )


class Halved(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: FBT002 (Keras')
        return 0.5 * super().compute_loss(x, y, y_pred, sample_weight, training)


class Stepping(keras.Model):
    """A ``train_step`` written for JAX, which takes other labels and tells other things."""

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, own = state
        x, y = data
        (_, (loss, outputs, non_trainable, own)), gradients = jax.value_and_grad(
            self.compute_loss_and_updates, has_aux=True
        )(
            trainable,
            non_trainable,
            own,
            x,
            y * 0.9,
            None,
            training=True,
            optimizer_variables=optimizer,
        )
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return {"loss": loss, "most": outputs.max()}, (trainable, non_trainable, optimizer, own)


@pytest.mark.parametrize("kind", [Halved, Stepping])
def test_steps_of_the_users_own(kind):
    inputs = keras.Input((3,))
    model = kind(inputs, head(layers.BatchNormalization()(inputs)))
    ours = assert_alike(compiling(loss="mse"), model, dataset(X, TWO[:, None].astype("f")))
    assert ("most" in ours) == (kind is Stepping)


class Alone(keras.Model):
    """Steps that take what ``fit`` of inputs alone hands them: the inputs, in no tuple."""

    def error(self, trainable, non_trainable, x):
        outputs, non_trainable = self.stateless_call(trainable, non_trainable, x, training=True)
        return keras.ops.mean((outputs - x) ** 2), non_trainable

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, own = state
        gradient = jax.value_and_grad(self.error, has_aux=True)
        (loss, non_trainable), steps = gradient(trainable, non_trainable, data)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
        return {"loss": loss}, (trainable, non_trainable, optimizer, own)

    def test_step(self, state, data):
        trainable, non_trainable, own = state
        return {"loss": self.error(trainable, non_trainable, data)[0]}, (trainable, non_trainable, own)  # fmt: skip


def test_steps_get_inputs_alone_as_fit_hands_them_over():
    def build():
        inputs = keras.Input((3,))
        return Alone(inputs, head(layers.BatchNormalization()(inputs), 3, None))

    data, model = dataset(X, None), build()
    ours = assert_alike(compiling(), build(), data)
    compiling()(model)
    fit = Fit(model, InitialValues(model), data, 16)
    alone = fit.train(Replica(5), fit.begin(Replica(5)), range(2)).curves
    assert alone.keys() == ours.keys()
    for name, values in alone.items():
        np.testing.assert_allclose(values, ours[name], rtol=2e-5)
