"""How far apart a variant ends along an axis of the grid.

As with epochs, every second seed chooses which values end best and worst, and only the others say
how far apart these two are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from normwise.analysis._final import final_gain
from normwise.analysis._order import SHORTFALL, middle, typical
from normwise.domain import Estimate, RunRecord, Target

__all__ = ["EndLine", "end_line"]

Value: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True)
class EndLine:
    """Where a variant ends along an axis.

    Attributes:
        gains: Value to the final value of the target's metric by seed, turned so that more is
            better; ``-inf`` of what diverged.
        held_out: Seeds that chose nothing.
        best: The value that ended best for the seeds that choose.
        worst: And the worst.
        rising: Whether more of the metric itself is better.
    """

    gains: Mapping[Value, Mapping[int, float]]
    held_out: Sequence[int]
    best: Value
    worst: Value
    rising: bool

    def end(self, value: Value, confidence: float) -> Estimate:
        """The typical end at a value, in the metric's own direction."""
        found = typical([*self.gains[value].values()], confidence, SHORTFALL)
        return found if self.rising else found.turned()

    def spread(self, confidence: float) -> Estimate:
        """How much better the best value ends than the worst."""
        return typical([self._spread(seed) for seed in self.held_out], confidence, SHORTFALL)

    def spread_saved(self, base: EndLine, confidence: float) -> Estimate | None:
        """How much less that is than the baseline's, over the same seeds; ``None`` without any."""
        shared = [seed for seed in self.held_out if seed in base.held_out]
        saved = [_minus(base._spread(seed), self._spread(seed)) for seed in shared]
        return typical(saved, confidence, SHORTFALL) if saved else None

    def _spread(self, seed: int) -> float:
        return _minus(self.gains[self.best][seed], self.gains[self.worst][seed])


def end_line(
    runs: Mapping[Value, Sequence[RunRecord]],
    choosing: Sequence[int],
    judging: Sequence[int],
    held_out: Sequence[int],
    target: Target,
) -> EndLine | None:
    """Where a variant ends along an axis; ``None`` where some run does not say.

    Args:
        runs: Value of the axis to the variant's runs there, at the best of the other axes.
        choosing: Seeds that choose the best and the worst value.
        judging: Seeds that say where a value ends.
        held_out: Seeds that chose nothing.
        target: Its metric is looked at.
    """
    rising = target.relation == ">="
    gains = {
        value: {run.key.seed: final_gain(run, target.metric, rising=rising) for run in own}
        for value, own in runs.items()
    }
    if any(math.isnan(gain) for own in gains.values() for gain in own.values()):
        return None
    chosen = {value: middle(sorted(own[s] for s in choosing)) for value, own in gains.items()}
    return EndLine(
        {value: {seed: own[seed] for seed in judging} for value, own in gains.items()},
        held_out,
        max(chosen, key=chosen.__getitem__),
        min(chosen, key=chosen.__getitem__),
        rising,
    )


def _minus(ours: float, theirs: float) -> float:
    return 0.0 if ours == theirs else ours - theirs  # infinities, too
