"""Guarantee 1: a replica trains exactly as Keras' ``fit`` would on the same batches."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.data.circles import circles
from normwise.engine import Fit, InitialValues, Replica, largest_relative_difference
from normwise.layers import BatchNormalization
from normwise.models import place


@pytest.fixture(scope="module", params=["none", "after", "before"])
def whole_run(request, circles_run, circles_model, circles_settings, keras_fit):
    """(stacked, alone): the curves of one replica of four, over the tutorials' whole run."""
    run = circles_run(request.param)
    # A model of its own: other tests take what the run's model starts with.
    model = place(circles_model(), request.param)
    alone = keras_fit(model, run.cohort, 2, **circles_settings)
    return {name: values[2] for name, values in run.chunk.curves.items()}, alone


def test_losses_of_a_whole_run_agree(whole_run):
    stacked, alone = whole_run
    assert len(circles().x_train) % 32  # the last batch is a partial one
    assert set(stacked) == set(alone)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(stacked[name], alone[name], rtol=1e-5, err_msg=name)


def test_accuracies_of_a_whole_run_agree_to_an_example(whole_run):
    # A probability within rounding of the threshold 0.5 may fall on the other side.
    stacked, alone = whole_run
    for name in ("accuracy", "val_accuracy"):
        examples = np.abs(stacked[name] - alone[name]) * 500
        assert examples.max() < 1.001, name
        assert (examples > 0.001).mean() < 0.05, name


def churn_like():
    hidden = [
        layers.Dense(units, activation="relu", kernel_initializer="random_uniform")
        for units in (64, 32, 16)
    ]
    return keras.Sequential([keras.Input((11,)), *hidden, layers.Dense(1, activation="sigmoid")])


def normalised_input():
    # No Adam here: the normalisation behind the first layer takes out what the input's β puts in,
    # so its gradient is nothing but rounding, which Adam would blow up to steps of full size.
    return place(churn_like(), "input+before")


def small_cnn():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def recurrent():
    model = keras.Sequential(
        [keras.Input((6, 2)), layers.LSTM(5), layers.Dense(1, activation="sigmoid")]
    )
    return place(model, "after")


class SumPenalty(layers.Layer):
    def call(self, inputs):
        self.add_loss(0.001 * keras.ops.sum(inputs**2))
        return inputs


def branches():
    """Two branches, dropout in one of them, a residual, and every kind of penalty."""
    l1, l2 = keras.regularizers.L1(0.01), keras.regularizers.L2(0.01)
    inputs = keras.Input((11,))
    left = layers.Dense(6, activation="relu", kernel_regularizer=l2)(inputs)
    right = layers.Dense(6, activation="tanh", activity_regularizer=l1)(inputs)
    hidden = layers.Concatenate()([layers.Dropout(0.4)(left), right])
    hidden = layers.Add()([layers.Dense(12)(hidden), hidden])
    hidden = SumPenalty()(layers.Dropout(0.2)(hidden))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", bias_regularizer=l1)(hidden))


def regression():
    # A kernel of one input, and a constraint that the optimiser applies.
    return keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(5, activation="relu", kernel_constraint=keras.constraints.MaxNorm(0.5)),
            layers.Dense(1),
        ]
    )


def options_of_the_layer():
    """What a lowered layer must not drop: each changes the curve."""
    return keras.Sequential(
        [
            keras.Input((11,)),
            layers.Dense(6, activation="relu"),
            BatchNormalization(virtual_batch_size=8, momentum=0.5),
            layers.Dense(5, activation="tanh"),
            BatchNormalization(momentum=None, synchronized=True),
            BatchNormalization(
                renorm=True, renorm_schedule=(1, 4, 3), renorm_momentum=0.5, momentum=0.5
            ),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def random_data(shape, task, train, val):
    draw = np.random.default_rng(1)
    examples = train + val
    x = draw.normal(size=(examples, *shape)).astype("float32")
    y = {
        "binary": draw.integers(0, 2, (examples, 1)).astype("float32"),
        "classes": draw.integers(0, 3, examples).astype("int32"),
        "regression": draw.normal(size=(examples, 1)).astype("float32"),
    }[task]
    return Dataset("random", x[:train], y[:train], x[train:], y[train:], task)


def optimizer_of(name, learning_rate, **options):
    return {"class_name": name, "config": {"learning_rate": learning_rate, **options}}


MODELS = [
    (churn_like, "binary", optimizer_of("SGD", 0.1)),
    (normalised_input, "binary", optimizer_of("SGD", 0.1, momentum=0.9)),
    (small_cnn, "classes", optimizer_of("Adam", 0.01)),
    (recurrent, "binary", optimizer_of("RMSprop", 0.01)),
    (branches, "binary", optimizer_of("SGD", 0.1, momentum=0.9, nesterov=True)),
    (regression, "regression", optimizer_of("Adam", 0.05)),
    (options_of_the_layer, "binary", optimizer_of("SGD", 0.1)),
]


@pytest.mark.parametrize(
    ("build", "task", "optimizer"), MODELS, ids=lambda v: getattr(v, "__name__", "")
)
def test_first_epochs_agree(build, task, optimizer, make_cohort, train, keras_fit):
    model = build()
    # The whole run above keeps its partial batches, which compile a second step.
    dataset = random_data(model.input_shape[1:], task, train=96, val=64)
    cohort = make_cohort(model, dataset, epochs=2, width=2, optimizer=optimizer)
    (chunk,) = train(cohort, [7, 3])
    alone = keras_fit(model, cohort, 3, epochs=2, optimizer=optimizer)
    assert set(alone) == set(chunk.curves)
    for name, values in chunk.curves.items():
        np.testing.assert_allclose(values[1], alone[name], rtol=1e-5, err_msg=name)
    # Weights, statistics and seeds end alike, too.
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, ours in zip(variables, [*chunk.trainable, *chunk.non_trainable], strict=True):
        np.testing.assert_allclose(ours[1], variable.value, rtol=1e-3, atol=1e-5)


def test_the_solo_check_is_a_plain_fit(
    circles_run, circles_model, circles_settings, keras_fit, compile_model
):
    run, settings = circles_run("before"), {**circles_settings, "epochs": 10}
    plain = keras_fit(place(circles_model(), "before"), run.cohort, 1, **settings)
    model = place(circles_model(), "before")
    compile_model(model, circles(), settings["optimizer"])
    fit = Fit(model, InitialValues(model), circles(), 32)
    solo = fit.train(Replica(1), fit.begin(Replica(1)), range(10)).curves
    assert set(solo) == set(plain)
    # Only the slices of the evaluation differ.
    assert largest_relative_difference(plain, solo) < 1e-6


def test_differences_are_relative_and_one_sided_nan_is_infinite():
    difference = largest_relative_difference
    assert difference({"a": [4.0, 0.0]}, {"a": [5.0, 0.125]}) == 0.25
    assert difference({"a": [1.0, np.nan]}, {"a": [1.0, np.nan]}) == 0
    assert difference({"a": [1.0, np.nan]}, {"a": [1.0, 2.0]}) == np.inf
    assert difference({"a": [1.0, 2.0, 9.0]}, {"a": [1.0, 2.0]}) == 0
