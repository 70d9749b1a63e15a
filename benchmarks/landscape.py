"""The loss along a step in a small VGG-like network, as in figure 4 of Santurkar et al. (2018).

    python benchmarks/landscape.py [LEARNING_RATE …]

Six convolutions in three blocks and two dense layers on digits, plain gradient descent, with and
without normalisation before each activation. Prints, of each run that was looked into, medians over
the epochs: the range of the loss along a step, the same over the loss where the step begins, the
change of the gradient, and effective β-smoothness; and how the loss fell, without which a flat
landscape means nothing.
"""

import argparse

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

import normwise as nw


def network() -> keras.Model:
    """Like VGG: blocks of two convolutions and a pool, then dense layers."""
    blocks = [
        layer
        for filters in (16, 32, 64)
        for layer in (
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            *([layers.MaxPooling2D()] if filters < 64 else []),
        )
    ]
    dense = [layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.Input((8, 8, 1)), *blocks, layers.Flatten(), *dense])


def main() -> None:
    """Print a line for each run and learning rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rates", nargs="*", type=float, default=[0.1, 0.01])
    x, y = load_digits(return_X_y=True)
    data = (x / 16).reshape(-1, 8, 8, 1).astype("float32"), y
    for rate in parser.parse_args().rates:
        study = nw.Study(
            network, data, variants=["none", "before"], optimizer="sgd", learning_rate=rate,
            batch_size=64, epochs=15, seeds=2, probe=True, remedy=False,
        )  # fmt: skip
        for one in study.run().inside:
            along, begins = one.series["landscape/loss"], one.series["gradients/loss"]
            spans = along.max(axis=1) - along.min(axis=1)
            changes = one.series["landscape/gradient_distance"].max(axis=1)
            smooth = one.series["landscape/smoothness"].max(axis=1)
            print(
                f"rate {rate:g}, {one.key.variant:6} seed {one.key.seed}: "
                f"range {np.median(spans):.4f}, over the loss {np.median(spans / begins):.2f}, "
                f"change of the gradient {np.median(changes):.3f}, "
                f"β-smoothness {np.median(smooth):.1f}; "
                f"loss from {begins[0]:.2f} to {begins[-1]:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
