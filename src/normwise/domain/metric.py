"""What the name of a metric says of how it was taken: the part of the data, the statistics."""

from __future__ import annotations

__all__ = ["POPULATION", "VALIDATION", "is_of_training", "is_with_population"]

VALIDATION = "val_"
"""Before the name of a metric of the validation part."""
POPULATION = "population_"
"""Before that of one taken with population statistics in the place of moving ones."""


def is_with_population(metric: str) -> bool:
    """Whether a metric was taken with population statistics.

    >>> is_with_population("population_val_loss"), is_with_population("val_loss")
    (True, False)
    """
    return metric.startswith(POPULATION)


def is_of_training(metric: str) -> bool:
    """Whether a metric is of the training itself.

    >>> [name for name in ("loss", "val_loss", "population_val_loss") if is_of_training(name)]
    ['loss']
    """
    return not metric.startswith((VALIDATION, POPULATION))
