"""What kind a layer or an operation is."""

import jax
import keras
import pytest
from keras import layers

from normwise.layers import BatchNormalization as OurBatchNormalization
from normwise.models.kinds import (
    computes_in_half,
    defined_by_keras,
    has_own_code,
    is_activation,
    is_elementwise_merge,
)


class Relu(layers.Layer):
    """A layer of the user's own that is called as an operation of Keras is."""


class Add(Relu):
    """Another one."""


def operation(compute):
    """The operation that a function puts into a graph."""
    return compute(keras.Input((4,)))._keras_history.operation


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (layers.ReLU, True),
        (layers.PReLU, True),
        (lambda: layers.Activation("tanh"), True),
        (lambda: layers.Dense(2, activation="relu"), False),
        (lambda: operation(keras.ops.relu), True),
        (lambda: operation(keras.ops.log_softmax), True),
        (lambda: operation(lambda x: x[:, :2]), False),
        (lambda: operation(keras.ops.exp), False),
        (Relu, False),
    ],
)
def test_an_activation_is_a_layer_or_an_operation_of_keras(made, wanted):
    assert is_activation(made()) is wanted


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (layers.Add, True),
        (layers.Maximum, True),
        (layers.Concatenate, False),
        (lambda: operation(lambda x: x + x), True),
        (lambda: operation(lambda x: keras.ops.maximum(x, 0)), True),
        (lambda: operation(lambda x: keras.ops.matmul(x, keras.ops.transpose(x))), False),
        (Add, False),
    ],
)
def test_a_merge_is_value_by_value(made, wanted):
    assert is_elementwise_merge(made()) is wanted


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [("mixed_float16", True), ("bfloat16", True), ("float32", False)],
)
@pytest.mark.parametrize("nested", [False, True])
def test_half_precision_of_a_single_layer_counts(dtype, wanted, nested):
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2, dtype=dtype)])
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(1)]) if nested else inner
    assert computes_in_half(model) is wanted


def doubled(x):
    """An activation of the user's own."""
    return 2 * x


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: layers.Dense(4, activation="relu"), False),
        (lambda: layers.Dense(4, activation=keras.ops.tanh), False),
        (lambda: layers.Dense(4, activation=jax.nn.softmax), False),
        (layers.BatchNormalization, False),
        (OurBatchNormalization, False),
        (lambda: layers.Dense(4, activation=doubled), True),
        (lambda: layers.Lambda(keras.ops.tanh), True),
        (lambda: layers.Lambda(doubled), True),
        (Relu, True),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_code_of_the_users_own_is_a_layer_or_a_function_that_one_calls(made, wanted, nested):
    inner = keras.Sequential([keras.Input((4,)), made()])
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(1)]) if nested else inner
    assert has_own_code(model) is wanted


class Own(keras.Model):
    """Of its methods, only ``call`` and the constructor are not Keras'."""

    def __init__(self):
        super().__init__()

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("method", "expected"), [("call", False), ("__init__", False), ("train_step", True)]
)
def test_a_method_is_whose_class_defines_it(method, expected):
    assert defined_by_keras(Own, method) is expected
    assert defined_by_keras(keras.Sequential, method)
