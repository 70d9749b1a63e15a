"""What a compiled model brings is trained with exactly as Keras' ``fit`` does it."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from alike import assert_alike
from keras import layers

from normwise.data import Dataset
from normwise.models import place

schedules, optimizers = keras.optimizers.schedules, keras.optimizers


@pytest.fixture(scope="module")
def dataset():
    draw = np.random.default_rng(3)
    x = draw.normal(size=(96, 4)).astype("float32")
    y = (x[:, :1] + draw.normal(scale=0.5, size=(96, 1)) > 0.3).astype("float32")
    return Dataset("rows", x[:64], y[:64], x[64:], y[64:], "binary")


def network(**first):
    first = {"activation": "relu", **first}
    plain = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, **first), layers.Dense(1, activation="sigmoid")]
    )
    return place(plain, "after")


OPTIMIZERS = {
    "clipnorm": lambda: optimizers.SGD(0.5, clipnorm=0.05),
    "weight-decay": lambda: optimizers.AdamW(0.05, weight_decay=0.3, global_clipnorm=0.05),
    "accumulation": lambda: optimizers.SGD(0.5, gradient_accumulation_steps=3),
    "loss-scale": lambda: optimizers.SGD(0.5, loss_scale_factor=8.0),
    "exponential": lambda: optimizers.SGD(schedules.ExponentialDecay(0.9, 3, 0.5)),
    "cosine": lambda: optimizers.Adam(schedules.CosineDecay(0.01, 8, warmup_target=0.1, warmup_steps=3)),
    "adafactor": lambda: optimizers.Adafactor(0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimisers_options_and_schedules(name, dataset):
    def compile_model(model):
        model.compile(OPTIMIZERS[name](), "binary_crossentropy", metrics=["accuracy"])

    assert_alike(compile_model, network(), dataset)


def test_a_loss_with_options_and_a_weight(dataset):
    def compile_model(model):
        loss = keras.losses.BinaryFocalCrossentropy(gamma=1.0, label_smoothing=0.1)
        model.compile("adam", loss, loss_weights=0.25)

    ours = assert_alike(compile_model, network(), dataset)
    assert set(ours) == {"loss", "val_loss"}


def absolute(labels, outputs):
    return keras.ops.abs(labels - outputs)


def test_metrics_of_every_kind(dataset):
    def compile_model(model):
        metrics = [
            "accuracy",
            "mse",
            absolute,
            keras.metrics.AUC(name="auc"),
            keras.metrics.AUC(curve="PR", name="area"),
            keras.metrics.Precision(thresholds=0.4, name="precision"),
            keras.metrics.F1Score(threshold=0.4, average="micro", name="f1"),
            keras.metrics.RootMeanSquaredError(name="rmse"),
            keras.metrics.SpecificityAtSensitivity(0.5, name="specificity"),
        ]
        model.compile(optimizers.SGD(0.1), "binary_crossentropy", metrics=metrics)

    ours = assert_alike(compile_model, network(), dataset)
    assert len(ours) == 2 * 10


def test_penalties(dataset):
    settings = {
        "kernel_regularizer": keras.regularizers.L1L2(0.01, 0.02),
        "bias_regularizer": keras.regularizers.L2(0.1),
        "activity_regularizer": keras.regularizers.L2(0.05),
    }
    plain = network(**settings)
    # γ and β may have penalties, too.
    norm = next(layer for layer in plain.layers if isinstance(layer, layers.BatchNormalization))
    norm.gamma_regularizer = keras.regularizers.L2(0.1)
    norm.gamma.regularizer = norm.gamma_regularizer

    def compile_model(model):
        model.compile(optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])

    with_penalties = assert_alike(compile_model, plain, dataset)
    without = assert_alike(compile_model, network(), dataset)
    assert with_penalties["val_loss"][0] > 1.05 * without["val_loss"][0]


def compile_weighted(model):
    model.compile(
        optimizers.SGD(0.3),
        "binary_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )


def test_sample_weights(dataset):
    weights = np.random.default_rng(0).uniform(0, 3, len(dataset.x_train)).astype("float32")
    weighted = replace(dataset, weights=(weights, None))
    ours = assert_alike(compile_weighted, network(), weighted, sample_weight=weights)
    assert not np.allclose(ours["accuracy"], ours["weighted_accuracy"])


def test_class_weights(dataset):
    weights = np.where(dataset.y_train[:, 0] == 1, 5.0, 1.0).astype("float32")
    weighted = replace(dataset, weights=(weights, None))
    assert_alike(compile_weighted, network(), weighted, class_weight={1: 5.0})
