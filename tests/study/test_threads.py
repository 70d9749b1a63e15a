"""No two computations wait for each other's threads: a study of any layers comes to its end."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from normwise import Study
from normwise.engine import shares_out
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

# Seen to hang each time: two threads in the factorisations of a batch, on two cores.
TWO_STUDIES = """
import threading, keras, numpy as np
from keras import layers
from normwise import Study
draw = np.random.default_rng(0)
x, y = draw.normal(size=(64, 6, 4)).astype("float32"), draw.integers(0, 2, 64)
def build():
    cells = [layers.LSTM(64, return_sequences=True), layers.GRU(64)]
    return keras.Sequential([keras.Input((6, 4)), *cells, layers.Dense(1, activation="sigmoid")])
def study():
    Study(build, (x, y), variants=["none"], seeds=16, epochs=1).run()
threads = [threading.Thread(target=study) for _ in range(2)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print("both ended")
"""


def test_two_studies_at_once_come_to_their_end():
    """Ten seconds: only a process of its own can wait for ever."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_STUDIES],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout == "both ended\n", done.stderr


class Factorised(layers.Layer):
    """The sizes of a symmetric matrix of each example's, or its square root."""

    def __init__(self, operation, **kwargs):
        super().__init__(**kwargs)
        self.operation = operation

    def get_config(self):
        return {**super().get_config(), "operation": self.operation}

    def call(self, inputs):
        a = ops.reshape(inputs, (-1, 4, 4))
        square = ops.matmul(a, ops.transpose(a, (0, 2, 1))) + 4 * ops.eye(4)
        found = {
            "cholesky": lambda: ops.cholesky(square),
            "svd": lambda: ops.svd(square + ops.diag(ops.arange(4.0)), compute_uv=False),
            "solve": lambda: ops.solve(square, a),
            "fft": lambda: ops.fft((inputs, inputs))[0],
        }[self.operation]()
        return ops.reshape(found, (-1, int(np.prod(found.shape[1:]))))


def rows():
    draw = np.random.default_rng(0)
    return draw.normal(size=(96, 6)).astype("float32"), draw.integers(0, 2, 96)


def factorising(operation):
    first = layers.Dense(16, activation="tanh")
    last = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((6,)), first, Factorised(operation), last])


@pytest.mark.parametrize("operation", ["cholesky", "svd", "solve", "fft"])
def test_a_layer_that_factorises_is_seen(operation):
    data = as_dataset(arrived(rows()), Spec.make({"model": "circles", "data": "arrays"}))
    assert shares_out(factorising(operation), data)
    assert not shares_out(keras.Sequential([keras.Input((6,)), layers.Dense(16)]), data)


def test_a_model_that_factorises_trains_on_two_devices():
    study = Study(lambda: factorising("solve"), rows(), seeds=4, epochs=2, learning_rate=0.01)
    check = study.run().answer.solo_check
    assert check.failed == ()
    assert check.first_epoch_difference < 1e-4
