"""Milliseconds a step, wall and processor, of Keras' own `fit`, on the backend of KERAS_BACKEND.

KERAS_BACKEND=tensorflow python run_keras.py churn
"""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
from workloads import WORKLOADS, Workload, now

EPOCHS = 4
# Steps that one call of the compiled function takes: 1 as in the tutorials, more as Keras' guide
# to fast training advises. The faster of the two counts.
STEPS_AT_ONCE = (1, 10)


def main() -> None:
    """Print one line of JSON: variant to both."""
    workload = WORKLOADS[sys.argv[1]]
    print(json.dumps({variant: _fastest(workload, variant) for variant in workload.variants}))


def _fastest(workload: Workload, variant: str) -> list[float]:
    both = [_milliseconds(workload, variant, at_once) for at_once in STEPS_AT_ONCE]
    return np.min(both, axis=0).tolist()


def _milliseconds(workload: Workload, variant: str, at_once: int) -> np.ndarray:
    keras.utils.set_random_seed(0)
    model = workload.model(variant)
    model.steps_per_execution = at_once
    x, y = workload.data()
    ends: list[np.ndarray] = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(now()))
    model.fit(x, y, batch_size=workload.batch, epochs=EPOCHS, verbose=0, callbacks=[watch])
    # The first epoch compiles.
    return 1e3 * np.diff(ends, axis=0).min(0) / workload.steps


if __name__ == "__main__":
    main()
