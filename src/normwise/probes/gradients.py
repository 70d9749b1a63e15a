"""Gradients: how large they are in each layer, and how far a step moves its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from normwise.probes.found import Found
from normwise.probes.sweep import together
from normwise.probes.weights import Weighted

__all__ = ["Gradients"]


@dataclass(frozen=True)
class Gradients:
    """Of the kernels of each layer.

    Attributes:
        layers: The layers.
        unseen: Names of those that cannot be looked at.
    """

    layers: tuple[Weighted, ...]
    unseen: tuple[str, ...] = ()

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The layers by name, and those that are not among them."""
        return {"layers": tuple(layer.name for layer in self.layers), "unseen": self.unseen}

    def read(self, found: Found) -> Mapping[str, Any]:
        """``loss``, and ``norm``, ``weight`` and ``update``, ``(layers,)`` each.

        The norm of the loss' gradient with respect to the kernels, that of the kernels, and that
        of what the optimiser adds to them, over that of the kernels: 0 where that is nothing.
        """
        swept, kernels = found.swept, [layer.kernels for layer in self.layers]
        norm, weight, moved = (
            together(values, kernels) for values in (swept.norm[0], swept.weight, swept.moved)
        )
        update = jnp.where(moved == 0, 0, moved / weight)  # also of kernels that are 0
        return {"loss": swept.loss[0], "norm": norm, "weight": weight, "update": update}
