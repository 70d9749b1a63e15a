"""Lowered layers of pictures, lines and volumes against Keras' own."""

import functools

import jax
import keras
import numpy as np
import pytest
from jax import numpy as jnp
from keras import layers

from normwise.engine import lower
from normwise.engine.kernels.convolution import convolve
from normwise.engine.kernels.group_normalisation import normalise_groups
from normwise.engine.kernels.pooling import max_pool
from normwise.engine.kernels.windows import Window

LINE, IMAGE, VOLUME = (11, 3), (9, 8, 3), (5, 6, 4, 2)
CASES = {
    "3x3": (IMAGE, layers.Conv2D(4, 3)),
    "one channel": ((9, 8, 1), layers.Conv2D(4, 3, activation="relu")),
    "1x1 strided": (IMAGE, layers.Conv2D(4, 1, strides=2)),
    "without a bias": (IMAGE, layers.Conv2D(4, 2, use_bias=False)),
    "window that leaves a rest": (IMAGE, layers.Conv2D(4, (3, 2), strides=(3, 2))),
    "stride above window": (IMAGE, layers.Conv2D(2, 2, strides=(3, 4))),
    "same": (IMAGE, layers.Conv2D(4, (3, 4), padding="same", use_bias=False)),
    "same, strided": (IMAGE, layers.Conv2D(4, 3, strides=2, padding="same")),
    "dilated": (IMAGE, layers.Conv2D(4, (3, 2), dilation_rate=(2, 3), padding="same")),
    "line": (LINE, layers.Conv1D(4, 3, strides=2)),
    "causal": (LINE, layers.Conv1D(4, 3, dilation_rate=2, padding="causal")),
    "volume": (VOLUME, layers.Conv3D(3, (2, 3, 2), strides=(1, 2, 1), padding="same")),
    "depthwise": (IMAGE, layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu")),
    "depthwise, strided": (IMAGE, layers.DepthwiseConv2D(3, strides=2, padding="same")),
    "depthwise, dilated": (IMAGE, layers.DepthwiseConv2D(2, dilation_rate=2)),
    "depthwise line": (LINE, layers.DepthwiseConv1D(3, padding="same")),
    "depthwise without a bias": (IMAGE, layers.DepthwiseConv2D(2, use_bias=False)),
    "grouped": (IMAGE, layers.Conv2D(6, 3, groups=3)),
    "grouped, one filter a channel": (LINE, layers.Conv1D(3, 3, groups=3, padding="same")),
    "grouped in blocks": ((7, 6, 40), layers.Conv2D(20, 3, groups=10, strides=2, padding="same")),
    "grouped volume": (VOLUME, layers.Conv3D(4, 2, groups=2)),
    "separable": (IMAGE, layers.SeparableConv2D(4, 3, padding="same", activation="relu")),
    "separable, strided": (IMAGE, layers.SeparableConv2D(4, 3, strides=2, depth_multiplier=2)),
    "separable line": (LINE, layers.SeparableConv1D(4, 3, dilation_rate=2, use_bias=False)),
    "transposed": (IMAGE, layers.Conv2DTranspose(4, 3, activation="relu")),
    "transposed, strided": (IMAGE, layers.Conv2DTranspose(4, 3, strides=2, padding="same")),
    "transposed, larger window": (IMAGE, layers.Conv2DTranspose(4, (5, 4), 2, "same")),
    "transposed, stride above window": (IMAGE, layers.Conv2DTranspose(4, 1, 2, "same")),
    "transposed, stride far above window": (IMAGE, layers.Conv2DTranspose(4, (1, 2), 5, "same")),
    "transposed, valid above window": (IMAGE, layers.Conv2DTranspose(4, 2, (3, 4))),
    "transposed, more outputs": (
        IMAGE,
        layers.Conv2DTranspose(4, 3, 2, "same", output_padding=1, use_bias=False),
    ),
    "transposed, dilated": (IMAGE, layers.Conv2DTranspose(4, 3, padding="same", dilation_rate=2)),
    "transposed line": (LINE, layers.Conv1DTranspose(4, 4, strides=3, padding="same")),
    "transposed volume": (VOLUME, layers.Conv3DTranspose(3, 2, strides=2)),
    "pool": (IMAGE, layers.MaxPooling2D()),
    "pool with a rest": (IMAGE, layers.MaxPooling2D((2, 3))),
    "pool of a line": (LINE, layers.MaxPooling1D(3)),
    "pool of a volume": (VOLUME, layers.MaxPooling3D((2, 3, 2))),
    "overlapping pool": (IMAGE, layers.MaxPooling2D(3, strides=2)),
    "padded pool": (IMAGE, layers.MaxPooling2D(2, padding="same")),
    "overlapping, padded pool": (IMAGE, layers.MaxPooling2D((3, 4), strides=1, padding="same")),
    "pool that leaves values out": (IMAGE, layers.MaxPooling2D(2, strides=(3, 4))),
    "overlapping pool of a volume": (VOLUME, layers.MaxPooling3D(3, strides=2, padding="same")),
    "upsampling": (IMAGE, layers.UpSampling2D((2, 3))),
    "upsampling of a line": (LINE, layers.UpSampling1D(3)),
    "upsampling of a volume": (VOLUME, layers.UpSampling3D((1, 2, 2))),
    "upsampling, bilinear": (IMAGE, layers.UpSampling2D(2, interpolation="bilinear")),
    "upsampling, bilinear, odd": (IMAGE, layers.UpSampling2D((3, 1), interpolation="bilinear")),
    "average": (IMAGE, layers.AveragePooling2D(2)),
    "overlapping, padded average": (IMAGE, layers.AveragePooling2D((3, 4), 2, "same")),
    "average at every place": (LINE, layers.AveragePooling1D(4, strides=1, padding="same")),
    "average that leaves values out": (VOLUME, layers.AveragePooling3D(2, strides=3)),
    "adaptive maximum": (IMAGE, layers.AdaptiveMaxPooling2D((3, 2))),
    "adaptive maximum of a volume": ((4, 6, 2, 3), layers.AdaptiveMaxPooling3D(2)),
    "adaptive maximum of unequal parts": (IMAGE, layers.AdaptiveMaxPooling2D(4)),
    "adaptive maximum that is NaN in Keras": ((14, 3), layers.AdaptiveMaxPooling1D(7)),
    "adaptive average": (IMAGE, layers.AdaptiveAveragePooling2D((1, 4))),
    "adaptive average of a line": ((12, 3), layers.AdaptiveAveragePooling1D(3)),
    "global average": (IMAGE, layers.GlobalAveragePooling2D()),
    "global average of a volume": (VOLUME, layers.GlobalAveragePooling3D(keepdims=True)),
    "group normalisation": ((7, 8, 6), layers.GroupNormalization(2, epsilon=0.1)),
    "group normalisation of one group": (LINE, layers.GroupNormalization(1, scale=False)),
    "group normalisation of each channel": (VOLUME, layers.GroupNormalization(-1, center=False)),
    "group normalisation of rows": ((6,), layers.GroupNormalization(3)),
    "group normalisation of another axis": (LINE, layers.GroupNormalization(11, axis=1)),
    "layer normalisation": ((7, 8, 6), layers.LayerNormalization(epsilon=0.1)),
    "layer normalisation of a line": (LINE, layers.LayerNormalization(axis=2, center=False)),
    "layer normalisation of rows": ((6,), layers.LayerNormalization(scale=False)),
    "layer normalisation over pictures": (IMAGE, layers.LayerNormalization(axis=(1, 2, 3))),
}
KEPT = {
    "half precision": (IMAGE, layers.Conv2D(4, 3, dtype="mixed_bfloat16")),
    "bicubic": (IMAGE, layers.UpSampling2D(2, interpolation="bicubic")),
    "channels first": (IMAGE, layers.MaxPooling2D(2, data_format="channels_first")),
}


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def square(side, stride):
    return Window((side, side), (stride, stride), (1, 1), ((0, 0), (0, 0)))


def with_gradients(model, weights, x):
    def total(weights, x):
        y, _ = model.stateless_call(weights, [], x)
        return jnp.sin(y).sum(), y

    (_, y), gradients = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(weights, x)
    return y, *jax.tree.leaves(gradients)


@pytest.mark.parametrize(("shape", "layer"), CASES.values(), ids=CASES)
def test_a_lowered_layer_and_its_gradients_equal_keras(shape, layer):
    model = keras.Sequential([keras.Input(shape), layer])
    lowered = lower(model)
    assert type(lowered.layers[0]) is not type(layer)
    assert lowered.output_shape == model.output_shape
    # With a replica axis, as the engine may run it.
    x, weights = normal(2, 3, *shape), [normal(2, *v.shape) for v in model.trainable_variables]
    both = [
        jax.jit(jax.vmap(functools.partial(with_gradients, each)))(weights, x)
        for each in (lowered, model)
    ]
    evaluated = jax.jit(jax.vmap(lambda w, x: lowered.stateless_call(w, [], x)[0]))(weights, x)
    for got, want in [*zip(*both, strict=True), (evaluated, both[1][0])]:
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        "same", "depthwise, strided", "separable", "grouped in blocks", "transposed, strided",
        "transposed volume", "overlapping pool", "overlapping, padded average", "upsampling",
        "upsampling, bilinear", "group normalisation", "layer normalisation",
    ],
)  # fmt: skip
def test_a_gradient_has_a_derivative_in_forward_mode(name):
    """Curvature in a direction, which optimisers of the second order ask for."""
    shape, layer = CASES[name]
    model = keras.Sequential([keras.Input(shape), layer])
    x, weights = normal(2, *shape), [normal(*v.shape) for v in model.trainable_variables]

    def curvature(one):
        def gradient(weights, x):
            return jax.grad(lambda w, x: jnp.sin(one.stateless_call(w, [], x)[0]).sum(), (0, 1))(
                weights, x
            )

        return jax.jit(lambda *at: jax.jvp(gradient, at, at)[1])(weights, x)

    both = (jax.tree.leaves(curvature(one)) for one in (lower(model), model))
    for got, want in zip(*both, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("shape", "layer"), KEPT.values(), ids=KEPT)
