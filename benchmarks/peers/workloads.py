"""The networks whose training step is timed, for every side that runs Keras models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["WORKLOADS", "Workload"]


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
        hidden: Layers between input and output, without normalisation.
    """

    shape: tuple[int, ...]
    classes: int
    variants: tuple[str, ...]
    batch: int
    steps: int
    replicas: int
    optimizer: str
    rate: float
    hidden: Callable[[Any], Sequence[Any]]

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
        stack = [keras.Input(self.shape)]
        if "input" in variant:
            stack.append(layers.BatchNormalization())
        for layer in self.hidden(layers):
            stack += _normalised(layer, variant, layers)
        activation = "sigmoid" if self.classes == 1 else "softmax"
        model = keras.Sequential([*stack, layers.Dense(self.classes, activation=activation)])
        kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}[self.optimizer]
        loss = "binary_crossentropy" if self.classes == 1 else "sparse_categorical_crossentropy"
        model.compile(optimizer=kind(self.rate), loss=loss, metrics=["accuracy"])
        return model


def _normalised(layer: Any, variant: str, layers: Any) -> list[Any]:
    computes = hasattr(layer, "kernel_initializer")
    if computes and "after" in variant:
        return [layer, layers.BatchNormalization()]
    if computes and "before" in variant:
        # β takes over what the bias does.
        bare = type(layer).from_config(
            {**layer.get_config(), "activation": None, "use_bias": False}
        )
        return [bare, layers.BatchNormalization(), layers.Activation(layer.activation)]
    return [layer]


WORKLOADS = {
    "churn": Workload(
        (11,), 1, ("none", "before"), 32, 250, 64, "sgd", 0.1,
        lambda layers: [layers.Dense(n, activation="relu") for n in (64, 32, 16)],
    ),
    "fashion-mlp": Workload(
        (784,), 10, ("none", "input+before"), 32, 400, 8, "sgd", 1e-3,
        lambda layers: [layers.Dense(n, activation="relu") for n in (300, 100)],
    ),
    "mnist-cnn": Workload(
        (28, 28, 1), 10, ("none", "after"), 64, 40, 4, "adam", 1e-3,
        lambda layers: [
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
        ],
    ),
    "lstm": Workload(
        (28, 28), 10, ("none", "after"), 32, 100, 16, "adam", 1e-3,
        lambda layers: [layers.LSTM(32)],
    ),
}  # fmt: skip
