"""Parts of a program against Keras: the evaluation in slices."""

import jax
import keras
import numpy as np
import pytest
from keras import layers

from normwise.engine import evaluating
from normwise.engine.at_once import evaluating_at_once
from normwise.engine.evaluating import evaluation_of
from normwise.engine.program import Data, make_program
from normwise.engine.state import State
from normwise.models.metrics import build_compiled_parts


def classifier():
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", kernel_regularizer="l2"),
        ]
    )


def evaluated(model, dataset, batch_size):
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    build_compiled_parts(model, dataset)
    evaluate = jax.jit(evaluating_at_once(model, dataset, batch_size))
    state = State(
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
        [],
        np.ones((), bool),
    )
    return {name: float(value) for name, value in evaluate(state, dataset.val)[1].items()}


# A slice of one example, of seven (60 = 8 × 7 + 4), and all at once.
@pytest.mark.parametrize("size", [1, 7 * 4 * 13, 10**9])
def test_an_evaluation_in_slices_is_keras_evaluate(size, rows, monkeypatch):
    monkeypatch.setattr(evaluating, "EVALUATION_BYTES", size)
    model, dataset = classifier(), rows("classes")
    ours = evaluated(model, dataset, batch_size=32)
    keras_own = model.evaluate(dataset.x_val, dataset.y_val, verbose=0, return_dict=True)
    assert ours == pytest.approx(keras_own, rel=1e-6)


class SumPenalty(layers.Layer):
    def call(self, inputs):
        self.add_loss(0.01 * keras.ops.sum(inputs**2))
        return inputs


def test_losses_that_layers_add_are_evaluated_batch_by_batch(rows):
    # A sum over the batch depends on its size; Keras' `fit` evaluates in its own batches.
    dataset = rows("classes")
    assert not evaluation_of(classifier(), dataset).adds_losses
    model = keras.Sequential([classifier(), SumPenalty()])
    assert evaluation_of(model, dataset).adds_losses
    ours = evaluated(model, dataset, batch_size=16)
    settings = {"verbose": 0, "return_dict": True}
    keras_own = model.evaluate(dataset.x_val, dataset.y_val, batch_size=16, **settings)
    assert ours == pytest.approx(keras_own, rel=1e-6)
    at_once = model.evaluate(dataset.x_val, dataset.y_val, batch_size=60, **settings)
    assert at_once["loss"] > 1.05 * ours["loss"]


def normalised():
    hidden = layers.Dense(4, activation="relu"), layers.BatchNormalization()
    return keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)])


def one_epoch(dataset, *, rate=0.01, alive=True):
    """The state before an epoch of a normalised network, after it, and its loss."""
    model = normalised()
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "mean_squared_error")
    segment = make_program(model, dataset, batch_size=20).segment
    groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
    before = State(*([np.array(v.value) for v in own] for own in groups), np.array(alive))
    orders = np.arange(len(dataset.x_train), dtype="int32")[None]
    after, curves = jax.jit(segment)(before, orders, Data(dataset.train, dataset.val))
    return before, after, float(curves["loss"][0])


def assert_all_as_before(before, after):
    assert not after.alive
    for old, new in zip(jax.tree.leaves(before[:3]), jax.tree.leaves(after[:3]), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_replica_that_diverges_keeps_statistics_and_momenta_too(rows):
    before, after, loss = one_epoch(rows("regression"), rate=1e30)
    assert not np.isfinite(loss)
    assert_all_as_before(before, after)


def test_a_replica_that_diverged_stays_so_on_harmless_data(rows):
    before, after, loss = one_epoch(rows("regression"), alive=False)
    assert np.isfinite(loss)
    assert_all_as_before(before, after)


def test_a_replica_that_lives_moves_all(rows):
    before, after, _ = one_epoch(rows("regression"))
    assert after.alive
    for old, new in zip(before[:3], after[:3], strict=True):
        assert any((np.asarray(a) != np.asarray(b)).any() for a, b in zip(old, new, strict=True))
