"""The loss along a step, as in figure 4 of Santurkar et al. (2018).

They go along the gradient, by half to four times the learning rate; here it is the step that the
optimiser takes, which is the same for plain gradient descent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.probes.found import Found
from normwise.probes.sweep import lengths

__all__ = ["STEPS", "Landscape"]

STEPS = tuple(float(size) for size in np.geomspace(0.5, 4, 7))
"""Multiples of the step."""


@dataclass(frozen=True)
class Landscape:
    """Of the whole network.

    Attributes:
        points: Where in a sweep the multiples of the step stand.
    """

    points: slice

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The multiples, as text."""
        return {"steps": tuple(f"{size:.3g}" for size in STEPS)}

    def shares(self, variables: int) -> NDArray[np.float32]:
        """Points of a sweep with all variables moved by each multiple of the step."""
        return np.outer(STEPS, np.ones(variables)).astype(np.float32)

    def read(self, found: Found) -> Mapping[str, Any]:
        """``loss``, ``gradient_distance`` and ``smoothness``, ``(steps,)`` each.

        The loss; the norm of the difference between the gradient there and where the step begins
        (gradient predictiveness); and this over the distance gone (effective β-smoothness).
        """
        swept = found.swept
        distance, gone = lengths(swept.distance[self.points]), lengths(swept.moved)
        return {
            "loss": swept.loss[self.points],
            "gradient_distance": distance,
            "smoothness": distance / (gone * jnp.asarray(STEPS)),
        }
