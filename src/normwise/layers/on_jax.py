"""What the layer computes in training on JAX: of the whole batch, of slices, or over devices."""

from __future__ import annotations

from typing import Any

import jax

from normwise.errors import LayerError
from normwise.layers.ghost import by_slices
from normwise.layers.kernel_jax import normalise

__all__ = ["normalised"]


def normalised(
    layer: Any, x: Any, gamma: Any, beta: Any, weights: Any
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Output, mean and variance of a batch; without gradients through the latter two.

    Args:
        layer: The layer whose axis, epsilon and options count.
        x: The batch, of any shape, in float32 or wider.
        gamma: Factor of shape ``(channels,)``, or ``None`` for 1.
        beta: Offset of shape ``(channels,)``, or ``None`` for 0.
        weights: Booleans of ``x``'s shape, which positions count; ``None`` for all.

    Raises:
        LayerError: The layer's axis is not there, or it has none and needs one.
    """
    _check_mapped(layer)
    axes = tuple(axis for axis in range(x.ndim) if axis != layer.axis % x.ndim)

    def by_own_moments(x: Any, weights: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
        return normalise(x, gamma, beta, axes, layer.epsilon, weights, layer.axis_name, layer._sums)

    if layer.virtual_batch_size is None:
        return by_own_moments(x, weights)
    return by_slices(by_own_moments, layer.virtual_batch_size, x, weights, axes)


def _check_mapped(layer: Any) -> None:
    if layer.axis_name is not None:
        try:
            jax.lax.axis_size(layer.axis_name)
        except NameError as error:
            raise LayerError(
                f"layer {layer.name!r} has axis_name={layer.axis_name!r} and trains where no axis "
                f"has that name; expected a call inside jax.shard_map, jax.pmap or jax.vmap over "
                f"it; try axis_name=None, which is right under jax.jit wherever the batch lies"
            ) from error
        return
    inside = jax.sharding.get_abstract_mesh().manual_axes
    if layer.synchronized and inside and not layer._whole:
        raise LayerError(
            f"layer {layer.name!r} is synchronized and trains inside jax.shard_map over "
            f"{', '.join(map(repr, inside))}; expected the axis of the batch by name; "
            f"try axis_name={inside[0]!r}"
        )
