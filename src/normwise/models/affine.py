"""What a batch normalisation does in inference: a factor and an offset a channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.models.linear import FloatArray, as_array

__all__ = ["affine", "inference_statistics"]


def affine(norm: Any) -> tuple[FloatArray, FloatArray]:
    """Factor and offset of a batch normalisation in inference, ``(channels,)`` each, in float64."""
    mean, variance = inference_statistics(norm)
    scale = (as_array(norm.gamma) if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
    return scale, (as_array(norm.beta) if norm.center else 0.0) - mean * scale


def inference_statistics(norm: Any) -> tuple[FloatArray, FloatArray]:
    """Mean and variance that a batch normalisation uses in inference, ``(channels,)``, float64.

    With renormalisation, too: training derives the variance from the moving deviation.

    >>> import keras
    >>> norm = keras.layers.BatchNormalization()
    >>> norm.build((None, 2))
    >>> [part.tolist() for part in inference_statistics(norm)]
    [[0.0, 0.0], [1.0, 1.0]]
    """
    return as_array(norm.moving_mean), as_array(norm.moving_variance)
