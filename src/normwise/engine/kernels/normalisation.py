"""Batch normalisation where the engine runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from normwise import layers
from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.sums import sums_in_parts
from normwise.errors import LayerError
from normwise.keras_private import every_layer

__all__ = ["BatchNormalization", "given_shares", "shares_of"]


class BatchNormalization(layers.BatchNormalization):
    """The drop-in layer as it runs well without XLA's library of reductions."""

    _sums = staticmethod(sums_in_parts)
    _whole = True
    # Of old statistics and of a batch's, where a program is given them; see `given_shares`.
    _given: Any = None

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise as the drop-in layer does; see its ``call``.

        Raises:
            LayerError: The layer has an ``axis_name``, and the engine's axes hold replicas.
        """
        if training and self.axis_name is not None:
            raise LayerError(
                f"layer {self.name!r} has axis_name={self.axis_name!r}, and a study trains each "
                f"replica whole on one device; expected no axis for its batches; try axis_name=None"
            )
        y = super().call(inputs, training=training, mask=mask)
        # Of a layer of pictures, the incoming gradient is large, and has three users.
        return y if y.ndim == 2 else _with_materialized_gradient(y)

    def _shares(self, dtype: str) -> tuple[Any, Any]:
        if self._given is None:
            return super()._shares(dtype)
        keep, take = ops.cast(self._given, dtype)
        return keep, take


def shares_of(model: keras.Model) -> NDArray[np.float64] | None:
    """What moving statistics keep of the old ones, and what they take of a batch's, each step.

    Returns:
        A row for each layer whose momentum is a number, ``(layers, 2)``; ``None`` without any.
    """
    momenta = np.array([layer.momentum for layer in _with_momentum(model)], np.float64)
    if not len(momenta):
        return None
    # The second is no difference of rounded numbers: of 1 - 0.9999 that would leave four digits.
    return np.stack([momenta, 1 - momenta], axis=1)


@contextmanager
def given_shares(model: keras.Model, shares: jax.Array | None) -> Iterator[None]:
    """While the block is traced, let layers take from an argument what their momentum says.

    So networks that differ in momentum alone are one program, which is compiled once.

    Args:
        model: In lowered layers.
        shares: As :func:`shares_of` gives them; ``None`` for each layer's own.
    """
    if shares is None:
        yield
        return
    layers = _with_momentum(model)
    try:
        for number, layer in enumerate(layers):
            # Past Keras' own __setattr__, which would track it.
            object.__setattr__(layer, "_given", shares[number])
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "_given")


def _with_momentum(model: keras.Model) -> list[BatchNormalization]:
    lowered = [one for one in every_layer(model) if isinstance(one, BatchNormalization)]
    return [one for one in lowered if one.momentum is not None]


@jax.custom_vjp
def _with_materialized_gradient(y: jax.Array) -> jax.Array:
    return y


_with_materialized_gradient.defvjp(lambda y: (y, None), lambda _, d: (materialize(d),))
