"""The models of the built-in studies; importing this package imports Keras."""

from collections.abc import Callable

import keras

from normwise.studies.models import branched, convolutional, dense, recurrent

__all__ = ["MODELS"]

Builder = Callable[..., keras.Model]

MODELS: dict[str, Builder] = {
    "circles": dense.circles,
    "churn": dense.churn,
    "fashion-mlp": dense.fashion_mlp,
    "mnist-cnn": convolutional.mnist_cnn,
    "mnist-sigmoid": dense.mnist_sigmoid,
    "digits-cnn": convolutional.digits_cnn,
    "deep-mlp": dense.deep_mlp,
    "sigmoid-mlp": dense.sigmoid_mlp,
    "tanh-mlp": dense.tanh_mlp,
    "relu-mlp": dense.relu_mlp,
    "residual": branched.residual,
    "inception": branched.inception,
    "sequence": recurrent.sequence,
    "sequence-gru": recurrent.sequence_gru,
    "regression": dense.regression,
    "scaling": dense.scaling,
    "dropout": dense.dropout,
}
