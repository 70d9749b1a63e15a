"""About how long a built-in study takes on this machine."""

from __future__ import annotations

import os
import time

import numpy as np

from normwise.files import measured_once

__all__ = ["REFERENCE_SECONDS", "estimated_seconds", "machine_speed"]

# Seconds of each study with its own settings, nothing compiled before, on two cores of an Intel
# Xeon at 2 GHz: half of the processor time that it took, and a fifth more for what runs alone.
# That of mnist-cnn is reckoned from a step's time, its number, and the check by Keras' own fit;
# those of residual and small-batches from a part of the study.
REFERENCE_SECONDS = {
    "circles": 21,
    "circles-extensions": 29,
    "digits-cnn": 61,
    "deep-mlp": 52,
    "depth": 161,
    "initialisation": 39,
    "rates": 48,
    "s-shaped": 25,
    "s-shaped-tanh": 25,
    "not-s-shaped": 24,
    "residual": 140,
    "inception": 171,
    "small-batches": 340,
    "sequence": 35,
    "sequence-gru": 63,
    "regression": 24,
    "scaling": 25,
    "unequal-scales": 15,
    "dropout": 63,
    "regularising": 51,
    "churn": 19,
    "fashion-mlp": 520,
    "mnist-cnn": 1200,
    "mnist-sigmoid": 223,
}
# Exponentials a second that one of those cores takes, and their number.
REFERENCE_SPEED = 1.1e9
REFERENCE_CORES = 2
MEASURE_SECONDS = 0.1


def estimated_seconds(study: str) -> float:
    """What the study took on the reference machine, scaled by this machine's speed.

    >>> estimated_seconds("circles") > 0
    True
    """
    faster = machine_speed() * _cores() / (REFERENCE_SPEED * REFERENCE_CORES)
    return REFERENCE_SECONDS[study] / faster


def machine_speed() -> float:
    """Exponentials a second on one core, measured once a machine."""
    [speed], _ = measured_once("speed", [], 1, lambda: [_measure()])
    return speed


def _measure() -> float:
    """The best of the rounds that fit the time: what else the machine does only slows them."""
    values = np.linspace(-1, 1, 4096, dtype=np.float32)  # stays in the core's own cache
    best, end = float("inf"), time.perf_counter() + MEASURE_SECONDS
    while (start := time.perf_counter()) < end:
        np.exp(values)
        best = min(best, time.perf_counter() - start)
    return len(values) / best


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
