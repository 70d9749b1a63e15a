"""Initial values: drawn from (seed, weight), alike in all variants, as Keras would draw them."""

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import from_arrays
from normwise.domain import Variant
from normwise.engine import InitialValues, Replica, lower, named_initializer, reinitialised_copy
from normwise.errors import ModelError, SpecError, UnknownNameError
from normwise.models import place
from normwise.models.source import ModelSource


def replicas(seeds, initializer=None):
    return [Replica(seed, initializer=initializer) for seed in seeds]


def named(model, initial, seeds, initializer=None):
    """Values by ``layer/weight``, whichever layers come in between."""
    trainable, rest = initial.state(replicas(seeds, initializer))
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return {
        "/".join(variable.path.split("/")[-2:]): np.array(value)
        for variable, value in zip(variables, [*trainable, *rest], strict=True)
    }


def mlp():
    # Keras names these layers, counting up; one bias is random, and goes with `before`.
    hidden = layers.Dense(5, activation="relu", bias_initializer="random_normal")
    more = [layers.Dropout(0.5), layers.Dense(5, activation="relu"), layers.Dense(5)]
    return keras.Sequential([keras.Input((5,)), hidden, *more])


def without_and_with(variant):
    """Values of two replicas by name: of the baseline, and of a variant that starts like it."""
    model = mlp()
    baseline = InitialValues(reinitialised_copy(model))
    other = lower(place(model, variant))
    values = named(other, InitialValues(other, like=baseline), [5, 6])
    return named(model, baseline, [5, 6]), values


@pytest.mark.parametrize("variant", ["after", "before", "input", "before+input"])
def test_variants_start_alike_where_shapes_agree(variant):
    plain, values = without_and_with(variant)
    kernels = [name for name in values if name.endswith("/kernel")]
    assert len(kernels) == 3
    for name in set(plain) & set(values):
        np.testing.assert_array_equal(values[name], plain[name], err_msg=name)


@pytest.mark.parametrize("variant", ["none:drop_after=0.3", "after:drop_before=0.3,drop_after=0.1"])
def test_dropout_that_a_variant_adds_changes_no_initial_value(variant):
    plain, values = without_and_with(variant)
    kernels = [name for name in plain if name.endswith("/kernel")]
    assert len(kernels) == 3
    for name in kernels:
        np.testing.assert_array_equal(values[name], plain[name], err_msg=name)
    # The model's own dropout keeps its stream, and the others have streams of their own.
    own, more = (
        [value.tobytes() for name, value in drawn.items() if name.endswith("generator_state")]
        for drawn in (plain, values)
    )
    assert set(own) < set(more)
    assert len(set(more)) == len(more)


def test_names_that_keras_counted_up_do_not_matter():
    first, second = mlp(), mlp()
    assert first.layers[0].name != second.layers[0].name
    ours = InitialValues(first).state(replicas([1, 2]))
    for like in (None, InitialValues(first)):
        other = InitialValues(second, like=like).state(replicas([1, 2]))
        for a, b in zip([*ours[0], *ours[1]], [*other[0], *other[1]], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_replica_starts_alike_in_every_stack():
    initial = InitialValues(mlp())
    (alone, alone_rest), (stack, stack_rest) = (
        initial.state(replicas([8, 7])),
        initial.state(replicas([3, 8, 8])),
    )
    for one, many in zip([*alone, *alone_rest], [*stack, *stack_rest], strict=True):
        np.testing.assert_array_equal(one[0], many[1])
        np.testing.assert_array_equal(one[0], many[2])


def test_seeds_and_weights_differ():
    model = mlp()
    values = named(model, InitialValues(model), [9, 1, 4])
    for name, value in values.items():
        distinct = len({replica.tobytes() for replica in value})
        constant = name.endswith("bias") and "dense" in name and not value.any()
        assert distinct == (1 if constant else 3), name
    kernels = [value for name, value in values.items() if name.endswith("kernel")]
    # No weight repeats another's stream.
    assert not np.isin(kernels[0].ravel(), kernels[1].ravel()).any()


def test_kernels_have_the_initialisers_distribution():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(50, kernel_initializer="he_uniform")])
    kernel = np.array(InitialValues(model).state(replicas(range(400)))[0][0], float)
    limit = np.sqrt(6 / 2)
    assert kernel.shape == (400, 2, 50)
    assert np.abs(kernel).max() <= limit
    # 40,000 draws: mean within 5 standard errors of 0, variance of limit²/3.
    assert abs(kernel.mean()) < 5 * limit / np.sqrt(3 * kernel.size)
    # The fourth moment of a uniform makes the variance's relative error sqrt(0.8 / n).
    assert abs(kernel.var() / (limit**2 / 3) - 1) < 5 * np.sqrt(0.8 / kernel.size)
    # Replicas are independent of each other: 79,800 pairs, each ~ 1/sqrt(100).
    correlations = np.corrcoef(kernel.reshape(400, -1))[np.triu_indices(400, 1)]
    assert abs(correlations.std() - 0.1) < 0.01


