"""A variant against the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from normwise.domain.confidence import CONFIDENCE
from normwise.domain.ending import Ending
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
        seconds_ratio: Ratio of seconds to the target, each model trained alone.
        seeds_needed: Seeds that would decide it, if undecided and foreseeable.
        range_gain: By how many decades of learning rates the variant's working range is
            wider; ``None`` where the grid has a single one.
        confidence: The confidence of the ratios' intervals: that of a single comparison, or
            more where several comparisons are to be right together.
        final_difference: Mean difference of the target's metric at the last epoch, variant
            minus baseline, over the seeds that both have.
        epochs_saved: Restricted mean epochs of the baseline minus those of the variant, over
            the seeds that both have.
        ending: How the variant's typical seed ends; ``None`` where nothing was compared.
        never_difference: By how much the variant's share of replicas that never arrive is larger
            than the baseline's, in [−1, 1]; ``None`` where all arrive.
        learners_ratio: Ratio of epochs to the target among those that arrive; ``None`` where all
            do, or none.
        seeds: How many seeds a variant are behind the outcome; ``None`` where all came at
            once.
        learning_ratio: Ratio of epochs to the target by population statistics, those of the
            training part under the weights of the moment, where a side has moving ones: how much
            sooner the network learns, whatever its own statistics let through. ``None`` where no
            run was measured by them.
        learning_outcome: What that ratio says, as `outcome`; decided beside the other ratios of
            its kind, as a family of its own.
        learning_confidence: The confidence of that ratio's interval.
        learning_seeds: How many seeds a variant are behind that outcome, as `seeds`: fewer where it
            was decided earlier, or more where arriving was.
        epoch_seconds_ratio: Ratio of the seconds of an epoch, each model trained alone; NaN where
            the machine was too busy to tell, ``None`` where no rounds were kept.
        cost_saved: Cost of the baseline's way to the target minus that of the variant's, at the
            hourly price that was given; NaN where the machine was too busy to tell.
    """

    variant: str
    baseline: str
    outcome: VerdictKind
    epochs_ratio: Estimate
    seconds_ratio: Estimate
    seeds_needed: int | None = None
    range_gain: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    confidence: float = CONFIDENCE
    final_difference: Estimate | None = None
    epochs_saved: Estimate | None = None
    ending: Ending | None = field(default=None, metadata=ABSENT_IF_NONE)
    seeds: int | None = field(default=None, metadata=ABSENT_IF_NONE)
    learning_ratio: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    learning_outcome: VerdictKind | None = field(default=None, metadata=ABSENT_IF_NONE)
    learning_confidence: float | None = field(default=None, metadata=ABSENT_IF_NONE)
    learning_seeds: int | None = field(default=None, metadata=ABSENT_IF_NONE)
    epoch_seconds_ratio: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    cost_saved: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    never_difference: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
    learners_ratio: Estimate | None = field(default=None, metadata=ABSENT_IF_NONE)
