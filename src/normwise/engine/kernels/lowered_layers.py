"""Keras layers whose call is replaced by one that runs well where the engine runs."""

from __future__ import annotations

import math
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from normwise import layers
from normwise.engine.kernels.affine import scaled_and_shifted
from normwise.engine.kernels.convolution import convolve
from normwise.engine.kernels.dense import dense
from normwise.engine.kernels.depthwise import convolve_depthwise
from normwise.engine.kernels.group_normalisation import normalise_groups
from normwise.engine.kernels.grouped import convolve_groups
from normwise.engine.kernels.normalisation import BatchNormalization
from normwise.engine.kernels.planes import convolve_volume, convolve_volume_transposed
from normwise.engine.kernels.pooling import average_pool, global_average, max_pool
from normwise.engine.kernels.transposed import convolve_transposed
from normwise.engine.kernels.upsampling import upsample
from normwise.engine.kernels.windows import Window

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

    def call(self: Any, inputs: Any) -> Any:
        kernel, bias = _tensors(self, "kernel", "bias")
        outputs = self._convolve(_in_precision(self, inputs), kernel, bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _convolve(self: Any, inputs: Any, kernel: Any, bias: Any) -> Any:
        convolves = convolve_volume if self.rank == 3 else convolve
        convolves = convolves if self.groups == 1 else convolve_groups
        return convolves(inputs, kernel, bias, _window(self, inputs))


class _DepthwiseConvolution(_Convolution):
    def _convolve(self: Any, inputs: Any, kernel: Any, bias: Any) -> Any:
        return convolve_depthwise(inputs, kernel, bias, _window(self, inputs))


class _TransposedConvolution(_Convolution):
    def _convolve(self: Any, inputs: Any, kernel: Any, bias: Any) -> Any:
        space = self.compute_output_shape(inputs.shape)[1:-1]
        spreads = convolve_volume_transposed if self.rank == 3 else convolve_transposed
        return spreads(inputs, kernel, bias, _window_back(self, inputs, space), space)


class _SeparableConvolution:
    def call(self: Any, inputs: Any) -> Any:
        depthwise, pointwise, bias = _tensors(self, "depthwise_kernel", "pointwise_kernel", "bias")
        inputs = _in_precision(self, inputs)
        each = convolve_depthwise(inputs, depthwise, None, _window(self, inputs))
        ones = (1,) * self.rank
        outputs = convolve(each, pointwise, bias, Window(ones, ones, ones, ((0, 0),) * self.rank))
        return outputs if self.activation is None else self.activation(outputs)


class _OfFloats:
    """What has a gradient to be fast; of whole numbers and truths, Keras' own."""

    def call(self: Any, inputs: Any) -> Any:
        if keras.backend.is_float_dtype(inputs.dtype):
            return self._of_floats(inputs)
        return super().call(inputs)  # type: ignore[misc]


class _MaxPooling(_OfFloats):
    def _of_floats(self: Any, inputs: Any) -> Any:
        return max_pool(inputs, _window(self, inputs))


class _AveragePooling(_OfFloats):
    def _of_floats(self: Any, inputs: Any) -> Any:
        return average_pool(inputs, _window(self, inputs))


class _Adaptive(_OfFloats):
    """Pooling to so many positions; where Keras does not cut into equal parts, its own."""

    def _of_floats(self: Any, inputs: Any) -> Any:
        axes = list(zip(inputs.shape[1:-1], self.output_size, strict=True))
        if not all(_is_cut_equally(size, count) for size, count in axes):
            return super(_OfFloats, self).call(inputs)  # type: ignore[misc]
        return self._pooled(inputs, [size // count for size, count in axes])


def _is_cut_equally(size: int, count: int) -> bool:
    if size % count:
        return False
    # As Keras computes the parts' ends: of 7, 13, 14 and 15 parts some are rounded up, and what
    # `fit` trains is no number then.
    with jax.ensure_compile_time_eval():
        ends = np.asarray(jnp.ceil(jnp.arange(1, count + 1) * size / count))
    return np.array_equal(ends, np.arange(1, count + 1) * (size // count))


class _AdaptiveMaximum(_Adaptive):
    def _pooled(self, inputs: Any, sides: list[int]) -> Any:
        # Axis by axis, as Keras does: which one of equals has the gradient depends on it.
        for axis, side in enumerate(sides):
            of_axis = [side if axis == other else 1 for other in range(len(sides))]
            inputs = max_pool(inputs, _side_by_side(of_axis))
        return inputs


class _AdaptiveAverage(_Adaptive):
    def _pooled(self, inputs: Any, sides: list[int]) -> Any:
        return average_pool(inputs, _side_by_side(sides))


class _GlobalAverage(_OfFloats):
    def _of_floats(self: Any, inputs: Any) -> Any:
        average = global_average(inputs)
        ones = (1,) * (inputs.ndim - 2)
        return average.reshape(len(inputs), *ones, -1) if self.keepdims else average


class _GroupNormalization(keras.layers.GroupNormalization):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        if not _has_channels_last(inputs, [self.axis]):
            return super().call(inputs)
        return normalise_groups(inputs, *_scale_and_shift(self, inputs), self.groups, self.epsilon)


class _LayerNormalization(keras.layers.LayerNormalization):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        if self.rms_scaling or not _has_channels_last(inputs, self.axis):
            return super().call(inputs)
        standard = keras.ops.layer_normalization(inputs, axis=-1, epsilon=self.epsilon)
        return scaled_and_shifted(standard, *_scale_and_shift(self, inputs))


class _UpSampling(_OfFloats):
    def _of_floats(self: Any, inputs: Any) -> Any:
        factors = self.size if isinstance(self.size, tuple) else (self.size,)
        bilinear = getattr(self, "interpolation", "nearest") == "bilinear"
        return upsample(inputs, factors, bilinear=bilinear)


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


_MAXIMA = {
    **_with(
        _MaxPooling, keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D
    ),
    **_with(
        _AdaptiveMaximum,
        keras.layers.AdaptiveMaxPooling1D,
        keras.layers.AdaptiveMaxPooling2D,
        keras.layers.AdaptiveMaxPooling3D,
    ),
}
# What adds up rounds otherwise in lower precision.
_SUMS = {
    **_with(_Convolution, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D),
    **_with(_DepthwiseConvolution, keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D),
    **_with(_SeparableConvolution, keras.layers.SeparableConv1D, keras.layers.SeparableConv2D),
    **_with(
        _TransposedConvolution,
        keras.layers.Conv1DTranspose,
        keras.layers.Conv2DTranspose,
        keras.layers.Conv3DTranspose,
    ),
    **_with(
        _AveragePooling,
        keras.layers.AveragePooling1D,
        keras.layers.AveragePooling2D,
        keras.layers.AveragePooling3D,
    ),
    **_with(
        _AdaptiveAverage,
        keras.layers.AdaptiveAveragePooling1D,
        keras.layers.AdaptiveAveragePooling2D,
        keras.layers.AdaptiveAveragePooling3D,
    ),
    **_with(
        _GlobalAverage, keras.layers.GlobalAveragePooling2D, keras.layers.GlobalAveragePooling3D
    ),
    keras.layers.GroupNormalization: _GroupNormalization,
    keras.layers.LayerNormalization: _LayerNormalization,
}

_LARGER = _with(
    _UpSampling, keras.layers.UpSampling1D, keras.layers.UpSampling2D, keras.layers.UpSampling3D
)

_ALWAYS = {
    keras.layers.BatchNormalization: BatchNormalization,
    layers.BatchNormalization: BatchNormalization,
    keras.layers.RandomCrop: _RandomCrop,
}


def lowered_kind(layer: keras.Operation, *, on_cpu: bool) -> type[keras.Layer] | None:
    """The class that computes what this layer computes; ``None`` where Keras' own is best.

    Keras' clones show their operations (``keras.ops.relu(x)`` in a graph) here too: these have
    neither a precision nor a counterpart.
    """
    kind = type(layer)
    if kind in _ALWAYS:
        return _ALWAYS[kind]
    if kind is keras.layers.Dense and _is_plain_float(layer):
        return _Dense
    if not on_cpu or getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    if kind in _LARGER and _is_plain_float(layer) and _is_nearby(layer):
        return _LARGER[kind]
    if kind in _MAXIMA:
        return _MAXIMA[kind]
    return _SUMS[kind] if kind in _SUMS and _is_plain_float(layer) else None


def _is_nearby(layer: Any) -> bool:
    """Whether each new place lies between two old ones that give it its value."""
    return getattr(layer, "interpolation", "nearest") in ("nearest", "bilinear")


def _is_plain_float(layer: Any) -> bool:
    adapted = getattr(layer, "lora_rank", None) is not None
    quantised = bool(getattr(layer, "quantization_mode", None))
    return layer.compute_dtype == "float32" and not adapted and not quantised


def _tensors(layer: Any, *names: str) -> list[Any]:
    """A layer's variables, as its precision asks for; ``None`` for one that it has not."""
    values = (getattr(layer, name) for name in names)
    return [None if value is None else keras.ops.convert_to_tensor(value) for value in values]


def _has_channels_last(inputs: Any, axes: list[int]) -> bool:
    """Whether floats of pictures, lines or volumes are normalised along their last axis alone."""
    is_last = axes in ([-1], [inputs.ndim - 1])
    return is_last and inputs.ndim > 2 and keras.backend.is_float_dtype(inputs.dtype)


def _scale_and_shift(layer: Any, inputs: Any) -> list[Any]:
    """A normalisation's, 1 and 0 where it has none."""
    ones = keras.ops.ones(inputs.shape[-1:])
    values = zip(_tensors(layer, "gamma", "beta"), (ones, 0 * ones), strict=True)
    return [none if value is None else value for value, none in values]


def _in_precision(layer: Any, inputs: Any) -> Any:
    """Bytes and other whole numbers, which Keras hands on to a layer, as it computes them."""
    return keras.ops.cast(inputs, layer.compute_dtype)


def _window(layer: Any, x: Any) -> Window:
    """What a convolution or a pooling moves over its inputs."""
    sides = getattr(layer, "kernel_size", None) or layer.pool_size
    dilation = getattr(layer, "dilation_rate", (1,) * len(sides))
    bare = Window(tuple(sides), tuple(layer.strides), tuple(dilation), ((0, 0),) * len(sides))
    if layer.padding == "valid":
        return bare
    if layer.padding == "causal":
        return bare._replace(padding=tuple((reach, 0) for reach in bare.reach))
    axes = zip(x.shape[1:-1], bare.strides, bare.reach, strict=True)
    missing = [max(0, (math.ceil(n / step) - 1) * step + reach + 1 - n) for n, step, reach in axes]
    return bare._replace(padding=tuple((n // 2, n - n // 2) for n in missing))


def _side_by_side(sides: list[int]) -> Window:
    """A window that sees each place once."""
    each = tuple(sides)
    return Window(each, each, (1,) * len(each), ((0, 0),) * len(each))


def _window_back(layer: Any, x: Any, space: tuple[int, ...]) -> Window:
    """What has looked at the outputs of a transposed convolution, which are as large as that."""
    sides = tuple(layer.kernel_size)
    bare = Window(sides, tuple(layer.strides), tuple(layer.dilation_rate), ((0, 0),) * len(sides))
    if layer.padding == "valid":
        return bare
    over = [max(0, behind) for _, behind in bare.reached(space, x.shape[1:-1])]
    # What is too much, is cut off by halves, but behind first.
    return bare._replace(padding=tuple((n // 2, n - n // 2) for n in over))
