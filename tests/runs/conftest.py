"""Curves of which the answer is known: `bn` needs half of the epochs that `none` needs."""

import math

import pandas as pd
import pytest

from normwise.runs import RunOptions, read_runs


def accuracy(variant, seed, epoch):
    """Reaches 0.8 in epoch 20 + seed, or half of that."""
    arrives = (20 + seed) / (2 if variant == "bn" else 1)
    return 0.8 * epoch / arrives if epoch < arrives else 0.8 + 0.001 * (epoch - arrives)


@pytest.fixture
def curves():
    """Make a long table with the columns variant, seed, epoch, loss and val_accuracy."""

    def make(variants=("none", "bn"), seeds=range(5), epochs=30, base=1):
        return pd.DataFrame(
            {
                "variant": variant,
                "seed": seed,
                "epoch": epoch - 1 + base,
                "loss": math.exp(-epoch / 10),
                "val_accuracy": accuracy(variant, seed, epoch),
            }
            for variant in variants
            for seed in seeds
            for epoch in range(1, epochs + 1)
        )

    return make


@pytest.fixture
def read():
    """Read runs as they are, or by options."""
    return lambda source, **options: read_runs(source, RunOptions(**options))
