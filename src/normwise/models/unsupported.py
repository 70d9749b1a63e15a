"""What the engine cannot honour in a model, refused by name."""

from __future__ import annotations

import keras

from normwise.errors import ModelError
from normwise.keras_private import every_layer
from normwise.models.kinds import defined_by_keras, takes_training

__all__ = ["check_trainable"]

_OWN_WAYS = (
    "train_step",
    "test_step",
    "compute_loss",
    "compute_metrics",
    "compile",
    "fit",
    "evaluate",
)


def check_trainable(model: keras.Model) -> None:
    """Refuse a model that trains in another way than Keras' own ``fit`` with a plain state.

    Raises:
        ModelError: It has a ``train_step`` of its own or the like, several inputs or
            outputs, a stateful recurrent layer, a layer that keeps metrics, or normalisation that
            ``fit`` keeps in inference mode.
    """
    for name in _OWN_WAYS:
        if not defined_by_keras(type(model), name):
            raise ModelError(
                f"model {model.name!r} of type {type(model).__name__} has its own {name}(), which "
                f"one compiled program for all replicas does not call; expected Keras' own; try a "
                f"layer that calls self.add_loss(), or the loss and metrics of compile()"
            )
    for many in ("inputs", "outputs"):
        tensors = getattr(model, many, None) or ()  # a subclassed model does not say
        if len(tensors) > 1:
            raise ModelError(
                f"model {model.name!r} has {len(tensors)} {many} "
                f"({', '.join(tensor.name for tensor in tensors)}); expected one of each, since "
                f"the data are one array of examples and one of labels; try a keras.Model of one, "
                f"which cuts or joins what it needs inside"
            )
    for layer in every_layer(model, itself=False):
        _check_layer(layer)
        if isinstance(layer, keras.layers.BatchNormalization) and not takes_training(model):
            raise ModelError(
                f"model {model.name!r} takes no 'training' in its call(), so Keras' fit runs batch "
                f"normalisation {layer.name!r} in inference mode, by statistics that never move; "
                f"expected one that learns; try def call(self, inputs, training=None), and pass it "
                f"on to the layer"
            )


def _check_layer(layer: keras.Layer) -> None:
    if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional) and layer.stateful:
        raise ModelError(
            f"layer {layer.name!r} is stateful: what it remembers of one batch goes into the next, "
            f"and the examples come in a new order each epoch; expected stateful=False; try longer "
            f"sequences"
        )
    if getattr(layer, "metrics", None) and not isinstance(layer, keras.Model):
        raise ModelError(
            f"layer {layer.name!r} ({type(layer).__name__}) keeps metrics of its own "
            f"({', '.join(metric.name for metric in layer.metrics)}), which a stack of replicas "
            f"does not record; expected metrics of the model's output; leave them out of the "
            f"layer, or pass them to compile(metrics=…)"
        )
