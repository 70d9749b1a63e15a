"""What a normalisation holds: γ and β, how its moving statistics lag, how its batches scatter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from normwise.probes.activity import UNITS
from normwise.probes.found import Found, Moments

__all__ = ["Held", "Statistics"]


@dataclass(frozen=True)
class Held:
    """Where the values of a normalisation stand.

    Attributes:
        name: The layer's.
        gamma: Among the model's trainable variables; ``None`` where it has none.
        beta: Likewise.
        moving: Its moving mean and variance among the others.
        channels: How many it has.
        epsilon: What it adds to a variance.
    """

    name: str
    gamma: int | None
    beta: int | None
    moving: tuple[int, int]
    channels: int
    epsilon: float


@dataclass(frozen=True)
class Statistics:
    """Of each batch normalisation.

    Attributes:
        norms: The normalisations.
    """

    norms: tuple[Held, ...]

    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The normalisations by name."""
        return {"norms": tuple(norm.name for norm in self.norms)}

    def read(self, found: Found) -> Mapping[str, Any]:
        """``gamma`` and ``beta``, ``(norms, units)``; the others ``(norms,)``.

        ``mean_lag`` is how far moving means are from those of the reference, in its deviations,
        and ``variance_ratio`` the geometric mean of moving variances over its own, the mean of the
        channels each; ``mean_noise`` and ``deviation_noise`` are the deviations, from batch to
        batch, of a batch's mean and deviation, over the deviation of the reference.
        """
        rows = [
            self._of(norm, found, *both)
            for norm, *both in zip(self.norms, found.population, found.noise, strict=True)
        ]
        return {name: jnp.stack([row[name] for row in rows]) for name in (rows[0] if rows else ())}

    def _of(self, norm: Held, found: Found, population: Moments, noise: Moments) -> dict[str, Any]:
        trainable = found.moment.trainable
        mean, variance = (found.moment.non_trainable[place] for place in norm.moving)
        # As the layer itself guards against channels that do not vary.
        deviation = jnp.sqrt(population.deviation**2 + norm.epsilon)
        ratio = (variance + norm.epsilon) / deviation**2
        return {
            "gamma": _followed(trainable, norm.gamma, norm.channels, 1.0),
            "beta": _followed(trainable, norm.beta, norm.channels, 0.0),
            "mean_lag": jnp.mean(jnp.abs(mean - population.mean) / deviation),
            "variance_ratio": jnp.exp(jnp.mean(jnp.log(ratio))),
            "mean_noise": jnp.mean(jnp.std(noise.mean, axis=0) / deviation),
            "deviation_noise": jnp.mean(jnp.std(noise.deviation, axis=0) / deviation),
        }


def _followed(values: Any, place: int | None, channels: int, otherwise: float) -> Any:
    """Of some channels, evenly chosen."""
    if place is None:
        return jnp.full(UNITS, otherwise)
    return values[place][np.linspace(0, channels - 1, UNITS).round().astype(int)]
