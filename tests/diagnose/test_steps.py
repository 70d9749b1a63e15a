"""An epoch of steps that are thrown away: what it sees is real, and nothing of it stays."""

import by_hand
import numpy as np
import pytest
from keras import layers

from normwise.diagnose.steps import inside_steps


def data(count=320):
    x = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    return x, (x[:, :1] - x[:, 1:2] ** 2).astype(np.float32)


@pytest.fixture(scope="module")
def trained():
    x, y = data()
    model = by_hand.model()
    model.fit(x, y, epochs=2, verbose=0)
    return model, (x, y)


def values(model):
    return [np.array(one.value) for one in [*model.variables, *model.optimizer.variables]]


def test_the_model_and_its_optimiser_are_as_they_were(trained):
    model, given = trained
    before = values(model)
    inside_steps(model, given, batch_size=16)
    for one, other in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_steps_of_an_epoch_are_seen_from_the_first_on(trained):
    model, given = trained
    inside = inside_steps(model, given, batch_size=16)  # 256 of the examples train
    assert (inside.unit, inside.looks) == ("step", (1, 3, 5, 7, 9, 11, 13, 15))
    weight = np.linalg.norm(by_hand.values_of(model)["w1"])
    assert inside.series["gradients/weight"][0, 0] == pytest.approx(weight, rel=1e-5)
    assert inside.series["gradients/weight"][-1, 0] != inside.series["gradients/weight"][0, 0]


def test_a_model_that_was_not_compiled_takes_no_step():
    import keras

    model = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
    assert inside_steps(model, data()) is None