def test_what_has_no_lowered_form_stays_as_it_is(shape, layer):
    model = keras.Sequential([keras.Input(shape), layer])
    assert type(lower(model).layers[0]) is type(layer)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(2, 3),
        layers.Conv2D(4, 5, groups=2, padding="same"),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        layers.AveragePooling2D(3, strides=2, padding="same"),
        layers.UpSampling2D(3, interpolation="bilinear"),
    ],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.parametrize("kind", ["uint8", "int32", "bool"])
def test_pictures_of_whole_numbers_are_taken_as_keras_takes_them(layer, kind):
    if kind == "bool" and isinstance(layer, layers.AveragePooling2D):
        pytest.skip("Keras has no mean of them")
    model = keras.Sequential([keras.Input((8, 7, 4), dtype=kind), layer])
    weights = [v.value for v in model.trainable_variables]
    x = np.random.default_rng(0).integers(0, 255, (3, 8, 7, 4)).astype(kind)
    got, want = (each.stateless_call(weights, [], x)[0] for each in (lower(model), model))
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_a_gradient_may_be_asked_of_a_gradient_within_a_loop():
    # The groups are gone through by a loop.
    model = keras.Sequential([keras.Input((8, 7, 40)), layers.Conv2D(4, 3, groups=4)])
    lowered = lower(model)
    weights = [v.value for v in model.trainable_variables]

    def penalty(of, x):
        def total(x):
            return jnp.tanh(of.stateless_call(weights, [], x)[0]).sum()

        return (jax.grad(total)(x) ** 2).sum()

    ours, keras_own = (
        jax.jit(jax.grad(functools.partial(penalty, of)))(normal(2, 8, 7, 40))
        for of in (lowered, model)
    )
    assert np.linalg.norm(ours - keras_own) < 1e-5 * np.linalg.norm(keras_own)


