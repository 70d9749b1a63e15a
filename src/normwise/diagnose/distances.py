"""How far a layer's moving statistics are from those of its whole input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from normwise.models.affine import inference_statistics
from normwise.models.moments import Moments

__all__ = ["Distance", "distance"]


@dataclass(frozen=True, slots=True)
class Distance:
    """How far the moving statistics of a batch normalisation are from population statistics.

    With the moving mean m and variance v, the population's μ and σ², and the layer's ε, over the
    channels:

    Attributes:
        layer: The name of the layer.
        is_fixed: Whether training uses the moving statistics, too: the layer is frozen, or
            called for inference.
        shift: Median of |m - μ| / √(σ² + ε), in deviations.
        largest_shift: Largest |m - μ| / √(σ² + ε), in deviations.
        ratio: Median of (v + ε) / (σ² + ε): 1 where they agree.
        farthest_ratio: The ratio of the channel where it is farthest from 1, up or down.
        divergence: Mean of the symmetric Kullback-Leibler divergence KL(p‖q) + KL(q‖p) between
            the normal distributions p = N(m, v + ε) and q = N(μ, σ² + ε), in nats:
            ½ (r + 1/r - 2 + (m - μ)² (1/(v + ε) + 1/(σ² + ε))), r the ratio above.
    """

    layer: str
    is_fixed: bool
    shift: float
    largest_shift: float
    ratio: float
    farthest_ratio: float
    divergence: float


def distance(layer: Any, population: Moments, *, is_fixed: bool) -> Distance:
    """How far the statistics of a batch normalisation are from the moments of its inputs."""
    mean, variance = inference_statistics(layer)
    v, s = variance + layer.epsilon, population.variance + layer.epsilon
    gap = mean - population.mean
    shifts, ratios = np.abs(gap) / np.sqrt(s), v / s
    divergences = 0.5 * (ratios + 1 / ratios - 2 + gap**2 * (1 / v + 1 / s))
    return Distance(
        layer=layer.name,
        is_fixed=is_fixed,
        shift=float(np.median(shifts)),
        largest_shift=float(shifts.max()),
        ratio=float(np.median(ratios)),
        farthest_ratio=float(ratios[np.argmax(np.abs(np.log(ratios)))]),
        divergence=float(divergences.mean()),
    )
