"""Whole numbers reach a loss as Keras' own ``fit`` would hand them to it."""

import keras
import numpy as np
import pytest

from normwise.data import from_arrays
from normwise.models.compiled import compiled_of
from normwise.models.fitted_data import with_labels_for
from normwise.models.training_loss import TrainingLoss

N = 40
X = np.linspace(-1, 1, N * 3, dtype="float32").reshape(N, 3)
TWO, FOUR = np.arange(N) % 2, np.arange(N) % 4


def distance(labels, outputs):
    """A loss of the user's own, which is no loss of classes."""
    labels = keras.ops.cast(labels, outputs.dtype)
    return keras.ops.mean(keras.ops.square(labels - outputs), axis=-1)


class Grouping(keras.losses.Loss):
    """A loss of embeddings, which says nothing of how many numbers there are."""

    def call(self, labels, outputs):
        labels = keras.ops.reshape(labels, (-1, 1))
        same = keras.ops.cast(labels == keras.ops.transpose(labels), outputs.dtype)
        return keras.ops.square(same - outputs @ keras.ops.transpose(outputs))


def compiled(units, loss):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    ("labels", "units", "loss"),
    [
        (2 * TWO - 1, 1, "mse"),
        (5.0 * TWO, 1, "poisson"),
        (TWO + 1, 1, distance),
        (FOUR + 1, 1, distance),
        (10 * FOUR, 3, Grouping()),
        (FOUR, 2, Grouping()),
        (TWO, 8, Grouping()),
        (FOUR, 4, "sparse_categorical_crossentropy"),
        (FOUR, 10, "sparse_categorical_crossentropy"),
        (FOUR + 1, 5, keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        (TWO, 4, "sparse_categorical_crossentropy"),
        (TWO + 1, 3, "sparse_categorical_crossentropy"),
        (2 * TWO, 3, "sparse_categorical_crossentropy"),
        (FOUR - 1, 4, keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)),
        (TWO - 1, 2, keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)),
        (
            np.where(FOUR == 3, 255, FOUR),
            3,
            keras.losses.SparseCategoricalCrossentropy(ignore_class=255),
        ),
    ],
)
def test_whole_numbers_that_a_loss_takes_stay_as_they_are(labels, units, loss):
    model = compiled(units, loss)
    found = with_labels_for(from_arrays(X, labels, X, labels), model, loss)
    assert found.y_train.shape[1:] in ((), (1,))
    np.testing.assert_array_equal(found.y_train.ravel(), labels)
    np.testing.assert_array_equal(found.y_val.ravel(), labels)
    # The study trains with this loss and refuses nothing.
    trained = TrainingLoss(None, compiled_of(model), found, standardised=False).of(model)
    outputs = np.abs(np.sin(np.arange(N * units, dtype="float32"))).reshape(N, units)
    own = keras.losses.get(trained)
    assert float(np.mean(own(found.y_train, outputs))) == pytest.approx(
        float(np.mean(own(labels.reshape(found.y_train.shape), outputs))), rel=1e-6
    )


class Spread(keras.Model):
    """A mean and a logarithm of a variance for each number, compared by the model itself."""

    def compute_loss(self, *, y, y_pred, **_):
        return gaussian(y, y_pred)


class Twofold(Spread):
    """The same in a dictionary, with a loss that is not compiled."""

    def compute_loss(self, *, y, y_pred, **_):
        return gaussian(y, keras.ops.concatenate([y_pred["mean"], y_pred["scale"]], -1))


def gaussian(labels, outputs):
    mean, scale = outputs[..., :1], outputs[..., 1:]
    return keras.ops.mean(scale + keras.ops.square(labels - mean) * keras.ops.exp(-scale))


@pytest.mark.parametrize("labels", [X[:, :1], FOUR, TWO], ids=["numbers", "four", "two"])
@pytest.mark.parametrize("how", ["loss", "step", "several outputs"])
def test_a_loss_of_ones_own_takes_as_many_outputs_as_it_likes(how, labels):
    inputs = keras.Input((3,))
    wide = keras.layers.Dense(2 if how != "loss" or labels is not TWO else 6)(inputs)
    outputs = {"mean": wide[:, :1], "scale": wide[:, 1:]} if how == "several outputs" else wide
    kind = {"loss": keras.Model, "step": Spread, "several outputs": Twofold}[how]
    model = kind(inputs, outputs)
    model.compile("sgd", gaussian if how == "loss" else None)
    found = with_labels_for(from_arrays(X, labels, X, labels), model, model.loss)
    np.testing.assert_array_equal(found.y_train.ravel(), labels.ravel())
    TrainingLoss(None, compiled_of(model), found, standardised=False).of(model)


class TwoHeads(keras.Model):
    """Called from Python code, with a dictionary of two outputs."""

    def __init__(self):
        super().__init__()
        self.size, self.kind = keras.layers.Dense(1), keras.layers.Dense(4)

    def call(self, inputs):
        return {"size": self.size(inputs), "kind": self.kind(inputs)}


def test_a_subclassed_model_may_have_several_losses():
    model = TwoHeads()
    model(X)
    losses = {"size": "mse", "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}
    model.compile("sgd", losses, loss_weights={"size": 1.0, "kind": 0.5})
    kept = compiled_of(model)
    assert (kept.loss, kept.loss_weight) == (losses, {"size": 1.0, "kind": 0.5})


@pytest.mark.parametrize(
    ("labels", "units", "loss"),
    [
        (TWO + 1, 1, "binary_crossentropy"),
        (2 * TWO - 1, 1, "hinge"),
        (TWO + 1, 2, "sparse_categorical_crossentropy"),
        (5 * FOUR, 4, "sparse_categorical_crossentropy"),
        (np.array(["a", "b", "c", "d"])[FOUR], 4, "sparse_categorical_crossentropy"),
        (np.array(["a", "b", "c", "d"])[FOUR], 6, "sparse_categorical_crossentropy"),
    ],
)
def test_labels_that_a_loss_of_classes_cannot_take_become_their_numbers(labels, units, loss):
    model = compiled(units, loss)
    found = with_labels_for(from_arrays(X, labels, X, labels), model, loss)
    np.testing.assert_array_equal(found.y_train.ravel(), np.unique(labels, return_inverse=True)[1])
    TrainingLoss(None, compiled_of(model), found, standardised=False).of(model)
