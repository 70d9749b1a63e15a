"""How a variant ends beside the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from normwise.domain.confidence import CONFIDENCE
from normwise.domain.estimate import Estimate

__all__ = ["Ending", "EndingKind"]

EndingKind = Literal["better", "worse", "no worse", "open"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a variant's typical seed ends beside the baseline's, in the target's metric.

    Attributes:
        outcome: ``better`` or ``worse`` where the whole interval lies on one side of 0, ``no
            worse`` where a loss of more than the margin is ruled out, else ``open``; never
            ``better`` or ``no worse`` where the variant diverged more often.
        difference: Median of the differences seed by seed, variant minus baseline, or the
            difference of the medians where they share no seeds. A replica that diverged is worse
            than any value, so that it and the interval's ends may be infinite.
        margin: The largest loss that does not matter, ≥ 0, in the metric's unit.
        confidence: Of the interval; all comparisons of a study together have the study's.
        diverged: How many of the variant's replicas diverged.
        replicas: Of how many.
        baseline_diverged: How many of the baseline's replicas diverged.
        baseline_replicas: Of how many.
        seeds_needed: Seeds that would settle it, if it is open and that can be foreseen.
    """

    outcome: EndingKind
    difference: Estimate
    margin: float
    confidence: float = CONFIDENCE
    diverged: int = 0
    replicas: int = 0
    baseline_diverged: int = 0
    baseline_replicas: int = 0
    seeds_needed: int | None = None

    @property
    def diverges_more(self) -> bool:
        """Whether a larger share of the variant's replicas diverged.

        >>> Ending("open", Estimate(0, 0, 0), 0.01, 0.95, 1, 10, 0, 10).diverges_more
        True
        """
        return self.diverged * self.baseline_replicas > self.baseline_diverged * self.replicas
