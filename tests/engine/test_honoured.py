"""What a compiled model brings is trained with exactly as Keras' ``fit`` does it."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.engine import Cohort, InitialValues, Replica, lower, make_program, replica_mesh
from normwise.engine.orders import epoch_orders
from normwise.models import place

EPOCHS, BATCH, SEED = 2, 16, 5
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


def curves_of_the_engine(compile_model, model, dataset, weights=None):
    lowered = lower(model)
    compile_model(lowered)
    cohort = Cohort(
        program=make_program(lowered, dataset, BATCH),
        initial=InitialValues(lowered),
        dataset=dataset,
        epochs=EPOCHS,
        width=2,
        mesh=replica_mesh(),
        weights=weights,
    )
    (chunk,) = cohort.run(
        cohort.compile(cohort.lower()), [Replica(1), Replica(SEED)], lambda *_: None
    )
    return {name: values[1] for name, values in chunk.curves.items()}, cohort, chunk


def curves_of_keras(compile_model, model, cohort, dataset, **given):
    """A plain ``fit`` an epoch, on arrays in the replica's order, with Keras' own arguments."""
    compile_model(model)
    start = cohort.start([Replica(SEED)] * cohort.mesh.size)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, value in zip(variables, [*start.trainable, *start.non_trainable], strict=True):
        variable.assign(np.array(value[0]))
    history = {}
    orders = epoch_orders(SEED, len(dataset.x_train))
    for _ in range(EPOCHS):
        rows = next(orders)
        ordered = {key: v[rows] if isinstance(v, np.ndarray) else v for key, v in given.items()}
        done = model.fit(
            dataset.x_train[rows],
            dataset.y_train[rows],
            batch_size=BATCH,
            shuffle=False,
            verbose=0,
            validation_data=(dataset.x_val, dataset.y_val),
            **ordered,
        )
        for name, values in done.history.items():
            history.setdefault(name, []).extend(values)
    return history


def assert_alike(compile_model, model, dataset, weights=None, **given):
    ours, cohort, chunk = curves_of_the_engine(compile_model, model, dataset, weights)
    keras_own = curves_of_keras(compile_model, model, cohort, dataset, **given)
    assert set(ours) == set(keras_own)
    for name, values in keras_own.items():
        np.testing.assert_allclose(ours[name], values, rtol=2e-5, err_msg=name)
    for variable, value in zip(model.trainable_variables, chunk.trainable, strict=True):
        np.testing.assert_allclose(value[1], variable.value, rtol=1e-3, atol=1e-5)
    return ours


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
    ours = assert_alike(compile_weighted, network(), dataset, weights, sample_weight=weights)
    assert not np.allclose(ours["accuracy"], ours["weighted_accuracy"])


def test_class_weights(dataset):
    weights = np.where(dataset.y_train[:, 0] == 1, 5.0, 1.0).astype("float32")
    assert_alike(compile_weighted, network(), dataset, weights, class_weight={1: 5.0})