def test_what_was_trained_starts_anew():
    model = mlp()
    before = InitialValues(model).state(replicas([1, 2]))
    for variable in model.trainable_variables:
        variable.assign(variable.value + 1)
    after = InitialValues(model).state(replicas([1, 2]))
    for old, new in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_named_initialiser_replaces_the_kernels_own():
    model = mlp()
    values = named(model, InitialValues(model), [0, 1], "ones")
    for name, value in values.items():
        assert np.all(value == 1) == name.endswith("kernel"), name
    with pytest.raises(UnknownNameError, match=r"unknown initializer 'he_uniformly'.*'he_uniform'"):
        named_initializer("he_uniformly")


def test_an_initialiser_has_options():
    found = named_initializer("random_normal:stddev=0.5,mean=2")
    assert (found.stddev, found.mean) == (0.5, 2)
    with pytest.raises(SpecError, match=r"'random_normal:spread=1' cannot be made.*RandomNormal"):
        named_initializer("random_normal:spread=1")
    with pytest.raises(
        SpecError, match=r"initializer 'random_normal:stddev=wide' has 'stddev=wide'"
    ):
        named_initializer("random_normal:stddev=wide")


def test_replicas_draw_with_the_options_of_their_initialiser():
    model = mlp()
    initial = InitialValues(model)
    small, large = (named(model, initial, [0], f"random_normal:stddev={s}") for s in (0.01, 1))
    kernels = [name for name in small if name.endswith("kernel")]
    assert len(kernels) == 3
    for name in kernels:
        np.testing.assert_allclose(100 * small[name], large[name], rtol=1e-5)


def test_replicas_of_several_initialisers_start_as_each_does_alone():
    initial = InitialValues(mlp())
    mixed = [Replica(4), Replica(5, 0.1, "he_normal"), Replica(4, None, "ones"), Replica(5)]
    stack = initial.state(mixed)
    for row, replica in enumerate(mixed):
        alone = initial.state([replica])
        for ours, theirs in zip([*stack[0], *stack[1]], [*alone[0], *alone[1]], strict=True):
            np.testing.assert_array_equal(ours[row], theirs[0])


def test_what_training_does_not_move_keeps_its_value():
    # A frozen, pretrained layer and an adapted one are part of the model.
    data = np.random.default_rng(0).normal(3, 2, (50, 4)).astype("float32")
    adapted = layers.Normalization()
    adapted.adapt(data)
    frozen = keras.Sequential([keras.Input((4,)), layers.Dense(6, name="frozen")])
    frozen.trainable = False
    model = keras.Sequential([keras.Input((4,)), adapted, frozen, layers.Dense(1)])
    for copy in (reinitialised_copy(model), lower(model)):
        start = InitialValues(copy).state(replicas([1, 2]))[1]
        for old, new in zip(model.non_trainable_variables, start, strict=True):
            np.testing.assert_array_equal(new[0], old.value)
            np.testing.assert_array_equal(new[1], old.value)
        part, other = (keras.Sequential(m.layers[:2]) for m in (model, copy))
        np.testing.assert_allclose(part(data), other(data), rtol=1e-5, atol=1e-6)
        assert np.any(model.layers[2].kernel.value != copy.layers[2].kernel.value)


