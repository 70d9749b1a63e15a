"""γ and β of a normalised input, applied in the dense layer behind it: the same training."""

import jax
import keras
import numpy as np
import pytest
from keras import layers

from normwise.engine import lower
from normwise.engine.input_scale import ScaledDense, Standardisation, scaled_pairs


def network(norm=None, *, shape=(5,), between=(), behind=None, units=4):
    return keras.Sequential(
        [
            keras.Input(shape),
            *between,
            layers.BatchNormalization(name="norm", **(norm or {})),
            behind or layers.Dense(units, activation="tanh", name="hidden"),
            *([layers.Flatten()] if len(shape) > 1 and not between else []),
            layers.Dense(1, name="output"),
        ]
    )


TAKEN = {
    "plain": network,
    "no beta": lambda: network({"center": False}),
    "no gamma": lambda: network({"scale": False}),
    "neither": lambda: network({"scale": False, "center": False}),
    "no bias": lambda: network(behind=layers.Dense(4, use_bias=False, name="hidden")),
    "penalised": lambda: network({"gamma_regularizer": "l2", "beta_constraint": "non_neg"}),
    "flattened": lambda: network(shape=(2, 3), between=[layers.Flatten()]),
    "rank 3": lambda: network(shape=(4, 5)),
}


def random_values(model):
    draw = np.random.default_rng(3)
    for variable in model.variables:
        if "seed" not in variable.name:
            variable.assign(0.5 + draw.random(variable.shape))


@pytest.mark.parametrize("name", TAKEN)
def test_values_gradients_and_statistics_are_keras_own(name):
    model = TAKEN[name]()
    lowered = lower(model)
    assert isinstance(lowered.get_layer("norm"), Standardisation)
    assert isinstance(lowered.get_layer("hidden"), ScaledDense)
    assert [v.shape for v in lowered.variables] == [v.shape for v in model.variables]
    random_values(model)
    draw = np.random.default_rng(1)
    x = (3 + 2 * draw.normal(size=(16, *model.input_shape[1:]))).astype("float32")
    for training in (True, False):
        found = [_results(one, model, x, training=training) for one in (model, lowered)]
        for ours, theirs in zip(*map(jax.tree.leaves, found), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


def _results(model, values_of, x, *, training):
    def loss(trainable):
        y, state, losses = model.stateless_call(
            trainable, state_before, x, training=training, return_losses=True
        )
        return (y**2).mean() + sum(losses), (y, state)

    trainable = [v.value for v in values_of.trainable_variables]
    state_before = [v.value for v in values_of.non_trainable_variables]
    return jax.value_and_grad(loss, has_aux=True)(trainable)


def test_the_product_that_only_gamma_needs_is_gone():
    def products(model):
        def loss(trainable, state, x):
            return (model.stateless_call(trainable, state, x, training=True)[0] ** 2).mean()

        trainable = [v.value for v in model.trainable_variables]
        state = [v.value for v in model.non_trainable_variables]
        compiled = jax.jit(jax.grad(loss)).lower(trainable, state, np.ones((32, 100), "float32"))
        return compiled.compile().cost_analysis()["flops"]

    model = network(shape=(100,), units=50)
    assert products(lower(model)) < products(model) - 2 * 32 * 100 * 50 / 2


LEFT = {
    "learning in front": lambda: network(between=[layers.Dense(5)]),
    "another axis": lambda: network({"axis": 1}, shape=(5, 5)),
    "frozen": lambda: network({"trainable": False}),
    "renormalised": lambda: network({"renorm": True}),
    "a convolution behind": lambda: network(
        shape=(6, 2), behind=layers.Conv1D(3, 2, name="hidden")
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_does_not_fit_is_left_alone(name):
    model = LEFT[name]()
    assert scaled_pairs(model, on_cpu=True) == []
    assert not isinstance(lower(model).get_layer("norm"), Standardisation)


def test_a_normalisation_that_others_use_too_is_left_alone():
    x = keras.Input((4,))
    normed = layers.BatchNormalization(name="norm")(x)
    y = layers.Add()([layers.Dense(4)(normed), normed])
    assert scaled_pairs(keras.Model(x, layers.Dense(1)(y)), on_cpu=True) == []


def test_a_layer_that_is_called_twice_is_left_alone():
    shared, inputs = layers.Dense(3), [keras.Input((4,)), keras.Input((4,))]
    normed = [layers.BatchNormalization()(x) for x in inputs]
    y = layers.Add()([shared(x) for x in normed])
    assert scaled_pairs(keras.Model(inputs, layers.Dense(1)(y)), on_cpu=True) == []


def test_a_layer_of_the_same_name_in_a_nested_model_is_left_alone():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="hidden")], name="inner")
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.BatchNormalization(name="norm"),
            layers.Dense(4, name="hidden"),
            inner,
            layers.Dense(1),
        ]
    )
    assert len(scaled_pairs(model, on_cpu=True)) == 1
    assert not isinstance(lower(model).get_layer("inner").get_layer("hidden"), ScaledDense)
