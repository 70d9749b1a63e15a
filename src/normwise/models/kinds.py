"""What kind of layer an operation is: linear, recurrent, activation, normalisation and so on."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from normwise.errors import ModelError
from normwise.keras_private import (
    every_layer,
    is_keras_own,
    is_operation,
    is_pooling,
    is_regularization,
)

__all__ = [
    "CONVOLUTIONS",
    "MAXIMA",
    "MEANS",
    "STEPS",
    "activation_of",
    "channel_axis",
    "computes_in_half",
    "defined_by_keras",
    "has_keras_steps",
    "has_own_code",
    "is_activation",
    "is_batch_normalisation",
    "is_called",
    "is_elementwise_merge",
    "is_frozen",
    "is_gate_activation",
    "is_linear",
    "is_model",
    "is_normalisation",
    "is_recurrent",
    "is_transparent",
    "is_weighted",
    "layer_at_each_step",
    "require_keras",
    "sublayers",
    "takes_training",
    "unwrapped",
]

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
# What a model trains and is evaluated by, step by step.
STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics", "metrics")
_LINEAR = (keras.layers.Dense, keras.layers.EinsumDense, *CONVOLUTIONS)
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)
_NORMALISATION = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)
_ACTIVATION = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)
# `keras.ops.relu(x)` in a functional model is an operation of class Relu, and so on.
_ACTIVATION_OPERATIONS = re.compile(
    "Celu|Elu|Gelu|HardShrink|HardSigmoid|HardSilu|HardTanh|LeakyRelu|LogSigmoid|LogSoftmax|Relu|"
    "Relu6|Selu|Sigmoid|Silu|SoftShrink|Softmax|Softplus|Softsign|SparsePlus|SparseSigmoid|"
    "Sparsemax|Squareplus|Tanh|TanhShrink|Threshold"
)
# So is `keras.ops.layer_normalization(x)` one of class LayerNorm.
_NORMALISING_OPERATIONS = frozenset({"BatchNorm", "LayerNorm", "RMSNorm"})
_MERGES = (
    keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply,
    keras.layers.Average, keras.layers.Maximum, keras.layers.Minimum,
)  # fmt: skip
_MERGING_OPERATIONS = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum"})
_GATES = frozenset({"sigmoid", "hard_sigmoid", "hardsigmoid", "softmax"})
_TRANSPARENT = (
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
    keras.layers.UpSampling3D,
)
# Pooling that takes the largest value, or the mean. In Keras neither counts what it pads with.
MAXIMA = (
    keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D,
    keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
)  # fmt: skip
MEANS = (
    keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, keras.layers.AveragePooling3D,
    keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
)  # fmt: skip
_WRAPPERS = (keras.layers.TimeDistributed, keras.layers.SpectralNormalization)


def unwrapped(operation: Any) -> Any:
    """The layer inside ``TimeDistributed`` or ``SpectralNormalization``, else the operation."""
    return unwrapped(operation.layer) if isinstance(operation, _WRAPPERS) else operation


def layer_at_each_step(operation: Any) -> Any:
    """The layer that ``TimeDistributed`` calls at each step, else the operation."""
    return operation.layer if isinstance(operation, keras.layers.TimeDistributed) else operation


def is_model(operation: Any) -> bool:
    """Whether this is a model used as a layer."""
    return isinstance(operation, keras.Model)


def is_linear(operation: Any) -> bool:
    """Whether the layer is linear in its input before its activation, wrapped or not."""
    return isinstance(unwrapped(operation), _LINEAR)


def is_recurrent(operation: Any) -> bool:
    """Whether the layer is recurrent: its activation is inside the cell."""
    return isinstance(unwrapped(operation), _RECURRENT)


def is_normalisation(operation: Any) -> bool:
    """Whether this normalises activations: a layer, or an operation of ``keras.ops``.

    Not what has no parameters whatever: ``UnitNormalization`` and ``ops.normalize``.
    """
    named = is_operation(operation) and type(operation).__name__ in _NORMALISING_OPERATIONS
    return named or isinstance(unwrapped(operation), _NORMALISATION)


def is_batch_normalisation(operation: Any) -> bool:
    """Whether this is batch normalisation, a layer or the operation ``ops.batch_normalization``."""
    named = is_operation(operation) and type(operation).__name__ == "BatchNorm"
    return named or isinstance(unwrapped(operation), keras.layers.BatchNormalization)


def is_activation(operation: Any) -> bool:
    """Whether this is an activation of its own, a layer or an operation such as ``ops.relu``."""
    named = _ACTIVATION_OPERATIONS.fullmatch(type(operation).__name__) is not None
    return (named and is_operation(operation)) or isinstance(operation, _ACTIVATION)


def is_elementwise_merge(operation: Any) -> bool:
    """Whether several tensors become one, value by value: a layer such as ``Add``, or ``a + b``.

    >>> is_elementwise_merge(keras.layers.Add()), is_elementwise_merge(keras.layers.Concatenate())
    (True, False)
    """
    named = is_operation(operation) and type(operation).__name__ in _MERGING_OPERATIONS
    return named or isinstance(operation, _MERGES)


def is_transparent(operation: Any) -> bool:
    """Whether a layer's activation may lie behind this one: pooling, dropout, padding.

    Such a layer keeps the channels apart and has no weights.
    """
    kept = is_pooling(operation) or is_regularization(operation)
    return kept or isinstance(operation, _TRANSPARENT)


def is_gate_activation(activation: Any) -> bool:
    """Whether an activation (function, layer or operation) gives weights between 0 and 1."""
    inner = getattr(activation, "activation", activation)
    name = getattr(inner, "__name__", type(inner).__name__)
    return name.lower() in _GATES


def is_weighted(operation: Any) -> bool:
    """Whether weights act here, other than those of normalisation and of PReLU."""
    if is_model(operation):
        return any(is_weighted(layer) for layer in operation.layers)
    if is_normalisation(operation) or is_activation(operation):
        return False
    return bool(getattr(operation, "weights", ()))


def is_frozen(operation: Any) -> bool:
    """Whether a layer was set ``trainable = False``; rewriting leaves it as it is."""
    return not getattr(operation, "trainable", True)


def activation_of(layer: Any) -> Any | None:
    """The activation inside a linear layer; ``None`` if it has none or a linear one."""
    activation = getattr(unwrapped(layer), "activation", None)
    return None if activation is keras.activations.linear else activation


def channel_axis(layer: Any) -> int:
    """The axis of the layer's output that holds its channels: 1 if channels come first, else -1."""
    if getattr(unwrapped(layer), "data_format", None) != "channels_first":
        return -1
    return 2 if isinstance(layer, keras.layers.TimeDistributed) else 1


