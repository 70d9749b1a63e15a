"""A variant against the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from normwise.domain.estimate import Estimate
from normwise.domain.plain import ABSENT_IF_NONE

__all__ = ["Comparison", "VerdictKind"]

VerdictKind = Literal["helps", "hurts", "no difference", "undecided"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the baseline.

    Ratios are baseline over variant: above 1 the variant gets there sooner.

    Attributes:
        variant: The variant's name.
        baseline: The baseline's name.
        outcome: ``helps``, ``hurts``, ``no difference`` or ``undecided``.
        epochs_ratio: Ratio of epochs to the target.
        seconds_ratio: Ratio of seconds to the target, of models that train alone.
        seeds_needed: Seeds that would decide it, if undecided and foreseeable.
        range_gain: By how many decades of learning rates the variant's working range is
            wider; ``None`` where the grid has a single one.
        confidence: Of the ratios' intervals: 0.95, or more where several comparisons
            are to be right together.
        final_difference: Of the target's metric at the last epoch, variant minus
            baseline, over the seeds that both have.
        epochs_saved: Restricted mean of the baseline minus that of the variant, likewise.
        seeds: Of a variant, behind the outcome; ``None`` where all came at once.
    """

    variant: str
    baseline: str
    outcome: VerdictKind
    epochs_ratio: Estimate
    seconds_ratio: Estimate
    seeds_needed: int | None = None
    range_gain: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    confidence: float = 0.95
    final_difference: Estimate | None = None
    epochs_saved: Estimate | None = None
    seeds: int | None = field(default=None, metadata=ABSENT_IF_NONE)
