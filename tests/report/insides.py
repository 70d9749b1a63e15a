"""What probes would have seen inside networks that were made up here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from normwise.domain import Inside, RunKey
from normwise.domain.inside import BINS, LEVELS, REACH, UNIT_LEVELS

STEPS, UNITS = np.geomspace(0.5, 4, 7), 16

Z = np.array([-2.326, -1.645, -1.036, -0.674, 0.0, 0.674, 1.036, 1.645, 2.326])
"""Of a standard normal distribution, at the percentiles that are taken."""


def make_inside(
    variant: str = "none",
    seed: int = 0,
    *,
    epochs: int = 6,
    layers: int = 4,
    factor: float = 1.0,
    **series: Any,
) -> Inside:
    """A run of a network of so many layers with sigmoids, all but the last one.

    Args:
        variant: Of the run; one that begins with ``none`` has no normalisation.
        seed: Of the run.
        epochs: Looks at it.
        layers: With weights.
        factor: By which each layer multiplies the gradient on its way back.
        series: ``PROBE_SERIES`` in place of what is made up.
    """
    names, kinds = _signals(variant, layers)
    found = {
        **_around_steps(epochs, layers, factor),
        **_of_signals(epochs, len(names)),
        **({} if variant.startswith("none") else _of_norms(epochs, layers - 1)),
    }
    changed = {name.replace("_", "/", 1): np.asarray(one) for name, one in series.items()}
    axes = {
        "layers": tuple(f"dense_{i}" for i in range(layers)),
        "signals": names,
        "kinds": kinds,
        "takes": ("", *map(str, range(len(kinds) - 1))),
        "shifted": tuple(f"dense_{i}" for i in range(1, layers)),
        "steps": tuple(f"{size:.3g}" for size in STEPS),
        **(
            {}
            if variant.startswith("none")
            else {"norms": tuple(f"norm_{i}" for i in range(layers - 1))}
        ),
    }
    return Inside(RunKey(variant, seed, "s"), axes, {**found, **changed}, 1e-7)


def _signals(variant: str, layers: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    place = variant.partition(":")[0]
    block = {"none": ("sums", "activations"), "before": ("sums", "normalised", "activations")}
    kinds = block.get(place, ("sums", "activations", "normalised"))
    found = [(f"dense_{i}", kind) for i in range(layers - 1) for kind in kinds]
    names, own = zip(*found, (f"dense_{layers - 1}", "sums"), strict=True)
    return names, own


def _around_steps(epochs: int, layers: int, factor: float) -> Mapping[str, Any]:
    norm = np.tile(factor ** np.arange(layers - 1, -1, -1.0), (epochs, 1))
    along = np.outer(np.linspace(2, 1, epochs), np.linspace(1, 1.5, len(STEPS)))
    return {
        "gradients/loss": np.linspace(2.3, 0.3, epochs),
        "gradients/norm": norm,
        "gradients/weight": np.ones((epochs, layers)),
        "gradients/update": norm / 100,
        "shift/cosine": np.full((epochs, layers - 1), 0.5),
        "shift/distance": np.full((epochs, layers - 1), 0.1),
        "shift/relative": np.full((epochs, layers - 1), 0.7),
        "landscape/loss": along,
        "landscape/gradient_distance": along / 10,
        "landscape/smoothness": along * 3,
    }


def _of_signals(epochs: int, signals: int) -> Mapping[str, Any]:
    """Of a standard normal distribution, in every unit."""
    one, of_units = np.ones((epochs, signals)), np.ones((epochs, signals, UNITS))
    edges = np.linspace(-REACH, REACH, BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    shares = np.exp(-(centres**2) / 2) / np.exp(-(centres**2) / 2).sum()
    at = [LEVELS.index(level) for level in UNIT_LEVELS]
    return {
        "activations/mean": 0 * one,
        "activations/deviation": one,
        "activations/unit_mean": 0 * of_units,
        "activations/unit_deviation": of_units,
        "activations/saturated": 0.25 * one,
        "activations/dead": 0 * one,
        "activations/quantiles": one[..., None] * Z,
        "activations/histogram": one[..., None] * shares,
        "activations/unit_quantiles": of_units[..., None] * Z[at],
        "shift/drift": 0.01 * one,
    }


def _of_norms(epochs: int, norms: int) -> Mapping[str, Any]:
    one = np.ones((epochs, norms))
    return {
        "statistics/gamma": np.ones((epochs, norms, UNITS)),
        "statistics/beta": np.zeros((epochs, norms, UNITS)),
        "statistics/mean_lag": 0.1 * one,
        "statistics/variance_ratio": 0.8 * one,
        "statistics/mean_noise": 0.1 * one,
        "statistics/deviation_noise": 0.2 * one,
    }