def sublayers(operation: Any) -> list[Any]:
    """A layer and all layers inside it, however deep; none for an operation that is no layer."""
    if not isinstance(operation, keras.layers.Layer):
        return []
    return every_layer(operation)


def takes_training(layer: Any) -> bool:
    """Whether the ``call`` of a layer or model takes ``training``, as Keras' ``fit`` asks.

    >>> takes_training(keras.layers.Dropout(0.5)), takes_training(keras.layers.ReLU())
    (True, False)
    """
    return "training" in inspect.signature(layer.call).parameters


def computes_in_half(model: Any) -> bool:
    """Whether a layer of the model computes in 16 bits, and so rounds in the third digit."""
    return any("16" in str(layer.compute_dtype) for layer in sublayers(model))


def require_keras(model: Any) -> None:
    """Refuse what is no Keras model, such as the path of one.

    Raises:
        ModelError: It is none.

    >>> require_keras(keras.Sequential([keras.Input((2,))]))
    """
    if not isinstance(model, keras.Model):
        path = str(model) if isinstance(model, str | Path) else "model.keras"
        raise ModelError(
            f"the model is of type {type(model).__name__}; expected a Keras model; try "
            f"keras.saving.load_model({path!r})"
        )


def defined_by_keras(kind: type, method: str) -> bool:
    """Whether the code of a class' method is Keras', inherited or its own, and not the user's.

    >>> class Model(keras.Model):
    ...     def call(self, inputs):
    ...         return inputs
    >>> defined_by_keras(Model, "call"), defined_by_keras(Model, "fit")
    (False, True)
    """
    return is_keras_own(next(one for one in kind.__mro__ if method in vars(one)))


def is_called(model: Any) -> bool:
    """Whether a model has a ``call``; the steps of one without, as a GAN's, call what it holds.

    >>> is_called(keras.Sequential([keras.Input((2,))])), is_called(keras.Model())
    (True, False)
    """
    return type(model).call is not keras.Model.call


def has_keras_steps(model: Any, names: Sequence[str] = STEPS) -> bool:
    """Whether a model trains and is evaluated by Keras' own code, not by steps of the user's.

    >>> has_keras_steps(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    True
    """
    return all(defined_by_keras(type(model), name) for name in names)


def has_own_code(model: Any) -> bool:
    """Whether a call of the model runs Python code of the user's own: a layer, an activation.

    >>> has_own_code(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    False
    >>> has_own_code(keras.Sequential([keras.Input((2,)), keras.layers.Lambda(abs)]))
    True
    """
    return any(map(_is_own, sublayers(model)))


def _is_own(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Lambda):
        return True
    functions = filter(inspect.isfunction, vars(layer).values())
    return not all(map(_is_of_libraries, (type(layer), *functions)))


def _is_of_libraries(code: Any) -> bool:
    return is_keras_own(code) or code.__module__.startswith(("normwise.", "jax."))
