"""The networks whose training step is timed, for every side that runs Keras models."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["WORKLOADS", "Workload", "now"]


def now() -> np.ndarray:
    """Seconds of the clock, and of all processors that this process has used."""
    return np.array([time.perf_counter(), time.process_time()])


@dataclass(frozen=True)
class Workload:
    """One network and its training.

    Attributes:
        shape: Of an example.
        classes: How many; 1 is one probability.
        variants: Normwise's names; the first has no normalisation.
        batch: Examples a step.
        steps: In an epoch.
        replicas: How many of normwise's train side by side.
        optimizer: Keras' name.
        rate: Learning rate.
        network: From Keras' layers, what adds a layer with the normalisation of a variant, and the
            input, to what the last layer gets.
    """

    shape: tuple[int, ...]
    classes: int
    variants: tuple[str, ...]
    batch: int
    steps: int
    replicas: int
    optimizer: str
    rate: float
    network: Callable[[Any, Callable[[Any, Any], Any], Any], Any]

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Noise of the right shape: a step's time does not depend on the values."""
        generator = np.random.default_rng(0)
        examples = self.batch * self.steps
        x = generator.standard_normal((examples, *self.shape), dtype=np.float32)
        return x, generator.integers(max(2, self.classes), size=examples, dtype=np.int32)

    def model(self, variant: str) -> Any:
        """A compiled model, with normalisation where the tutorials write it."""
        import keras

        layers = keras.layers
        inputs = keras.Input(self.shape)
        x = layers.BatchNormalization()(inputs) if "input" in variant else inputs
        x = self.network(layers, functools.partial(_normalised, variant, layers), x)
        activation = "sigmoid" if self.classes == 1 else "softmax"
        model = keras.Model(inputs, layers.Dense(self.classes, activation=activation)(x))
        kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[self.optimizer]
        loss = "binary_crossentropy" if self.classes == 1 else "sparse_categorical_crossentropy"
        model.compile(optimizer=kind(self.rate), loss=loss, metrics=["accuracy"])
        return model


def _normalised(variant: str, layers: Any, layer: Any, x: Any) -> Any:
    computes = hasattr(layer, "kernel_initializer")
    if computes and "after" in variant:
        return layers.BatchNormalization()(layer(x))
    if computes and "before" in variant:
        # β takes over what the bias does.
        bare = type(layer).from_config(
            {**layer.get_config(), "activation": None, "use_bias": False}
        )
        return layers.Activation(layer.activation)(layers.BatchNormalization()(bare(x)))
    return layer(x)


def _stack(of: Callable[[Any], Sequence[Any]]) -> Callable[..., Any]:
    """A network whose layers follow one another."""

    def network(layers: Any, add: Callable[[Any, Any], Any], x: Any) -> Any:
        for layer in of(layers):
            x = add(layer, x)
        return x

    return network


def _residual(layers: Any, add: Callable[[Any, Any], Any], x: Any) -> Any:
    """Three stages, halved by strides, with a shortcut around each block of two convolutions."""

    def convolution(filters: int, side: int = 3, **options: Any) -> Any:
        return layers.Conv2D(filters, side, padding="same", **options)

    x = add(convolution(16, activation="relu"), x)
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        inner = add(convolution(filters, strides=strides, activation="relu"), x)
        inner = add(convolution(filters), inner)
        if x.shape[-1] != filters:
            x = convolution(filters, 1, strides=strides)(x)
        x = layers.Activation("relu")(layers.Add()([x, inner]))
    return layers.GlobalAveragePooling2D()(x)


def _depthwise(layers: Any, add: Callable[[Any, Any], Any], x: Any) -> Any:
    """Depthwise and pointwise convolutions in turns, as MobileNet has them."""
    x = add(layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"), x)
    for filters, strides in ((64, 1), (128, 2), (128, 1)):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", activation="relu")(x)
        x = add(layers.Conv2D(filters, 1, activation="relu"), x)
    return layers.GlobalAveragePooling2D()(x)


def _unet(layers: Any, add: Callable[[Any, Any], Any], x: Any) -> Any:
    """Down by pooling, up by transposed convolutions, each level joined to its own."""

    def twice(filters: int, x: Any) -> Any:
        for _ in range(2):
            x = add(layers.Conv2D(filters, 3, padding="same", activation="relu"), x)
        return x

    left = []
    for filters in (16, 32):
        left.append(twice(filters, x))
        x = layers.MaxPooling2D()(left[-1])
    x = twice(64, x)
    for filters, level in ((32, left[1]), (16, left[0])):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = twice(filters, layers.Concatenate()([x, level]))
    return layers.GlobalAveragePooling2D()(x)


WORKLOADS = {
    "churn": Workload(
        (11,), 1, ("none", "before"), 32, 250, 64, "sgd", 0.1,
        _stack(lambda layers: [layers.Dense(n, activation="relu") for n in (64, 32, 16)]),
    ),
    "fashion-mlp": Workload(
        (784,), 10, ("none", "input+before"), 32, 400, 8, "sgd", 1e-3,
        _stack(lambda layers: [layers.Dense(n, activation="relu") for n in (300, 100)]),
    ),
    "mnist-cnn": Workload(
        (28, 28, 1), 10, ("none", "after"), 64, 40, 4, "adam", 1e-3,
        _stack(lambda layers: [
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
        ]),
    ),
    "lstm": Workload(
        (28, 28), 10, ("none", "after"), 32, 100, 16, "adam", 1e-3,
        _stack(lambda layers: [layers.LSTM(32)]),
    ),
    "residual": Workload(
        (32, 32, 3), 10, ("none", "before"), 64, 10, 2, "sgd", 0.01, _residual,
    ),
    "depthwise": Workload(
        (64, 64, 3), 10, ("none", "after"), 64, 10, 2, "adam", 1e-3, _depthwise,
    ),
    "unet": Workload(
        (32, 32, 3), 10, ("none", "before"), 32, 10, 2, "adam", 1e-3, _unet,
    ),
}  # fmt: skip
