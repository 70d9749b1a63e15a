"""Kernels and biases of linear layers, scaled along their inputs or outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

__all__ = ["READING", "WRITING", "FloatArray", "LinearWeights", "as_array"]

FloatArray: TypeAlias = NDArray[np.float64]

_TRANSPOSED = (
    keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose,
)  # fmt: skip
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_PLAIN = (
    keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D,
)  # fmt: skip
# Layers whose weights can take up a factor and an offset of their outputs, and of their inputs. The
# latter no transposed convolution can: it reads some inputs at fewer positions than others.
WRITING = (*_PLAIN, *_TRANSPOSED, *_DEPTHWISE, *_SEPARABLE)
READING = (*_PLAIN, *_DEPTHWISE, *_SEPARABLE)


def as_array(variable: Any) -> FloatArray:
    """A variable's value in float64."""
    return np.asarray(keras.ops.convert_to_numpy(variable.value), np.float64)


class LinearWeights:
    """Kernels and bias of a linear layer, in float64, while normalisation is folded into them.

    Args:
        layer: One of :data:`WRITING`, built.

    >>> layer = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    >>> layer.build((None, 2))
    >>> weights = LinearWeights(layer)
    >>> weights.scale_inputs(np.array([2.0, 3.0]), np.array([1.0, 1.0]))
    >>> {name: value.ravel().tolist() for name, value in weights.values()}
    {'kernel': [2.0, 3.0], 'bias': [2.0]}
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        # In a separable convolution the depthwise kernel reads, and the pointwise one writes.
        self._reads, self._writes = "kernel", "kernel"
        if isinstance(layer, _SEPARABLE):
            self._reads, self._writes = "depthwise_kernel", "pointwise_kernel"
        self._kernels = {
            name: as_array(getattr(layer, name)) for name in (self._reads, self._writes)
        }
        self._bias = as_array(layer.bias) if layer.use_bias else np.zeros(self._outputs())

    def scale_outputs(self, scale: FloatArray, offset: FloatArray) -> None:
        """Let the layer give ``scale · output + offset``; both of shape ``(output channels,)``."""
        self._kernels[self._writes] = self._kernels[self._writes] * self._per_output(scale)
        self._bias = self._bias * scale + offset

    def scale_inputs(self, scale: FloatArray, offset: FloatArray) -> None:
        """Let the layer take ``scale · input + offset``; both of shape ``(input channels,)``."""
        self._bias = self._bias + self._response_to_constant(self._per_input(offset))
        kernel = self._kernels[self._reads]
        self._kernels[self._reads] = kernel * self._per_input(scale)

    def _per_input(self, values: FloatArray) -> FloatArray:
        """One value a channel in a shape that goes with the kernel that reads."""
        *_, inputs, outputs = self._kernels[self._reads].shape
        groups = getattr(self._layer, "groups", 1)
        if groups == 1:
            # Behind flattening, each channel is read at every position.
            return np.tile(values, inputs // len(values))[:, None]
        # Each group of outputs reads inputs of its own.
        return np.repeat(values.reshape(groups, inputs).T, outputs // groups, axis=1)

    def _response_to_constant(self, per_input: FloatArray) -> FloatArray:
        """The outputs without bias, ``(output channels,)``, of inputs constant in each channel."""
        product = self._kernels[self._reads] * per_input
        positions = tuple(range(product.ndim - 2))
        if isinstance(self._layer, _DEPTHWISE):
            return np.asarray(product.sum(positions)).reshape(-1)
        if isinstance(self._layer, _SEPARABLE):
            pointwise = self._kernels[self._writes]
            return np.asarray(
                product.sum(positions).reshape(-1) @ pointwise.reshape(-1, pointwise.shape[-1])
            )
        return np.asarray(product.sum((*positions, -2)))

    def values(self) -> Iterator[tuple[str, FloatArray]]:
        """Each variable's name and new value."""
        yield from self._kernels.items()
        yield "bias", self._bias

    def _outputs(self) -> int:
        """Output channels."""
        before_last, last = map(int, self._kernels[self._writes].shape[-2:])
        if isinstance(self._layer, _DEPTHWISE):
            return before_last * last
        return before_last if isinstance(self._layer, _TRANSPOSED) else last

    def _per_output(self, scale: FloatArray) -> FloatArray:
        """One factor an output channel, in a shape that multiplies the kernel that writes."""
        if isinstance(self._layer, _DEPTHWISE):
            return scale.reshape(self._kernels[self._writes].shape[-2:])
        return scale[:, None] if isinstance(self._layer, _TRANSPOSED) else scale
