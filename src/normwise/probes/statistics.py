"""What a normalisation holds: γ and β, how its moving statistics lag, how its batches scatter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from normwise.probes.activity import UNITS
from normwise.probes.alike import of_alike
from normwise.probes.found import Found
from normwise.probes.moment import Values

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

        A normalisation that has no γ, or no β, has NaN in its place.
        ``mean_lag`` is how far moving means are from those of the reference, in its deviations,
        and ``variance_ratio`` the geometric mean of moving variances over its own, the mean of the
        channels each; ``mean_noise`` and ``deviation_noise`` are the sample deviations of mean and
        deviation of what is normalised together, batches or groups of them, over the deviation of
        the reference: NaN where one alone is known.
        """
        trainable, others = found.moment.trainable, found.moment.non_trainable
        means, variances = zip(*[norm.moving for norm in self.norms], strict=True)
        epsilons = [jnp.float32(norm.epsilon) for norm in self.norms]
        held: dict[str, Any] = of_alike(
            _held,
            [_values(trainable, norm.gamma, norm.channels) for norm in self.norms],
            [_values(trainable, norm.beta, norm.channels) for norm in self.norms],
            [others[place] for place in means],
            [others[place] for place in variances],
            epsilons,
            *zip(*found.population, strict=True),
        )
        deviations = [one.deviation for one in found.population]
        noise: dict[str, Any] = of_alike(
            _scattered, deviations, epsilons, *zip(*found.noise, strict=True)
        )
        return held | noise


def _values(trainable: Values, place: int | None, channels: int) -> Any:
    """NaN where a normalisation has none."""
    return jnp.full(channels, jnp.nan) if place is None else trainable[place]


def _held(
    gamma: Any, beta: Any, moving: Any, variance: Any, epsilon: Any, mean: Any, deviation: Any
) -> dict[str, Any]:
    """Of several normalisations, ``(norms, channels)``."""
    units = np.linspace(0, gamma.shape[-1] - 1, UNITS).round().astype(int)
    guarded = _guarded(deviation, epsilon)
    ratio = (variance + epsilon[:, None]) / guarded**2
    return {
        "gamma": gamma[:, units],
        "beta": beta[:, units],
        "mean_lag": jnp.mean(jnp.abs(moving - mean) / guarded, axis=-1),
        "variance_ratio": jnp.exp(jnp.mean(jnp.log(ratio), axis=-1)),
    }


def _scattered(deviation: Any, epsilon: Any, means: Any, deviations: Any) -> dict[str, Any]:
    """Of several normalisations, the last two ``(norms, batches, groups, channels)``."""
    guarded = _guarded(deviation, epsilon)
    means, deviations = (one.reshape((len(one), -1, one.shape[-1])) for one in (means, deviations))
    return {
        "mean_noise": jnp.mean(jnp.std(means, axis=1, ddof=1) / guarded, axis=-1),
        "deviation_noise": jnp.mean(jnp.std(deviations, axis=1, ddof=1) / guarded, axis=-1),
    }


def _guarded(deviation: Any, epsilon: Any) -> Any:
    """As the layer itself guards against channels that do not vary."""
    return jnp.sqrt(deviation**2 + epsilon[:, None])
