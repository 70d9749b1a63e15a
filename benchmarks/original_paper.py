"""The original paper's comparison in small: larger learning rates, with and without.

    python benchmarks/original_paper.py          # needs mnist.npz, about ten minutes

Ioffe & Szegedy (2015, section 4.2.1 and figure 3) let the baseline train to its end at its own
learning rate and asked in how many steps the normalised network reaches that accuracy at 1, 5
and 30 times that rate. Here the network is their toy, three layers of 100 sigmoids on MNIST,
batches of 60; an epoch is a part of the training images, so that steps can be told apart.
Printed are medians over the seeds.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics

import numpy as np

from normwise import Study, analysis
from normwise.data import Dataset, find_dataset
from normwise.domain import RunRecord, Target

BATCH = 60
RATE = 0.05
FACTORS = (1, 5, 30)


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--images", type=int, default=12_000, help="in an epoch")
    options = parser.parse_args()
    data = part(find_dataset("mnist"), options.images)
    records = (
        Study(
            "mnist-sigmoid",
            data,
            variants=["none", "before"],
            seeds=options.seeds,
            epochs=options.epochs,
            learning_rate=[RATE * factor for factor in FACTORS],
            batch_size=BATCH,
            optimizer="sgd",
        )
        .run()
        .records
    )
    own = [run for run in records if run.key.variant == "none" and run.learning_rate == RATE]
    best = statistics.median(max(run.curves["val_accuracy"]) for run in own)
    target = Target("val_accuracy", ">=", best)
    steps = len(data.x_train) // BATCH
    print(f"{options.seeds} seeds, {options.epochs} epochs of {steps} steps")
    print(f"the baseline's best accuracy at 1×: {best:.4f}\n")
    print("| | rate | arrived | steps to it | best accuracy |\n|---|---|---|---|---|")
    for variant in ("none", "before"):
        for factor in FACTORS:
            rate = RATE * factor
            runs = [r for r in records if (r.key.variant, r.learning_rate) == (variant, rate)]
            print(f"| {variant} | {factor}× | " + " | ".join(cells(runs, target, steps)) + " |")


def part(data: Dataset, images: int) -> Dataset:
    """The data set with so many training images, the same whenever it is asked for."""
    rows = np.random.default_rng(0).permutation(len(data.x_train))[:images]
    return dataclasses.replace(data, x_train=data.x_train[rows], y_train=data.y_train[rows])


def cells(runs: list[RunRecord], target: Target, steps: int) -> list[str]:
    """How many arrived, the median of their steps, the median of their best accuracy."""
    epochs = [analysis.outcome(run, target).epoch for run in runs]
    arrived = sum(map(np.isfinite, epochs))
    median = analysis.median_epochs(epochs, horizon=runs[0].epochs).value
    best = statistics.median(np.nanmax(run.curves["val_accuracy"]) for run in runs)
    return [
        f"{arrived} of {len(runs)}",
        f"{median * steps:.0f}" if np.isfinite(median) else "never",
        f"{best:.4f}",
    ]


if __name__ == "__main__":
    main()