@pytest.mark.parametrize("pool", [layers.MaxPooling2D(), layers.AdaptiveMaxPooling2D((2, 3))])
def test_of_equals_the_first_has_the_gradient(pool):
    x = np.random.default_rng(0).integers(0, 3, (4, 8, 6, 2)).astype("float32")
    lowered = lower(keras.Sequential([keras.Input(x.shape[1:]), pool])).layers[0]
    assert type(lowered) is not type(pool)
    d = normal(*pool(x).shape)

    def gradient(one):
        return jax.grad(lambda x: (one(x) * d).sum())(x)

    np.testing.assert_array_equal(gradient(lowered), gradient(pool))


@pytest.mark.parametrize("position", range(4))
def test_a_maximum_shows_what_is_no_number(position):
    x = np.zeros((1, 2, 2, 1), "float32")
    x.ravel()[position] = np.nan
    assert np.isnan(max_pool(x, square(2, 2))).all()


def test_a_gradient_that_is_no_number_stays_one():
    model = lower(keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1, 3)]))
    weights = [v.value for v in model.trainable_variables]

    def total(x):
        return (model.stateless_call(weights, [], x)[0] * jnp.nan).sum()

    assert np.isnan(jax.grad(total)(np.ones((1, 4, 4, 1), "float32"))).all()


