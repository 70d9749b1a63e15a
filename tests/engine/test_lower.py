"""Lowered layers against Keras' own and against NumPy in float64."""

import functools
import itertools

import jax
import keras
import numpy as np
import pytest
from keras import layers

from normwise import layers as drop_in
from normwise.engine import lower, reinitialised_copy
from normwise.engine.kernels.dense import NARROW, dense
from normwise.engine.kernels.normalisation import BatchNormalization
from normwise.errors import LayerError

SIZES = list(itertools.product((1, 2, 3, NARROW, NARROW + 1, 32), (1, 2, 5)))


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def test_dense_and_its_gradients_are_those_of_float64():
    def with_gradients(x, kernel, bias, d):
        y, backward = jax.vjp(dense, x, kernel, bias)
        return y, *backward(d)

    cases = [(normal(7, n), normal(n, m), normal(m), normal(7, m)) for n, m in SIZES]
    cases += [(x, kernel, None, d) for x, kernel, _, d in cases[::5]]
    # As the engine runs it: with a replica axis; here of two replicas, the second one reversed.
    stacks = [[a if a is None else np.stack([a, a[::-1]]) for a in case] for case in cases]
    every = jax.jit(lambda cases: [jax.vmap(with_gradients)(*case) for case in cases])(stacks)
    for stack, results in zip(stacks, every, strict=True):
        x, kernel, bias, d = (a if a is None else a.astype(float) for a in stack)
        y = x @ kernel + (0 if bias is None else bias[:, None])
        wanted = [y, d @ kernel.transpose(0, 2, 1), x.transpose(0, 2, 1) @ d, d.sum(axis=1)]
        for got, want in zip(results, wanted, strict=True):
            if got is not None:
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((5,), {"activation": "tanh"}),
        ((3, 6), {"use_bias": False, "activation": "softmax"}),
        ((2, 3, 1), {"kernel_regularizer": "l2", "activity_regularizer": "l1"}),
        ((4,), {"activation": layers.LeakyReLU(0.3), "bias_constraint": "non_neg"}),
    ],
    ids=["plain", "rank 3, no bias", "rank 4, penalties", "layer as activation"],
)
def test_a_lowered_dense_layer_equals_keras(shape, settings):
    model = keras.Sequential([keras.Input(shape), layers.Dense(4, name="dense", **settings)])
    lowered = lower(model)
    (layer,) = lowered.layers
    assert isinstance(layer, layers.Dense)
    assert type(layer) is not layers.Dense
    assert layer.get_config() == model.layers[0].get_config()
    x, weights = normal(6, *shape), [v.value for v in model.trainable_variables]

    def penalised(of, weights, x):
        y, _, losses = of.stateless_call(weights, [], x, return_losses=True)
        return (y**2).sum() + sum(losses), (y, losses)

    def with_gradients(of):
        function = functools.partial(penalised, of)
        both = jax.value_and_grad(function, argnums=(0, 1), has_aux=True)
        return jax.tree.leaves(jax.jit(both)(weights, x))

    for got, want in zip(with_gradients(lowered), with_gradients(model), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def low_precision():
    return layers.Dense(4, dtype="mixed_bfloat16")


def with_lora():
    layer = layers.Dense(4)
    layer.build((None, 8))
    layer.enable_lora(2)
    return layer


def quantised():
    layer = layers.Dense(4)
    layer.build((None, 8))
    layer.quantize("int8")
    return layer


def inherited():
    class Mine(layers.Dense):
        pass

    return Mine(4)


# Keras' `quantize` under NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("build", [low_precision, with_lora, quantised, inherited])
def test_other_dense_layers_stay_keras_own(build):
    layer = build()
    model = keras.Sequential([keras.Input((8,)), layer])
    lowered = lower(model)
    assert type(lowered.layers[0]) is type(layer)
    shapes = [variable.shape for variable in model.variables]
    assert [variable.shape for variable in lowered.variables] == shapes


def test_integers_go_into_a_dense_layer():
    model = keras.Sequential([keras.Input((3,), dtype="int32"), layers.Dense(2)])
    lowered = lower(model)
    lowered.set_weights([np.ones((3, 2)), np.zeros(2)])
    x = np.array([[1, 2, 3]])
    assert np.array(lowered(x)).tolist() == [[6.0, 6.0]]

    def total(weights):
        return lowered.stateless_call(weights, [], x)[0].sum()

    kernel, _ = jax.grad(total)([v.value for v in lowered.trainable_variables])
    assert np.array(kernel)[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_a_copy_holds_the_same_layers_at_every_depth():
    inner = keras.Sequential(
        [keras.Input((6,)), layers.Dense(6), layers.BatchNormalization(momentum=0.5)], name="inner"
    )
    inputs = keras.Input((6,))
    hidden = keras.ops.relu(inner(inputs))
    hidden = layers.Lambda(lambda t: t * 2.0)(hidden)
    shared = layers.Dense(6, activation=keras.activations.tanh)
    model = keras.Model(inputs, shared(shared(hidden)))
    kinds = {"lower": BatchNormalization, "reinitialised_copy": layers.BatchNormalization}
    for copy in (lower, reinitialised_copy):
        result = copy(model)
        norm = result.get_layer("inner").layers[-1]
        assert type(norm) is kinds[copy.__name__]
        assert norm.momentum == 0.5
        for old, new in zip(model.variables, result.variables, strict=True):
            new.assign(old.value)
        x = normal(3, 6)
        np.testing.assert_allclose(result(x), model(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": None},
        {"virtual_batch_size": 4, "axis": 1},
        {"axis_name": "data"},
        {"synchronized": True},
        {"renorm": True, "renorm_schedule": (1, 2, 3), "renorm_clipping": {"rmax": 2.0}},
    ],
    ids=str,
)
def test_a_lowered_layer_keeps_its_options(options):
    layer = drop_in.BatchNormalization(**options)
    model = keras.Sequential([keras.Input((6,)), layer])
    for copy in (lower, reinitialised_copy):
        assert copy(model).layers[0].get_config() == layer.get_config()
    assert type(lower(model).layers[0]) is BatchNormalization


def test_an_axis_for_the_batch_is_refused_where_axes_hold_replicas():
    layer = BatchNormalization(axis_name="replica", name="norm")
    with pytest.raises(LayerError, match=r"'norm' has axis_name='replica', and a study trains"):
        layer(normal(4, 3), training=True)


def test_a_subclassed_model_stays_as_it_is():
    class Mine(keras.Model):
        def call(self, inputs):
            return inputs

    model = Mine()
    assert lower(model) is model
    assert reinitialised_copy(model) is model


def test_no_recurrence_of_a_stack_is_cudnns():
    inputs = keras.Input((4, 3))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(inputs)
    x = layers.GRU(2, return_sequences=True, use_cudnn=True)(x)
    # JAX has no batching rule for it, so that a replica axis would end in a traceback on a GPU.
    kinds = [one for one in lower(keras.Model(inputs, layers.LSTM(2)(x)))._flatten_layers() if hasattr(one, "use_cudnn")]  # fmt: skip
    assert [one.use_cudnn for one in kinds] == [False] * 4


def test_parts_of_ones_own_need_not_be_registered():
    class Even(keras.regularizers.Regularizer):
        def __call__(self, weights):
            return keras.ops.sum(keras.ops.square(weights))

        def get_config(self):
            return {}

    def bent(x):
        return keras.ops.tanh(x) / 2

    dense = layers.Dense(3, activation=bent, kernel_regularizer=Even(), bias_constraint=bent)
    model = keras.Sequential([keras.Input((2,)), dense])
    lowered = lower(model)
    assert type(lowered.layers[0]) is not layers.Dense
    assert lowered.layers[0].bias_constraint is bent
    assert float(lowered.losses[0]) == pytest.approx(
        np.sum(np.square(lowered.layers[0].kernel.value))
    )
