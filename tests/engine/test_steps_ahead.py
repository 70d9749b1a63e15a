"""What is compiled ahead is what Keras' own ``fit`` trains with."""

import jax
import keras
import pytest

from normwise.data.circles import circles
from normwise.engine import Fit, InitialValues, Replica, compile_steps


def fit():
    hidden = [keras.layers.Dense(3, "relu"), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy"])
    return Fit(model, InitialValues(model), circles(), 32)


@pytest.fixture
def compiled(caplog):
    """How many times a step was compiled since this was asked last."""

    def count():
        found = {
            kind: caplog.text.count(f"Finished XLA compilation of jit({kind}_step)")
            for kind in ("train", "test")
        }
        caplog.clear()
        return found

    for_all_threads = jax.config.update
    for_all_threads("jax_log_compiles", val=True)
    yield count
    for_all_threads("jax_log_compiles", val=False)


def train(one):
    return one.train(Replica(0), one.begin(Replica(0)), range(2)).curves


def test_fit_finds_its_steps_compiled(compiled):
    fits = [fit(), fit()]
    compile_steps(fits, most=16)
    # 500 examples: batches of 32 and a last one of 20, all at once to validate.
    assert compiled() == {"train": 4, "test": 2}
    ahead = [train(one) for one in fits]
    assert compiled() == {"train": 0, "test": 0}
    assert ahead[0] == ahead[1] == train(fit())
    assert compiled() == {"train": 2, "test": 1}


def test_of_a_long_epoch_a_whole_batch_is_compiled(compiled):
    compile_steps([fit()], most=15)
    assert compiled() == {"train": 1, "test": 0}


def test_what_fit_does_not_compile_is_left_out(compiled):
    eager = fit()
    eager.model.run_eagerly = True
    compile_steps([eager], most=16)
    assert compiled() == {"train": 0, "test": 0}
