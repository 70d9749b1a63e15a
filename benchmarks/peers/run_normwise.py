"""Milliseconds a step and replica, wall and processor, of normwise's engine, as a study runs it.

python run_normwise.py churn
"""

from __future__ import annotations

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

from normwise import engine

engine.configure()

import numpy as np
from workloads import WORKLOADS, Workload, now

from normwise.data import from_arrays
from normwise.domain import Variant
from normwise.execution.setup import Setup
from normwise.models.compiling import Recipe
from normwise.models.source import ModelSource
from normwise.spec import Spec

EPOCHS = 4


def main() -> None:
    """Print one line of JSON: variant to both."""
    workload = WORKLOADS[sys.argv[1]]
    print(json.dumps({variant: _milliseconds(workload, variant) for variant in workload.variants}))


def _milliseconds(workload: Workload, variant: str) -> list[float]:
    x, y = workload.data()
    # One batch to evaluate on: what is timed is the training.
    dataset = from_arrays(x, y, x[: workload.batch], y[: workload.batch])
    spec = Spec.make(
        {
            "model": "model", "data": "data", "seeds": workload.replicas, "epochs": EPOCHS,
            "batch_size": workload.batch, "optimizer": workload.optimizer,
            "learning_rate": workload.rate, "variants": workload.variants,
        }
    )  # fmt: skip
    source = ModelSource(workload.model("none"), dataset)
    setup = Setup(Recipe(spec, dataset), source)
    cohort = setup.cohort(Variant.parse(variant), workload.batch)
    replicas = [engine.Replica(seed) for seed in range(workload.replicas)]
    compiled, times = cohort.compile(cohort.lower()), []
    for _ in range(4):
        started = now()
        for _chunk in cohort.run(compiled, replicas):
            pass
        times.append(now() - started)
    steps = EPOCHS * workload.steps * workload.replicas
    return (1e3 * np.min(times, axis=0) / steps).tolist()


if __name__ == "__main__":
    main()
