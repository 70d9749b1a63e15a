"""What probes saw inside a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from normwise.domain.run import RunKey

__all__ = ["BINS", "LEVELS", "REACH", "ROUNDING", "UNIT_LEVELS", "Inside"]

LEVELS = (1, 5, 15, 25, 50, 75, 85, 95, 99)
"""Which percentiles of all values of a signal are taken."""
UNIT_LEVELS = (15, 50, 85)
"""Which of one unit, as in the figure of Ioffe & Szegedy (2015)."""
BINS, REACH = 40, 4.0
"""Of a histogram the bins, all as wide; and how far they reach, in deviations from the mean."""
ROUNDING = 1e-6
"""Of a unit's mean: up to which deviation it does not vary, as a dead unit does not."""


@dataclass(frozen=True, eq=False)
class Inside:
    """What probes saw inside a run, look by look: in a study at the first step of each epoch.

    Attributes:
        key: Which run it is.
        names: What the leading axis of a series stands for: ``layers``, ``signals`` (with their
            ``kinds``, the place of the one that each ``takes``, and places of ``outputs``),
            ``shifted`` (layers whose gradients are compared, with their ``shifted_places`` among
            ``layers``), ``steps`` (multiples of the step), ``norms``; ``unseen`` are layers that
            are not looked at.
        series: ``PROBE/SERIES``, such as ``gradients/norm``, to an array of shape
            ``(looks, …)``.
        difference: How far, relative, the curves of the run that was looked at are from those of
            the study, over its first epoch; ``None`` where it is no study's.
        at: Before which epoch, or step, each look was, from 1; one after another unless given.
        unit: ``epoch`` or ``step``.
    """

    key: RunKey
    names: Mapping[str, tuple[str, ...]]
    series: Mapping[str, Any]
    difference: float | None = None
    at: tuple[int, ...] = ()
    unit: str = "epoch"

    @property
    def looks(self) -> tuple[int, ...]:
        """Before which epoch, or step, each look was."""
        return self.at or tuple(range(1, self.epochs + 1))

    @property
    def epochs(self) -> int:
        """How many looks there are."""
        return len(next(iter(self.series.values())))
