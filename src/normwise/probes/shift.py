"""Internal covariate shift, as Ioffe & Szegedy (2015) and as Santurkar et al. (2018) define it.

The first define it as the change of the distribution of a layer's signal that a step causes. It is
measured on the same examples before and after the step: the 2-Wasserstein distance of two normal
distributions with the moments of a unit, √((μ' − μ)² + (σ' − σ)²), over the deviation σ before it.

The second (definition 2.1) define it as the difference that the step of the layers below makes to
a layer's gradient: between the gradient with all weights as they are and the one with those of the
layers below moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from normwise.probes.activity import Activity
from normwise.probes.found import Found
from normwise.probes.sweep import lengths, together
from normwise.probes.weights import Weighted

__all__ = ["Shift", "drift_of"]

# Of a unit's mean: what rounding makes of one that gives the same for all examples, as a dead one.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Shift:
    """Of each signal the drift, of each layer the change of its gradient.

    Attributes:
        layers: Those whose gradient is looked at.
        points: At which point of the sweep the layers below each are moved.
    """

    layers: tuple[Weighted, ...]
    points: tuple[int, ...]

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The layers whose gradient is looked at."""
        return {"shifted": tuple(layer.name for layer in self.layers)}

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
        swept = found.swept
        both = list(zip(self.points, self.layers, strict=True))
        distance = _stacked([together(swept.distance[p], one.kernels) for p, one in both])
        norm = _stacked([together(swept.norm[0], one.kernels) for _, one in both])
        cosine = _stacked([_cosine(swept, p, one.kernels) for p, one in both])
        return {
            "drift": drift_of(found.activity, found.afterwards),
            "cosine": cosine,
            "distance": distance,
            "relative": distance / norm,
        }


def _stacked(values: Sequence[Any]) -> Any:
    return jnp.stack(values) if values else jnp.zeros(0)


def _cosine(swept: Any, point: int, kernels: Sequence[int]) -> Any:
    """Of the angle between gradients of several variables, of those of each."""
    places = np.asarray(kernels)
    one, two = swept.norm[point][places], swept.norm[0][places]
    own = jnp.where((one == 0) | (two == 0), 0, swept.cosine[point][places])
    return jnp.sum(own * (one / lengths(one)) * (two / lengths(two)))


def drift_of(one: Activity, two: Activity) -> Any:
    """Between two looks at the same examples, ``(signals,)``: the mean of the units that vary."""
    mean = two.unit_mean - one.unit_mean
    deviation = two.unit_deviation - one.unit_deviation
    varies = one.unit_deviation > _ROUNDING * jnp.abs(one.unit_mean)
    own = jnp.where(varies, one.unit_deviation, jnp.nan)
    return jnp.nanmean(jnp.hypot(mean, deviation) / own, axis=-1)
