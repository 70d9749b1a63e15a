"""Where code of the user's own raises an error, that code is named, and not what called it."""

import keras
import numpy as np
import pytest
from keras import layers

import normwise as nw
from normwise.errors import ModelError

DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(40, 3)).astype("float32"), np.arange(40) % 2
SMALL = {"variants": ["none"], "seeds": 1, "epochs": 1, "batch_size": 8}


def fail():
    """A slip as people make it."""
    return len(3)


class InTraining(layers.Layer):
    def call(self, inputs, training=None):
        return inputs + fail() if training else inputs


class OwnStep(keras.Model):
    def train_step(self, state, data):
        return super().train_step(state, data)


class OwnLoss(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002, FBT002
        return keras.ops.mean(y_pred) + fail()


class OwnCall(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.out = layers.Dense(1)

    def call(self, inputs):
        return self.out(inputs) + fail()


class OwnMetric(keras.metrics.Metric):
    def update_state(self, *_, **__):
        fail()

    def result(self):
        return 0.0


def own_loss(labels, outputs):
    return labels - outputs + fail()


def model(hidden=None, kind=keras.Model, loss="binary_crossentropy", metrics=()):
    inputs = keras.Input((3,))
    inside = (hidden or layers.Identity())(layers.Dense(4)(inputs))
    found = kind(inputs, layers.Dense(1, activation="sigmoid")(inside), name="mine")
    found.compile("sgd", loss, metrics=list(metrics))
    return found


FAULTS = {
    "a layer": (lambda: model(InTraining(name="late")), r"^layer 'late\w*' of type InTraining fails in training \("),
    "a layer, beside steps of one's own": (
        lambda: model(InTraining(name="late"), OwnStep),
        r"^layer 'late\w*' of type InTraining fails in training \(",
    ),
    "a loss of the model's own": (lambda: model(kind=OwnLoss), r"^compute_loss\(\) of model 'mine' "),
    "a loss function": (lambda: model(loss=own_loss), r"^loss 'own_loss' of model 'mine' fails in training"),
    "a metric": (
        lambda: model(metrics=[OwnMetric(name="slip")]),
        r"^metric 'slip' of model 'mine' cannot be computed",
    ),
    "a call of the model's own": (OwnCall, r"^the model of 'OwnCall' cannot .* \(in its call\(\), "),
}  # fmt: skip


@pytest.mark.parametrize("of", FAULTS)
def test_what_raised_is_named(of):
    build, message = FAULTS[of]
    with pytest.raises(ModelError, match=message) as caught:
        nw.Study(build, (X, Y), **SMALL).run()
    assert "TypeError: object of type 'int' has no len()" in str(caught.value)
    assert "; expected" in str(caught.value)


def test_labels_that_are_missed_are_said():
    with pytest.raises(ModelError, match=r"^data 'arrays' have no labels, and .* of model 'mine'"):
        nw.Study(model, (X, None), **SMALL).run()