WIDE = {
    # Shape, window, filters, stride, dilation; of 108 values a window and more, but for the last.
    "rows and columns that no window reaches": ((10, 8, 12), (3, 3), 5, (2, 2), (1, 1)),
    "a stride above the window": ((11, 13, 20), (2, 2), 4, (3, 4), (1, 1)),
    "dilated": ((12, 9, 12), (3, 2), 5, (2, 2), (2, 3)),
    "a line": ((16, 20), (3,), 6, (2,), (1,)),
    "a volume": ((6, 4, 5, 9), (2, 2, 2), 3, (2, 1, 2), (1, 1, 1)),
    "a narrow window": ((10, 8, 2), (3, 3), 5, (2, 2), (1, 1)),
    "a window of one": ((9, 8, 3), (1, 1), 4, (2, 2), (1, 1)),
}


def wide_reference(x, kernel, bias, strides, dilation):
    """Convolution in float64, position by position, and what each of its window contributes."""
    window, space = kernel.shape[:-2], x.shape[1:-1]
    positions = [
        (size - (side - 1) * far - 1) // step + 1
        for size, side, far, step in zip(space, window, dilation, strides, strict=True)
    ]

    def seen(place):
        rows = [
            slice(at * step, at * step + (side - 1) * far + 1, far)
            for at, step, side, far in zip(place, strides, window, dilation, strict=True)
        ]
        return (slice(None), *rows)

    axes = range(1, kernel.ndim)
    y = np.zeros((len(x), *positions, kernel.shape[-1]))
    for place in np.ndindex(*positions):
        y[:, *place] = np.tensordot(x[seen(place)], kernel, (axes, range(kernel.ndim - 1))) + bias

    def backward(d):
        dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
        for place in np.ndindex(*positions):
            dkernel += np.tensordot(x[seen(place)], d[:, *place], (0, 0))
            dx[seen(place)] += np.tensordot(d[:, *place], kernel, (1, kernel.ndim - 1))
        return dx, dkernel, d.reshape(-1, d.shape[-1]).sum(0)

    return y, backward


@pytest.mark.parametrize("case", WIDE)
def test_gradients_in_float64_position_by_position(case):
    shape, window, filters, strides, dilation = WIDE[case]
    x, bias = normal(4, *shape), normal(filters)
    kernel = normal(*window, shape[-1], filters)
    moved = Window(window, strides, dilation, ((0, 0),) * len(window))
    y, back = jax.vjp(lambda *given: convolve(*given, moved), x, kernel, bias)
    wide = (each.astype(np.float64) for each in (x, kernel, bias))
    wanted, wanted_back = wide_reference(*wide, strides, dilation)
    # Where no gradient is asked for, a narrow window is computed otherwise.
    for got in (y, convolve(x, kernel, bias, moved)):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)
    d = normal(*y.shape)
    for got, want in zip(back(d), wanted_back(d.astype(np.float64)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_group_normalisation_in_float64_far_from_zero():
    x, gamma, beta, d = normal(4, 9, 8, 6) + 100, normal(6), normal(6), normal(4, 9, 8, 6)
    y, back = jax.vjp(lambda *given: normalise_groups(*given, 3, 1e-3), x, gamma, beta)
    groups = x.astype(np.float64).reshape(4, 72, 3, 2)
    far = groups - groups.mean((1, 3), keepdims=True)
    deviation = np.sqrt((far**2).mean((1, 3), keepdims=True) + 1e-3)
    standard = far / deviation
    sent = (d * gamma.astype(np.float64)).reshape(standard.shape)
    # Ioffe and Szegedy (2015), the gradient of what was standardised, over a group.
    dx = (
        sent
        - sent.mean((1, 3), keepdims=True)
        - standard * (sent * standard).mean((1, 3), keepdims=True)
    ) / deviation
    standard = standard.reshape(x.shape)
    wanted = [
        standard * gamma + beta,
        dx.reshape(x.shape),
        (d * standard).sum((0, 1, 2)),
        d.sum((0, 1, 2)),
    ]
    for got, want in zip([y, *back(d)], wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
