"""Cohorts made directly from a Keras model, and the reference: Keras' own ``fit``."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from normwise.data import Dataset
from normwise.data.circles import circles
from normwise.engine import (
    Chunk,
    Cohort,
    InitialValues,
    Replica,
    lower,
    make_program,
    replica_mesh,
)
from normwise.engine.orders import epoch_orders
from normwise.models import place
from tests.compiling import compiled_names

HERE = Path(__file__).parent
# Parity to the last digits, and bit for bit.
OF_ROUNDING = {
    "cohort",
    "fit",
    "lower",
    "sums",
    "ties",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem.removeprefix("test_") in OF_ROUNDING and item.path.parent == HERE:
            item.add_marker("as_shipped")


def _cohort(
    model, dataset, *, epochs, width, batch_size=32, optimizer="sgd", devices=None, like=None
):
    lowered = lower(model)
    _compile(lowered, dataset, optimizer)
    return Cohort(
        program=make_program(lowered, dataset, batch_size),
        initial=InitialValues(lowered, like=like),
        dataset=dataset,
        epochs=epochs,
        width=width,
        mesh=replica_mesh(devices),
    )


def _compile(model, dataset, optimizer):
    loss = {
        "binary": "binary_crossentropy",
        "classes": "sparse_categorical_crossentropy",
        "regression": "mean_squared_error",
    }[dataset.task]
    metric = "mean_absolute_error" if dataset.task == "regression" else "accuracy"
    model.compile(keras.optimizers.get(optimizer), loss, metrics=[metric])


def _train(cohort, replicas, compiled=None):
    """The chunks of replicas, or of seeds."""
    wanted = [Replica(one) if isinstance(one, int) else one for one in replicas]
    return list(cohort.run(compiled or cohort.compile(cohort.lower()), wanted, lambda *_: None))


def _keras_fit(model, cohort, seed, *, epochs, batch_size=32, optimizer="sgd"):
    """Curves of a plain ``fit`` of the user's own model on the replica's batches.

    The batches are cut here and the values copied variable by variable: nothing
    of the engine but the drawn numbers goes in.
    """
    dataset = cohort.dataset
    _compile(model, dataset, optimizer)
    start = cohort.start([Replica(seed)] * cohort.mesh.size)
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    for variable, value in zip(variables, [*start.trainable, *start.non_trainable], strict=True):
        variable.assign(np.array(value[0]))

    def batches():
        for order in epoch_orders(seed, len(dataset.x_train)):
            for first in range(0, len(order), batch_size):
                rows = order[first : first + batch_size]
                yield dataset.x_train[rows], dataset.y_train[rows]

    # Compiled as users have it: with little optimised, JAX's own gradients of maxima lose ties.
    history = model.fit(
        batches(),
        steps_per_epoch=-(-len(dataset.x_train) // batch_size),
        epochs=epochs,
        validation_data=(dataset.x_val, dataset.y_val),
        validation_batch_size=batch_size,
        shuffle=False,
        verbose=0,
    )
    return {metric: np.array(values) for metric, values in history.history.items()}


@pytest.fixture(scope="session")
def make_cohort():
    return _cohort


@pytest.fixture(scope="session")
def compile_model():
    return _compile


@pytest.fixture(scope="session")
def train():
    return _train


@pytest.fixture(scope="session")
def keras_fit():
    return _keras_fit


@pytest.fixture(scope="session")
def circles_model():
    def build():
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(50, activation="relu", kernel_initializer="he_uniform", name="hidden"),
                layers.Dense(1, activation="sigmoid", name="output"),
            ]
        )

    return build


@dataclass
class CirclesRun:
    """Seeds 0 to 3 of the tutorials' study, trained to the end on two devices."""

    model: Any
    cohort: Cohort
    compiled: Any
    chunk: Chunk


CIRCLES = {
    "epochs": 100,
    "optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9}},
}


@pytest.fixture(scope="session")
def circles_settings():
    return CIRCLES


@pytest.fixture(scope="session")
def circles_run(circles_model):
    @functools.cache
    def run(variant):
        model = place(circles_model(), variant)
        cohort = _cohort(model, circles(), width=4, **CIRCLES)
        compiled = cohort.compile(cohort.lower())
        (chunk,) = _train(cohort, [0, 1, 2, 3], compiled)
        return CirclesRun(model, cohort, compiled, chunk)

    return run


@pytest.fixture(scope="session")
def rows():
    """Rows of numbers around a line: 100 train, 60 validate, neither a multiple of a batch."""

    def make(task, *, features=3):
        draw = np.random.default_rng(0)
        x = draw.normal(size=(160, features)).astype("float32")
        score = x @ draw.normal(size=features) + draw.normal(scale=0.5, size=160)
        y = {
            "binary": (score > 0).astype("float32")[:, None],
            "classes": np.digitize(score, [-1, 1]).astype("int32"),
            "regression": score.astype("float32")[:, None],
        }[task]
        return Dataset("rows", x[:100], y[:100], x[100:], y[100:], task)

    return make


@dataclass
class _Compilations:
    names: list[str]


@pytest.fixture
def compilations():
    """Names of the functions that XLA compiled, or took from its cache, while the test ran."""
    with compiled_names() as names:
        yield _Compilations(names)