def recurrent():
    series = keras.Input((5, 3))
    return keras.Model(series, layers.Bidirectional(layers.GRU(6))(series))


def convolutions():
    image = keras.Input((6, 6, 4))
    return keras.Model(image, layers.SeparableConv2D(16, 3)(layers.DepthwiseConv2D(3)(image)))


def attention():
    series = keras.Input((5, 3))
    attended = layers.MultiHeadAttention(2, 6)(series, series)
    return keras.Model(series, layers.RMSNormalization()(attended))


@pytest.mark.parametrize("build", [recurrent, convolutions, attention])
def test_weights_with_names_of_their_own_are_drawn_anew(build):
    model = build()
    values = InitialValues(model).state(replicas([0, 1]))[0]
    for variable, value in zip(model.trainable_variables, values, strict=True):
        drawn = "kernel" in variable.name
        assert np.any(np.array(value[0]) != np.array(value[1])) == drawn, variable.path
        # By the same initialiser as Keras built it: 36 values or more have nearly its deviation.
        np.testing.assert_allclose(np.std(value), np.std(variable.value), rtol=0.4, atol=1e-6)


class Scaling(layers.Layer):
    def __init__(self, initializer, **settings):
        super().__init__(**settings)
        self.start = initializer

    def build(self, shape):
        self.factor = self.add_weight(shape=shape[-1:], initializer=self.start, name="factor")

    def call(self, inputs):
        return inputs * self.factor


def test_a_weight_whose_initialiser_is_unknown_is_refused():
    build = keras.Sequential([keras.Input((4,)), Scaling("random_normal", name="mine")])
    with pytest.raises(ModelError) as caught:
        InitialValues(build)
    for part in ("layer 'mine' (Scaling)", "'factor_initializer'", "set self.factor_initializer ="):
        assert part in str(caught.value)
    # What starts at ones starts at ones for every seed.
    constant = keras.Sequential([keras.Input((4,)), Scaling("ones")])
    assert np.all(np.array(InitialValues(constant).state(replicas([0, 1]))[0][0]) == 1)


class Plain(layers.Layer):
    """As Keras' guide writes one: what draws its weights is an argument of `add_weight` alone."""

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 30), initializer="random_normal")
        self.v = self.add_weight(shape=(shape[-1], 30))
        self.b = self.add_weight(shape=(30,), initializer=keras.initializers.Constant(0.5))

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.w + self.v) + self.b


class Around(keras.Model):
    def __init__(self):
        super().__init__()
        self.plain = Plain()
        self.last = layers.Dense(1, use_bias=False, kernel_initializer="he_normal")

    def call(self, inputs):
        return self.last(self.plain(inputs))


def plain_graph():
    inputs = keras.Input((40,))
    end = layers.Dense(1, use_bias=False, kernel_initializer="he_normal")
    return keras.Model(inputs, end(Plain()(inputs)))


def around(norm):  # noqa: ARG001 (that it takes it says that it places the layers itself)
    return Around()


@pytest.mark.parametrize("build", [plain_graph, around])
def test_weights_of_own_layers_are_drawn_as_add_weight_was_told(build):
    data = from_arrays(np.ones((20, 40)), np.linspace(0, 1, 20))
    model = reinitialised_copy(ModelSource(build, data).build(Variant()))
    w, v, b, last = InitialValues(model).state(replicas(range(20)))[0][:4]
    for values, deviation in ((w, 0.05), (v, np.sqrt(2 / 70)), (last, np.sqrt(2 / 30))):
        assert np.any(values[0] != values[1])
        np.testing.assert_allclose(np.std(values), deviation, rtol=0.06)
    assert np.all(np.array(b) == 0.5)


