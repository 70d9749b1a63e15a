"""Batch normalisation where the engine runs."""

from __future__ import annotations

from typing import Any

import jax

from normwise import layers
from normwise.engine.kernels.fusion import materialize
from normwise.engine.kernels.sums import sums_in_parts
from normwise.errors import LayerError

__all__ = ["BatchNormalization"]


class BatchNormalization(layers.BatchNormalization):
    """The drop-in layer as it runs well without XLA's library of reductions."""

    _sums = staticmethod(sums_in_parts)
    _whole = True

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


@jax.custom_vjp
def _with_materialized_gradient(y: jax.Array) -> jax.Array:
    return y


_with_materialized_gradient.defvjp(lambda y: (y, None), lambda _, d: (materialize(d),))
