"""Networks that differ in momentum alone are one program, which gets it as a number."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.engine import Replica
from normwise.engine.kernels.normalisation import BatchNormalization, given_shares, shares_of

# Of 1 - 0.9999 float32 keeps four digits, where it is computed from a rounded 0.9999.
MOMENTA = (0.0, 0.5, 0.99, 0.9999, 1.0)


def network(momentum, epsilon=1e-3):
    """Two normalisations, one of them in a network inside."""
    first, second = (layers.BatchNormalization(momentum=momentum, epsilon=epsilon) for _ in "ab")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), second], name="inner")
    hidden = layers.Dense(4), first, inner
    return keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1)])


@pytest.fixture(scope="module")
def program(make_cohort, rows):
    cohort = make_cohort(network(0.9), rows("regression"), epochs=2, width=2)
    return cohort, cohort.lower()


@pytest.fixture(scope="module")
def compiled(program):
    cohort, lowered = program
    return cohort.compile(lowered)


@pytest.mark.parametrize("momentum", MOMENTA)
def test_another_momentum_is_the_same_program(momentum, program, make_cohort, rows):
    other = make_cohort(network(momentum), rows("regression"), epochs=2, width=2)
    assert other.lower().as_text() == program[1].as_text()


def test_another_epsilon_is_another_program(program, make_cohort, rows):
    other = make_cohort(network(0.9, epsilon=0.1), rows("regression"), epochs=2, width=2)
    assert other.lower().as_text() != program[1].as_text()


@pytest.mark.parametrize("momentum", MOMENTA)
def test_one_program_moves_statistics_as_fit_does(momentum, compiled, make_cohort, rows, keras_fit):
    model = network(momentum)
    cohort = make_cohort(model, rows("regression"), epochs=2, width=2)
    (chunk,) = cohort.run(compiled, [Replica(0), Replica(1)])
    alone = keras_fit(model, cohort, 1, epochs=2)
    for name, values in chunk.curves.items():
        np.testing.assert_allclose(values[1], alone[name], rtol=1e-5, err_msg=name)
    for variable, ours in zip(model.non_trainable_variables, chunk.non_trainable, strict=True):
        start = 1.0 if "variance" in variable.name else 0.0
        moved = np.asarray(variable.value) - start
        np.testing.assert_allclose(ours[1] - start, moved, rtol=1e-5, atol=2e-6 if start else 3e-7)


def test_shares_are_those_of_exact_momenta():
    model = keras.Sequential([keras.Input((3,)), BatchNormalization(momentum=0.9999)])
    np.testing.assert_array_equal(shares_of(model), [[0.9999, 1 - 0.9999]])
    none = keras.Sequential([keras.Input((3,)), BatchNormalization(momentum=None)])
    assert shares_of(none) is None


def test_a_layer_has_its_own_momentum_behind_the_block():
    model = keras.Sequential([keras.Input((3,)), BatchNormalization(momentum=0.5)])
    x = np.full((4, 3), 8.0, "float32")
    with given_shares(model, np.array([[0.75, 0.25]])):
        model(x, training=True)
    np.testing.assert_allclose(model.layers[0].moving_mean, 2)
    model(x, training=True)
    np.testing.assert_allclose(model.layers[0].moving_mean, 5)