def test_a_random_function_is_refused_as_an_initialiser():
    def random(shape, dtype):
        return np.random.default_rng().normal(size=shape).astype(dtype)

    def fixed(shape, dtype):
        return np.full(shape, 0.25, dtype)

    def model(initializer):
        dense = layers.Dense(2, kernel_initializer=initializer, name="mine")
        return keras.Sequential([keras.Input((3,)), dense])

    with pytest.raises(ModelError, match=r"'kernel' initialiser of layer 'mine' \(random\) gives"):
        InitialValues(model(random))
    assert np.all(np.array(InitialValues(model(fixed)).state(replicas([0, 1]))[0][0]) == 0.25)


class Named(layers.Layer):
    """A layer that keeps its initialiser's name alone."""

    def build(self, shape):
        self.factor_initializer = "random_normal"
        self.factor = self.add_weight(
            shape[-1:], initializer=self.factor_initializer, name="factor"
        )

    def call(self, inputs):
        return inputs * self.factor


def sequence(layer):
    return lambda: keras.Sequential([keras.Input((5, 3)), layer()])


def attending(layer):
    def build():
        series = keras.Input((5, 6))
        return keras.Model(series, layer()(series, series))

    return build


def looked_up():
    table = layers.ReversibleEmbedding(40, 4, tie_weights=False)
    return keras.Sequential([keras.Input((5,), dtype="int32"), table])


KERAS_DRAWS = {
    "LSTM": sequence(lambda: layers.LSTM(4)),
    "LSTM, without": sequence(lambda: layers.LSTM(4, unit_forget_bias=False)),
    # Behind one dimension its spread hangs on the size: Keras draws gate by gate.
    "LSTM, random": sequence(lambda: layers.LSTM(4, bias_initializer="he_normal")),
    "both ways": sequence(lambda: layers.Bidirectional(layers.LSTM(4))),
    "cells": sequence(lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(4)])),
    "ConvLSTM1D": lambda: keras.Sequential([keras.Input((3, 6, 2)), layers.ConvLSTM1D(4, 2)]),
    "attention": attending(lambda: layers.MultiHeadAttention(4, 5)),
    "grouped": attending(lambda: layers.GroupQueryAttention(5, 4, 2)),
    "equation": sequence(lambda: layers.EinsumDense("abc,cdb->abd", (5, 4), bias_axes="d")),
    "embedding": looked_up,
    "a name": lambda: keras.Sequential([keras.Input((40,)), Named()]),
}


@pytest.mark.parametrize("what", KERAS_DRAWS)
def test_each_weight_has_the_mean_and_deviation_that_keras_draws(what):
    count = 40
    keras.utils.set_random_seed(3)
    models = [KERAS_DRAWS[what]() for _ in range(count)]
    ours = InitialValues(models[0]).state(replicas(range(count)))[0]
    for number, value in enumerate(ours):
        theirs = np.stack([np.array(model.trainable_variables[number].value) for model in models])
        # Four and a half standard errors of the difference of two means.
        spread = 4.5 * theirs.std(axis=0).max() * np.sqrt(2 / count) + 1e-7
        np.testing.assert_allclose(np.mean(value, axis=0), theirs.mean(axis=0), atol=spread)
        deviations = np.std(value, axis=0).mean(), theirs.std(axis=0).mean()
        np.testing.assert_allclose(*deviations, rtol=0.12, atol=1e-7)


def test_an_initialiser_for_all_kernels_scales_by_the_axes_of_an_equation():
    def equation(**options):
        dense = layers.EinsumDense("abc,cde->abde", (5, 4, 6), **options)
        return keras.Sequential([keras.Input((5, 30)), dense])

    (ours,) = InitialValues(equation()).state(replicas([0], "he_uniform"))[0]
    # Each output is a sum over 30 inputs.
    limit = np.sqrt(6 / 30)
    assert 0.98 * limit < np.abs(ours).max() <= limit
