"""How far moving statistics lag behind what a network has learned."""

from __future__ import annotations

from dataclasses import dataclass, field

from normwise.domain.condition import Condition
from normwise.domain.estimate import Estimate
from normwise.domain.plain import ABSENT_IF_NONE

__all__ = ["Lag"]


@dataclass(frozen=True, slots=True)
class Lag:
    """How much later a variant reaches the target by its own statistics than by those of the data.

    Attributes:
        learned: Median epoch at which it reaches the target by population statistics, at the
            point of the grid where it does so soonest.
        epochs: Median over the seeds of how many epochs later it does by its own, moving ones;
            ``inf`` where most never do.
        decides: Whether that is credible, at least an epoch and more than the margin: then what
            the curves show is what the statistics let through, and not what was learned.
        momentum: Of its moving statistics at that point, in [0, 1); ``None`` where curves
            from elsewhere do not say.
        steps_needed: Steps until 5% of what they began with is left, ≥ 1; ``None`` likewise.
        steps: Steps of an epoch there, ≥ 1; ``None`` where that is not known.
        point: Of the grid, where it learns soonest; ``None`` where that is the one at which it
            arrives soonest, too.
    """

    learned: Estimate
    epochs: Estimate
    decides: bool
    momentum: float | None = None
    steps_needed: float | None = None
    steps: int | None = None
    point: Condition | None = field(default=None, metadata=ABSENT_IF_NONE)
