"""How much better a variant does on what it trained on than on what it has not seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from normwise.domain.estimate import Estimate
from normwise.domain.plain import ABSENT_IF_NONE

__all__ = ["Overfitting"]


@dataclass(frozen=True, slots=True)
class Overfitting:
    """A variant's gap between training and validation at the last epoch, in one metric.

    Medians over the replicas. Training is the mean over the epoch's steps, in training mode;
    validation is by population statistics where those are known, so that moving statistics that
    lag do not count.

    Attributes:
        metric: Name of the metric of the training part.
        training: Its value there.
        validation: And on the validation part.
        gap: How much worse it is on the validation part, seed by seed, in the metric's unit.
        gap_saved: How much smaller that is than the baseline's, over the same seeds: above 0 the
            variant overfits less. ``None`` of the baseline itself, and of other seeds.
    """

    metric: str
    training: Estimate
    validation: Estimate
    gap: Estimate
    gap_saved: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
