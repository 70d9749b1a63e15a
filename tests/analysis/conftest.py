"""Records made by hand, so that every expected number can be read off."""

import math

import pytest

from normwise.domain import RunKey, RunRecord


@pytest.fixture
def record():
    """A run whose val_accuracy jumps from ``low`` to ``high`` in epoch ``arrives``."""

    def make(
        variant="none",
        seed=0,
        arrives=10.0,
        *,
        epochs=30,
        rate=0.1,
        diverged_at=None,
        seconds=3.0,
        low=0.5,
        high=0.9,
        setting="a",
    ):
        curve = [high if epoch >= arrives else low for epoch in range(1, epochs + 1)]
        if diverged_at is not None:
            curve[diverged_at - 1 :] = [math.nan] * (epochs - diverged_at + 1)
        key = RunKey(variant, seed, setting)
        return RunRecord(key, rate, {"val_accuracy": tuple(curve)}, diverged_at, seconds)

    return make


@pytest.fixture
def study(record):
    """Records of several variants from their epochs to the target, seed by seed."""

    def make(**arrivals):
        return [
            record(variant, seed, epoch)
            for variant, epochs in arrivals.items()
            for seed, epoch in enumerate(epochs)
        ]

    return make
