"""A model that would lose more once it is mended: nothing of it is kept, and the message says why."""

import jax
import keras
import numpy as np
import pytest
from disturbing import disturbed
from keras import layers
from rule_cases.common import X, net, norm

import normwise as nw
from normwise.errors import WorseError

# Keras 3.15 on NumPy 2, whenever a variable becomes an array.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("initial_values_from_numpy"),
]


def learnt_without_statistics():
    """Compiled and trained by its moving statistics, which stayed at 0 and 1; and its data."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(3, 1, (300, 4)).astype("float32")
    y = (x[:, 0] > x[:, 1]).astype("float32")
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, use_bias=False), norm(), layers.ReLU(), layers.Dense(1)]
    )
    weights = model.trainable_variables
    optimizer = keras.optimizers.Adam(0.02)
    optimizer.build(weights)

    def loss(values, x, y):
        (given, _) = model.stateless_call(values, model.non_trainable_variables, x)
        return keras.ops.mean((given[:, 0] - y) ** 2)

    step = jax.jit(jax.grad(loss))
    for _ in range(200):
        gradients = step([weight.value for weight in weights], x, y)
        optimizer.apply(gradients, weights)
    model.compile("adam", "mse")
    return model, x, y


def moving(model):
    return [np.array(variable.value) for variable in model.non_trainable_variables]


@pytest.mark.parametrize("held_out", [False, True])
def test_what_makes_the_loss_rise_is_refused_and_nothing_changes(held_out):
    model, x, y = learnt_without_statistics()
    before = model.evaluate(x, y, verbose=0)
    data = (x[:200], y[:200], x[200:], y[200:]) if held_out else (x, y)
    part, count = ("validation", 100) if held_out else ("training", 300)
    said = rf"{part} loss 0\.\d+ before, \S+ after \({count} examples\).*never moved.*force=True$"
    assert {finding.rule for finding in nw.check(model, data)} >= {"unmoved-statistics"}
    with pytest.raises(WorseError, match=said) as refused:
        nw.fix(model, data)
    statistics = ["stale-statistics", "moving-statistics-gap", "unmoved-statistics"]
    assert str(refused.value).endswith(
        f"; try ignore={statistics} to mend the rest alone, or force=True"
    )
    assert refused.value.typed.endswith(
        f"; try --ignore {','.join(statistics)} to mend the rest alone, or --force"
    )
    with pytest.raises(WorseError, match=said):
        nw.recalibrate(model, data)
    assert {value.sum() for value in moving(model)} == {0.0, 8.0}
    assert model.evaluate(x, y, verbose=0) == before
    forced = nw.fix(model, data, force=True).model
    assert forced.evaluate(x, y, verbose=0) > before
    np.testing.assert_allclose(
        moving(nw.recalibrate(model, data, force=True))[0], moving(forced)[0], rtol=1e-6
    )


def test_without_labels_statistics_that_the_network_may_have_learnt_with_are_left():
    model, x, _ = learnt_without_statistics()
    fixed = nw.fix(model, x)
    assert fixed.mended == ()
    assert {finding.rule for finding in fixed.left} >= {"unmoved-statistics"}
    np.testing.assert_array_equal(np.asarray(fixed.model(x)), np.asarray(model(x)))


def test_statistics_that_were_lost_are_mended_where_the_loss_falls():
    """As in a JAX loop that throws the non-trainable variables of its calls away."""
    model, x, y = learnt_without_statistics()
    model.get_layer("norm").trainable = True
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(x, y, epochs=30, verbose=0)
    for variable, value in zip(model.non_trainable_variables, (0.0, 1.0), strict=True):
        variable.assign(np.full(8, value))
    before = model.evaluate(x, y, verbose=0)
    fixed = nw.fix(model, (x, y))
    assert "unmoved-statistics" in {finding.rule for finding in fixed.mended}
    assert fixed.model.evaluate(x, y, verbose=0) < before


def test_what_rounding_adds_to_a_loss_is_no_rise():
    model, x, y = learnt_without_statistics()
    nw.recalibrate(model, x)
    for _ in range(3):
        nw.recalibrate(model, (x, y))  # the same statistics, rounded another time
    biased = net(layers.Dense(8), norm(), layers.Dense(1))
    assert nw.fix(disturbed(biased), (X, X[:, :1])).mended


def test_a_subclassed_model_that_would_do_worse_keeps_its_statistics():
    model, x, y = learnt_without_statistics()

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = model

        def call(self, x, training=None):
            return self.inner(x, training=training)

    own = Own()
    own(x[:2])
    own.compile("adam", "mse")
    with pytest.raises(WorseError):
        nw.fix(own, (x, y))
    assert {value.sum() for value in moving(own)} == {0.0, 8.0}


def test_a_frozen_layer_that_is_not_mended_is_no_cause_of_what_gets_worse():
    frozen = layers.BatchNormalization(name="frozen", trainable=False)
    model, x, y = learnt_without_statistics()
    model.get_layer("norm").trainable = True
    for variable in model.get_layer("norm").non_trainable_variables:
        variable.assign(variable + 0.01)  # moved, and so no cause either
    model = keras.Sequential([keras.Input((4,)), frozen, *model.layers])
    model.compile("adam", "mse")
    with pytest.raises(WorseError) as refused:
        nw.fix(model, (x, y))
    assert "the weights fit the statistics that they have" in str(refused.value)
