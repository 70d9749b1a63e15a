"""Commands as their users meet them: run in an empty folder, on a model that a few steps trained."""

import functools

import keras
import pytest
from keras import layers

from normwise.data.circles import circles


@pytest.fixture
def run(run_command, request):
    """Run the command that a file of tests is named after: its arguments, without its name."""
    return functools.partial(run_command, request.path.stem.removeprefix("test_"))


@pytest.fixture
def train(tmp_path):
    """Train a network on circles for a few steps at momentum 0.99, and save it as model.keras."""

    def trained(*, seed, batch_size, epochs, **compiled):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(8, activation="relu", name="hidden"),
                layers.BatchNormalization(name="norm"),
                layers.Dense(1, activation="sigmoid", name="out"),
            ],
            name="net",
        )
        model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", **compiled)
        data = circles()
        model.fit(data.x_train, data.y_train, batch_size=batch_size, epochs=epochs, verbose=0)
        model.save(tmp_path / "model.keras")
        return model

    return trained
