"""A model that raises while it trains, in whatever process, where a file says so."""

import os
from pathlib import Path

import jax
import keras
from keras import layers

# Processes that tests start have this folder in common.
FLAG = Path(os.environ.get("NORMWISE_CACHE", ".")) / "unlucky"


@keras.saving.register_keras_serializable("tests")
class Unlucky(layers.Layer):
    """Passes on what it gets, or raises."""

    def call(self, inputs):
        return jax.pure_callback(_tried, inputs, inputs, vmap_method="sequential")


@keras.saving.register_keras_serializable("tests")
def doubled(inputs):
    """A function of the user's, of which a file says nothing but its name."""
    return 2 * keras.ops.relu(inputs)


def _tried(inputs):
    if FLAG.exists():
        raise ValueError("no luck")
    return inputs


def build(norm):
    """In all but the baseline a part of the inputs goes through the layer."""
    inputs = keras.Input((3,))
    hidden = layers.Dense(4)(inputs)
    if norm.places:
        hidden = layers.Concatenate()([hidden, Unlucky()(inputs)])
    return keras.Model(inputs, layers.Dense(1)(hidden))
