"""What becomes of the statistics in fine-tuning: the figures of docs/fine-tuning.md.

A small convolutional base learns the digits 0 to 4 of scikit-learn, and is fine-tuned under a
new head on 50 pictures of 5 to 9; losses and accuracies are those of the other 846,
medians of five seeds. Takes some five minutes on one core:

    python benchmarks/fine_tuning.py
"""

import os

os.environ["KERAS_BACKEND"] = "jax"

import functools

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

import normwise as nw

SEEDS, EXAMPLES, EPOCHS = 5, 50, 20
# Batch size, learning rate, and how bright the new pictures are against the old ones.
CASES = ((2, 1e-3, 1.0), (25, 1e-2, 1.0), (25, 1e-2, 0.3))
WAYS = ("nothing", "normalisation", "statistics", "everything",
        "recalibrated, normalisation", "recalibrated, everything")  # fmt: skip

images, labels = load_digits(return_X_y=True)
images = (images / 16).reshape(-1, 8, 8, 1).astype("float32")


def base() -> keras.Model:
    """Two convolutions, each with its normalisation."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
        ],
        name="base",
    )


def under_a_head(below: keras.Model, rate: float) -> keras.Model:
    """The base and a new output layer, compiled."""
    model = keras.Sequential([below, layers.Dense(5, activation="softmax")])
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


@functools.cache
def pretrained(seed: int) -> list[np.ndarray]:
    """Weights and statistics of a base that knows 0 to 4."""
    keras.utils.set_random_seed(seed)
    below, old = base(), labels < 5
    under_a_head(below, 1e-2).fit(images[old], labels[old], epochs=20, batch_size=32, verbose=0)
    return below.get_weights()


def fine_tuned(seed: int, way: str, batch: int, rate: float, bright: float) -> list[list[float]]:
    """Loss and accuracy, as trained and after recalibration."""
    weights = pretrained(seed)
    keras.utils.set_random_seed(seed)
    new = labels >= 5
    x, y = bright * images[new], labels[new] - 5
    order = np.random.default_rng(seed).permutation(len(x))
    train, rest = order[:EXAMPLES], order[EXAMPLES:]
    below = base()
    below.set_weights(weights)
    if way.startswith("recalibrated"):
        nw.recalibrate(below, x[train])
    if way != "nothing":
        nw.freeze(below, way.rsplit(", ", maxsplit=1)[-1])
    model = under_a_head(below, rate)
    model.fit(x[train], y[train], epochs=EPOCHS, batch_size=batch, verbose=0)
    found = [model.evaluate(x[rest], y[rest], verbose=0)]
    nw.recalibrate(model, x[train], frozen=True)
    return [*found, model.evaluate(x[rest], y[rest], verbose=0)]


if __name__ == "__main__":
    for case in CASES:
        print("batch {}, learning rate {:g}, brightness {}".format(*case))
        for way in WAYS:
            runs = np.array([fine_tuned(seed, way, *case) for seed in range(SEEDS)])
            (loss, hits), (then, hits_then) = np.median(runs, axis=0)
            print(f"  {way:28} {loss:.3f} {hits:.1%}   {then:.3f} {hits_then:.1%}", flush=True)
