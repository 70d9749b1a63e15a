"""The drop-in batch normalisation layer."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["BatchNormalization"]


@keras.saving.register_keras_serializable(package="normwise")
class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras' ``BatchNormalization``, faster in training on JAX and safer in two corners.

    Takes the same arguments, holds the same variables, gives the same numbers
    (within float tolerance) and saves and loads like ``keras.layers.BatchNormalization``
    on every backend. What differs:

    - On JAX, in training mode and without ``renorm``, the backward pass is the
      closed form of :func:`normwise.layers.kernel_jax.normalise`, and a mean
      that is large against the deviation costs no digits. Forward-mode
      differentiation (``jax.jvp``) through this path is not possible.
    - A mask works with one channel, too.

    Shapes: any input of rank ≥ 2 to an output of the same shape and, in
    mixed precision, of the policy's compute dtype; half precision is computed in
    float32. ``trainable=False`` means inference mode, and wins over
    ``training=True``.

    Raises:
        ValueError: As Keras' layer does, e.g. for a mask whose rank is not the
            input's rank minus one, or ``synchronized=True`` outside TensorFlow.

    Reference: Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167

    >>> import numpy as np
    >>> layer = BatchNormalization(momentum=0.9, epsilon=1e-7)
    >>> y = layer(np.array([[9.0], [11.0]], "float32"), training=True)
    >>> np.asarray(y).round(3).tolist()
    [[-1.0], [1.0]]
    >>> [round(float(v), 3) for v in np.asarray(layer.moving_mean)]
    [1.0]
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise ``inputs``; in training mode also update the moving statistics.

        Args:
            inputs: Tensor of the rank the layer was built for.
            training: Whether to use (and record) the batch's own statistics.
            mask: Booleans of rank one less than ``inputs``; only true positions
                enter the batch's statistics.
        """
        mask_fits = mask is None or len(mask.shape) == len(inputs.shape) - 1
        closed_form = keras.backend.backend() == "jax" and not self.renorm and mask_fits
        if training and self.trainable and closed_form:
            return self._train_on_jax(inputs, mask)
        return super().call(inputs, training=training, mask=mask)

    def _train_on_jax(self, inputs: Any, mask: Any) -> Any:
        from normwise.layers.kernel_jax import normalise

        wide = keras.backend.result_type(inputs.dtype, "float32")
        x = keras.ops.cast(inputs, wide)
        gamma = keras.ops.cast(self.gamma, wide) if self.scale else None
        beta = keras.ops.cast(self.beta, wide) if self.center else None
        weights = None if mask is None else _spread(mask, x)
        y, mean, variance = normalise(
            x, gamma, beta, tuple(self._reduction_axes), self.epsilon, weights
        )
        self._record(self.moving_mean, mean)
        self._record(self.moving_variance, variance)
        return keras.ops.cast(y, self.compute_dtype)

    def _record(self, moving: keras.Variable, batch: Any) -> None:
        old = keras.ops.cast(moving, batch.dtype)
        moving.assign(old * self.momentum + batch * (1.0 - self.momentum))

    def _moments(self, inputs: Any, mask: Any) -> Any:
        # Keras squeezes the masked moments, which leaves shape () where there is one channel.
        mean, variance = super()._moments(inputs, mask)
        return keras.ops.reshape(mean, (-1,)), keras.ops.reshape(variance, (-1,))


def _spread(mask: Any, x: Any) -> Any:
    """``mask`` as booleans of ``x``'s shape."""
    column = keras.ops.expand_dims(keras.ops.cast(mask, "bool"), -1)
    return keras.ops.broadcast_to(column, keras.ops.shape(x))
