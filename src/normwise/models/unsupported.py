"""What the engine cannot honour in a model, refused by name."""

from __future__ import annotations

from inspect import signature

import keras

from normwise.errors import ModelError, NotStacked
from normwise.keras_private import every_layer
from normwise.models.kinds import defined_by_keras, is_called, takes_training

__all__ = ["check_stackable", "check_trainable", "is_stateful"]

# Arguments of a step on JAX.
_STATE_AND_DATA = 2
_OWN_WAYS = ("compile", "fit", "evaluate")


# What is said of a stateful layer that keeps what it remembers out of its variables.
_NOT_CARRIED = ", which fit on JAX does not carry over: it trains as with stateful=False"


def check_trainable(model: keras.Model) -> None:
    """Refuse a model that trains in another way than Keras' own ``fit`` step by step.

    Raises:
        ModelError: It has a ``fit`` of its own or the like, steps that were not written for JAX,
            or normalisation that ``fit`` keeps in inference mode.
    """
    for name in _OWN_WAYS:
        if not defined_by_keras(type(model), name):
            raise ModelError(
                f"model {model.name!r} of type {type(model).__name__} has its own {name}(), which "
                f"neither Keras' own fit nor a compiled program calls as it is; expected Keras' "
                f"own; try a train_step() or compute_loss() of the model's own, and the loss and "
                f"metrics of compile()"
            )
    for name in ("train_step", "test_step"):
        if len(signature(getattr(model, name)).parameters) < _STATE_AND_DATA:
            raise ModelError(
                f"model {model.name!r} of type {type(model).__name__} has a {name}() that takes "
                f"the data alone, as TensorFlow and PyTorch call it; expected that of JAX, which "
                f"Keras calls with a state; try def {name}(self, state, data), as in Keras' guide "
                f"to custom training with JAX"
            )
    # Where a model is never called, its own steps say how its layers train.
    takes_no_mode = is_called(model) and not takes_training(model)
    for layer in every_layer(model, itself=False):
        if isinstance(layer, keras.layers.BatchNormalization) and takes_no_mode:
            raise ModelError(
                f"model {model.name!r} takes no 'training' in its call(), so Keras' fit runs batch "
                f"normalisation {layer.name!r} in inference mode, by statistics that never move; "
                f"expected one that learns; try def call(self, inputs, training=None), and pass it "
                f"on to the layer"
            )


def check_stackable(model: keras.Model) -> None:
    """Refuse a model whose batches depend on one another by more than its variables.

    Raises:
        NotStacked: It has a stateful recurrent layer.
    """
    for layer in every_layer(model, itself=False):
        if is_stateful(layer):
            carried = "" if _carries_state(layer) else _NOT_CARRIED
            raise NotStacked(
                f"layer {layer.name!r} is stateful, so that what it remembers of one batch is to "
                f"go into the next{carried}; expected stateful=False; try that, with longer "
                f"sequences, or leave --engine stacked out"
            )


def _carries_state(layer: keras.Layer) -> bool:
    """Whether Keras keeps what a recurrent layer remembers among its variables."""
    remembered = [getattr(one, "states", None) or () for one in every_layer(layer)]
    known = {id(variable) for variable in layer.variables}
    return all(id(one) in known for one in keras.tree.flatten(remembered))


def is_stateful(layer: keras.Layer) -> bool:
    """Whether a layer is a recurrent one that is to carry its state from batch to batch.

    >>> is_stateful(keras.layers.LSTM(2, stateful=True)), is_stateful(keras.layers.LSTM(2))
    (True, False)
    """
    recurrent = isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
    return recurrent and bool(layer.stateful)
