"""The networks of a built-in study, as its own runs train them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from normwise.data import find_dataset
from normwise.domain import Variant
from normwise.engine import Cohort, Replica, Schedule, configure
from normwise.execution.setup import Setup
from normwise.lesson.grid import SEED
from normwise.study.built_in import built_in

__all__ = ["cohort_of", "replicas_at", "setup_of"]


def setup_of(study: str, **changes: Any) -> Setup:
    """What trains a built-in study.

    Args:
        study: Its name.
        changes: Settings that take the place of its own.
    """
    configure()
    spec = built_in(study, changes)
    return Setup.of(spec, spec.model, find_dataset(spec.data))


def cohort_of(setup: Setup, variant: str, width: int, **how: Any) -> Cohort:
    """A variant of that study, so many replicas of which train side by side.

    Args:
        setup: What trains it, at one batch size and depth.
        variant: Its name.
        width: How many replicas.
        how: As :meth:`Setup.cohort` takes it.
    """
    spec = setup.spec
    [size], [depth] = spec.batch_size, spec.depths
    schedule = Schedule(1, width)
    found = setup.cohort(Variant.parse(variant), size, schedule, depth=depth, **how)
    return cast("Cohort", found)  # data in memory, so no other kind


def replicas_at(learning_rates: Sequence[float]) -> list[Replica]:
    """One of each learning rate."""
    return [Replica(SEED, rate) for rate in learning_rates]
