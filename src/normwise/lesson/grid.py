"""What the lesson's sliders can choose: each of these runs is trained, and none is made up."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CIRCLES", "DEEP", "SEED", "CirclesGrid", "DeepGrid"]

SEED = 0
"""Of all runs: the first of a study."""


@dataclass(frozen=True)
class DeepGrid:
    """Runs of the study ``deep-mlp``, with and without normalisation.

    Attributes:
        depths: Hidden layers, ascending.
        batch_sizes: Examples in a batch, ascending.
        learning_rates: Ascending.
        momenta: Of the moving statistics, ascending; the last is the variant's own. They change
            no weight, so that only what is validated with them is recorded once for each.
        epochs: How many.
    """

    depths: tuple[int, ...] = (2, 5, 10, 30)
    batch_sizes: tuple[int, ...] = (2, 8, 64)
    learning_rates: tuple[float, ...] = (0.01, 0.1, 1.0)
    momenta: tuple[float, ...] = (0.5, 0.9, 0.99)
    epochs: int = 20


@dataclass(frozen=True)
class CirclesGrid:
    """Runs of the study ``circles``.

    Attributes:
        learning_rates: Ascending.
        momenta: Of the moving statistics at ``lag_rate``, ascending; the last is the variant's own.
        lag_rate: One of the learning rates.
        shown: Epochs behind which predictions are recorded, ascending; 0 is before the first.
        side: Predictions are taken on a square of so many points a side.
        reach: The square goes from −reach to reach in both inputs.
    """

    learning_rates: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0)
    momenta: tuple[float, ...] = (0.0, 0.5, 0.9, 0.99)
    lag_rate: float = 0.01
    shown: tuple[int, ...] = (*range(21), *range(24, 101, 4))
    side: int = 32
    reach: float = 1.5


DEEP = DeepGrid()
CIRCLES = CirclesGrid()
