"""Internal covariate shift, as Ioffe & Szegedy (2015) and as Santurkar et al. (2018) define it.

The first define it as the change of the distribution of a layer's signal that a step causes. It is
measured on the same examples before and after the step: the 2-Wasserstein distance of two normal
distributions with the moments of a unit, √((μ' − μ)² + (σ' − σ)²), over the deviation σ before it.

The second (definition 2.1) define it as the difference that the step of the layers below makes to
a layer's gradient: between the gradient with all weights as they are and the one with those of the
layers below moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.domain.inside import ROUNDING
from normwise.probes.activity import Activity
from normwise.probes.found import Found
from normwise.probes.sweep import Swept, lengths, of_several
from normwise.probes.weights import Weighted

__all__ = ["Shift", "drift_of"]

# What is seen where no layer has others below it.
_NOTHING = {name: np.zeros(0, np.float32) for name in ("cosine", "distance", "relative")}


@dataclass(frozen=True)
class Shift:
    """Of each signal the drift, of each layer the change of its gradient.

    Attributes:
        layers: Those whose gradient is looked at.
        places: Where they stand among all that have kernels, from 0.
        points: Where in a sweep the layers below each are moved.
    """

    layers: tuple[Weighted, ...]
    places: tuple[int, ...]
    points: slice

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The layers whose gradient is looked at, and their places among all."""
        return {
            "shifted": tuple(layer.name for layer in self.layers),
            "shifted_places": tuple(map(str, self.places)),
        }

    def shares(self, variables: int) -> NDArray[np.float32]:
        """Points of a sweep with all variables below a layer moved, and no other one."""
        rows = np.zeros((len(self.layers), variables), np.float32)
        for row, layer in zip(rows, self.layers, strict=True):
            row[list(layer.below)] = 1
        return rows

    def read(self, found: Found) -> Mapping[str, Any]:
        """``drift``, ``(signals,)``; ``cosine``, ``distance`` and ``relative``, ``(layers,)``.

        The mean drift of the units that vary; of a layer's gradients the cosine of the angle
        between them and the norm of their difference, and this over the norm of the first.
        """
        drift = {"drift": drift_of(found.activity, found.afterwards)}
        return drift | (self._gradients(found.swept) if self.layers else _NOTHING)

    def _gradients(self, swept: Swept) -> dict[str, Any]:
        kernels = [layer.kernels for layer in self.layers]

        def at_own_point(values: Any) -> Any:
            """Of each layer's kernels, at the point where the layers below it are moved."""
            layers = np.arange(len(kernels))
            return of_several(values[self.points], kernels)[layers, layers]

        first, distance = of_several(swept.norm[0], kernels), lengths(at_own_point(swept.distance))
        return {
            "cosine": _cosines(first, at_own_point(swept.norm), at_own_point(swept.cosine)),
            "distance": distance,
            "relative": distance / lengths(first),
        }


def _cosines(one: Any, two: Any, own: Any) -> Any:
    """Of the angles between gradients of several variables, of the norms and cosines of each."""
    cosine = jnp.where((one == 0) | (two == 0), 0, own)
    return jnp.sum(cosine * (one / _across(one)) * (two / _across(two)), axis=-1)


def _across(norms: Any) -> Any:
    return lengths(norms)[:, None]


def drift_of(one: Activity, two: Activity) -> Any:
    """Between two looks at the same examples, ``(signals,)``: the mean of the units that vary."""
    mean = two.unit_mean - one.unit_mean
    deviation = two.unit_deviation - one.unit_deviation
    varies = one.unit_deviation > ROUNDING * jnp.abs(one.unit_mean)
    own = jnp.where(varies, one.unit_deviation, jnp.nan)
    return jnp.nanmean(jnp.hypot(mean, deviation) / own, axis=-1)
