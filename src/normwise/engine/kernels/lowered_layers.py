"""Keras layers whose call is replaced by one that runs well where the engine runs."""

from __future__ import annotations

import math
from typing import Any

import keras

from normwise import layers
from normwise.engine.kernels.convolution import convolve, convolve_depthwise
from normwise.engine.kernels.dense import dense
from normwise.engine.kernels.normalisation import BatchNormalization
from normwise.engine.kernels.pooling import max_pool

__all__ = ["lowered_kind"]


class _Dense(keras.layers.Dense):  # type: ignore[misc]
    def call(self, inputs: Any, training: bool | None = None) -> Any:  # noqa: ARG002 (Keras')
        flat = inputs.reshape((-1, inputs.shape[-1]))
        kernel = keras.ops.convert_to_tensor(self.kernel)
        bias = keras.ops.convert_to_tensor(self.bias) if self.use_bias else None
        outputs = dense(flat, kernel, bias)
        outputs = outputs.reshape((*inputs.shape[:-1], self.units))
        return outputs if self.activation is None else self.activation(outputs)


class _Convolution:
    """What a convolution of any rank does, before ``keras.layers.Conv…`` in the class."""

    _convolve = staticmethod(convolve)

    def call(self: Any, inputs: Any) -> Any:
        outputs = self._convolve(
            _padded(self, inputs),
            keras.ops.convert_to_tensor(self.kernel),
            keras.ops.convert_to_tensor(self.bias) if self.use_bias else None,
            tuple(self.strides),
            tuple(self.dilation_rate),
        )
        return outputs if self.activation is None else self.activation(outputs)


class _DepthwiseConvolution(_Convolution):
    _convolve = staticmethod(convolve_depthwise)


class _MaxPooling:
    def call(self: Any, inputs: Any) -> Any:
        return max_pool(inputs, tuple(self.pool_size))


class _RandomCrop(keras.layers.RandomCrop):  # type: ignore[misc]
    """Keras cuts at a place that a program knows only as it runs, which cannot be traced."""

    def transform_images(self, images: Any, transformation: Any, training: Any = True) -> Any:  # noqa: FBT002 (Keras')
        if not training or isinstance(transformation[0], int):  # the middle of small ones
            return super().transform_images(images, transformation, training)
        images = keras.ops.cast(images, self.compute_dtype)
        start, size = [0] * images.ndim, list(images.shape)
        start[self.height_axis], start[self.width_axis] = transformation
        size[self.height_axis], size[self.width_axis] = self.height, self.width
        return keras.ops.slice(images, start, size)


def _with(call: type, *kinds: type) -> dict[type, type]:
    """Each of Keras' classes, to one of the same name that has this call."""
    return {kind: type(kind.__name__, (call, kind), {}) for kind in kinds}


_CONVOLUTIONS = {
    **_with(_Convolution, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    **_with(_DepthwiseConvolution, keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D),
}
_POOLINGS = _with(
    _MaxPooling, keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D
)

_ALWAYS = {
    keras.layers.BatchNormalization: BatchNormalization,
    layers.BatchNormalization: BatchNormalization,
    keras.layers.RandomCrop: _RandomCrop,
}


def lowered_kind(layer: keras.Layer, *, on_cpu: bool) -> type[keras.Layer] | None:
    """The class that computes what this layer computes; ``None`` where Keras' own is best."""
    kind = type(layer)
    if kind in _ALWAYS:
        return _ALWAYS[kind]
    if kind is keras.layers.Dense and _is_plain_float(layer):
        return _Dense
    if not on_cpu or getattr(layer, "data_format", None) != "channels_last":
        return None
    if kind in _POOLINGS and _does_not_overlap(layer):
        return _POOLINGS[kind]
    if kind in _CONVOLUTIONS and _is_plain_float(layer) and getattr(layer, "groups", 1) == 1:
        return _CONVOLUTIONS[kind]
    return None


def _is_plain_float(layer: Any) -> bool:
    adapted = getattr(layer, "lora_rank", None) is not None
    quantised = bool(getattr(layer, "quantization_mode", None))
    return layer.compute_dtype == "float32" and not adapted and not quantised


def _does_not_overlap(layer: Any) -> bool:
    # A window padded at the border holds zeros that must never win.
    return layer.padding == "valid" and tuple(layer.strides) == tuple(layer.pool_size)


def _padded(layer: Any, x: Any) -> Any:
    """``x`` with the zeros that the layer's padding asks for."""
    if layer.padding == "valid":
        return x
    space = []
    for size, side, step, distance in zip(
        x.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        reach = (side - 1) * distance
        if layer.padding == "causal":
            space.append((reach, 0))
        else:
            missing = max(0, (math.ceil(size / step) - 1) * step + reach + 1 - size)
            space.append((missing // 2, missing - missing // 2))
    return keras.ops.pad(x, [(0, 0), *space, (0, 0)])
