"""What a program cannot compute is refused by the layer that stands in the way."""

import re

import keras
import numpy as np
import pytest
from keras import layers

from normwise import Study
from normwise.errors import ModelError

# Keras reads a compiled optimiser's rate so.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


class Slope(layers.Layer):
    def call(self, inputs):
        return inputs * float(inputs[0, 0, 0, 0])

    def compute_output_shape(self, shape):
        return shape


class Broken(Slope):
    def call(self, inputs, training=None):
        if training:
            raise ValueError("no training here")
        return inputs


def distance(y, outputs):
    return np.abs(np.asarray(y) - np.asarray(outputs)).mean()


def network(layer, loss=None):
    hidden = [layer, layers.Flatten(name="flat"), layers.Dense(1, name="output")]
    model = keras.Sequential([keras.Input((6, 6, 3)), *hidden], name="pictures")
    model.compile("sgd", loss or keras.losses.BinaryCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            network(layers.RandomElasticTransform(1.0, 1.0, value_range=(0, 1), name="elastic")),
            (
                "layer 'elastic' of type RandomElasticTransform cannot be compiled for training "
                "(ConcretizationTypeError: .*; leave it out of the model, and apply it to the data "
                "beforehand"
            ),
        ),
        (
            network(Slope(name="slope")),
            (
                "layer 'slope' of type Slope cannot be compiled for training "
                "(ConcretizationTypeError: .*; expected layers, a loss and metrics that compute "
                "with keras.ops alone; replace NumPy functions, float() and branches on values"
            ),
        ),
        (
            network(Broken(name="broken")),
            (
                "layer 'broken' of type Broken fails in training (ValueError: no training here); "
                "expected a model that computes on a batch of the data; "
                "try model(x[:2], training=True)"
            ),
        ),
        (
            network(layers.RandomCrop(4, 4)),  # which leaves pictures as they are in evaluation
            "layer 'output' of type Dense fails in evaluation (ValueError: .*training=False)",
        ),
        (
            network(layers.Identity(), distance),
            "loss 'distance' of model 'pictures' cannot be compiled for training (TracerArrayConversionError: .*"
            "; replace NumPy functions, float() and branches on values",
        ),
    ],
    ids=["of Keras", "of the user", "an error of its own", "in evaluation", "a loss"],
)
def test_the_layer_in_the_way_is_named(model, message):
    draw = np.random.default_rng(0)
    x, y = draw.uniform(size=(40, 6, 6, 3)).astype("float32"), np.arange(40) % 2
    settings = {"variants": "none", "seeds": 2, "epochs": 1, "batch_size": 8}
    study = Study(model, (x, y), engine="stacked", **settings)
    with pytest.raises(ModelError, match=re.escape(message).replace(r"\.\*", ".*")):
        study.run()
    assert keras.config.is_traceback_filtering_enabled()
