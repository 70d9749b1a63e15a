"""How far the engine is from Keras' own ``fit`` and from float64, over a zoo of networks.

For each network and variant: the largest relative difference of the losses over the first 16
batches, trained in a stack and by ``fit``; and the error of one gradient against float64, of the
engine and of Keras, as a part of the largest gradient. Prints the table of docs/zoo.md.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import gradients
import keras
import zoo

from normwise import Study

OPTIMIZER = "sgd:momentum=0.9"


def first_batches(name: str) -> dict[str, float]:
    """Variant to difference: the study's own check, of which an epoch is 16 batches."""
    variants = [variant for network, variant in zoo.CASES if network == name]
    study = Study(
        functools.partial(zoo.network, name),
        zoo.dataset(name),
        variants=[variant for variant in variants if name not in zoo.NORMALISED] or ["none"],
        loss="binary_crossentropy",
        optimizer=OPTIMIZER,
        learning_rate=0.01,
        batch_size=zoo.BATCH,
        seeds=2,
        epochs=1,
    )
    return dict(study.run().answer.solo_check.first_steps)


def gradient_errors(name: str, variant: str) -> tuple[float, float] | None:
    """Of the engine and of Keras against float64; ``None`` where the network draws."""
    keras.utils.set_random_seed(0)
    build = functools.partial(zoo.network, name, variant)
    model: Any = build()
    if zoo.is_random(model):
        return None
    data = zoo.dataset(name)
    batch = data.x_train[:16], data.y_train[:16]
    exact = gradients.in_float64(build, model, *batch)
    ours, theirs = gradients.of_the_engine(model, *batch), gradients.gradient(model, *batch)
    return gradients.error(ours, exact), gradients.error(theirs, exact)


def main() -> None:
    """Print the table, a line as soon as it is known."""
    print("| network | variant | first 16 batches | gradient, engine | gradient, Keras |")
    print("|---|---|---|---|---|")
    for name in sys.argv[1:] or zoo.NETWORKS:
        for variant, difference in first_batches(name).items():
            errors = gradient_errors(name, variant)
            cells = ["draws"] * 2 if errors is None else [f"{error:.0e}" for error in errors]
            print(f"| {name} | {variant} | {difference:.0e} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
