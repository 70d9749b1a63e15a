"""Which of a variant's normalisation layers matter: the fewest shown to do as well as the best.

A comparison with the best (Hsu 1984, Annals of Statistics 12:1136–1144), seed by seed. A subset is
shown to be no slower than the best by more than a margin where that is shown against each of the
others: whichever is truly the best is among them, so each of these questions may be asked at the
level of one (Berger 1982, Technometrics 24:295–300). The subsets with fewer layers share that level
out by Bonferroni's inequality, since none of them is to be shown wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from normwise.analysis._compare import Decision, compare
from normwise.analysis._final import final_mean
from normwise.analysis._grid import rank
from normwise.analysis._mean import restricted_mean
from normwise.analysis._outcome import arrival
from normwise.domain import CONFIDENCE, Ablation, AblationStep, Estimate, RunRecord, Target

__all__ = ["Subset", "ablation", "subsets_to_try"]

Subset = tuple[int, ...]
"""Numbers of the layers that are kept, from 1, ascending."""

# With more layers than this, leaving out one after another takes the place of all subsets.
MOST_FOR_ALL = 4

# Times slower than the best that make no difference that matters.
MARGIN = 1.25


def subsets_to_try(
    layers: int, runs: Mapping[Subset, Sequence[RunRecord]], target: Target
) -> Iterator[list[Subset]]:
    """Which layers to keep, a round at a time.

    All subsets where there are few layers. Where there are many, one layer after another is
    left out: of those that are left, always the one without which the replicas do best, as
    long as they then still do as well as the best.

    Args:
        layers: How many normalisation layers there are.
        runs: The runs of each subset tried so far; those of a round must be there before the
            next round is asked for.
        target: What to reach.

    >>> [len(round) for round in subsets_to_try(3, {}, Target.parse("val_loss<=0.4"))]
    [8]
    """
    left = tuple(range(1, layers + 1))
    if layers <= MOST_FOR_ALL:
        yield [subset for kept in range(layers, -1, -1) for subset in combinations(left, kept)]
        return
    yield [left, ()]
    while len(left) > 1 and _does_well(left, runs, target):
        fewer = list(combinations(left, len(left) - 1))
        yield fewer
        left = min(fewer, key=lambda kept: _rank(runs[kept], target))


def _rank(runs: Sequence[RunRecord], target: Target) -> tuple[float, float]:
    return rank(runs, target, max(run.epochs for run in runs))


def _does_well(kept: Subset, runs: Mapping[Subset, Sequence[RunRecord]], target: Target) -> bool:
    """Whether its restricted mean is within the margin of the best, as far as was seen."""
    means = {subset: _rank(found, target)[0] for subset, found in runs.items()}
    return means[kept] <= MARGIN * min(means.values())


def ablation(
    variant: str,
    layers: Sequence[str],
    runs: Mapping[Subset, Sequence[RunRecord]],
    target: Target,
    confidence: float = CONFIDENCE,
    margin: float = MARGIN,
) -> Ablation:
    """The fewest layers that are shown to be no more than a margin slower than the best.

    Seed by seed, by the ratio of the epochs to the target, where a replica that never arrives
    counts as later than all epochs. Of equally small subsets that are shown, the best is the
    answer. Where none with fewer layers is, all of them stay; it is then open whether fewer would
    do, unless each subset is shown to be slower than some other by more than the margin.

    Args:
        variant: Name of the variant.
        layers: Names of all its normalisation layers.
        runs: The runs of each subset that was tried, all layers among them.
        target: What to reach.
        confidence: That no layers are left out wrongly, and of the means' intervals, in (0, 1).
        margin: How many times slower than the best is still as good, > 1.

    >>> from normwise.domain import RunKey
    >>> def run(seed, arrives):
    ...     curve = tuple(0.1 if epoch >= arrives else 1.0 for epoch in range(1, 31))
    ...     return RunRecord(RunKey("after", seed, "a"), 0.1, {"val_loss": curve})
    >>> arrivals = {(1, 2): [14, 15, 16] * 3, (1,): [15, 15, 16] * 3}
    >>> arrivals |= {(2,): [18, 19, 20] * 3, (): [24, 25, 26] * 3}
    >>> runs = {kept: [run(*one) for one in enumerate(found)] for kept, found in arrivals.items()}
    >>> ablation("after", ["a_norm", "b_norm"], runs, Target.parse("val_loss<=0.4")).kept
    ('a_norm',)
    """
    contest = _Contest(runs, target, margin, confidence)
    steps = {kept: _step(kept, layers, found, target, confidence) for kept, found in runs.items()}
    every = max(runs, key=len)
    fewer = sorted(
        (kept for kept in runs if kept != every),
        key=lambda kept: (len(kept), _rank(runs[kept], target)),
    )
    fewest = next(filter(contest.is_shown, fewer), every)
    ordered = sorted(steps, key=lambda kept: (-len(kept), kept))
    return Ablation(
        variant=variant,
        layers=tuple(layers),
        kept=steps[fewest].layers,
        tried=tuple(steps[kept] for kept in ordered),
        is_open=fewest == every and not all(map(contest.is_ruled_out, fewer)),
        margin=margin,
    )


class _Contest:
    """Every subset against every other, seed by seed."""

    def __init__(
        self,
        runs: Mapping[Subset, Sequence[RunRecord]],
        target: Target,
        margin: float,
        confidence: float,
    ) -> None:
        self.horizon = min(run.epochs for found in runs.values() for run in found)
        self.epochs = {
            kept: {run.key.seed: arrival(run, target, self.horizon) for run in found}
            for kept, found in runs.items()
        }
        # The best come first: they are those against which it fails.
        self.others = sorted(runs, key=lambda kept: _rank(runs[kept], target))
        self.margin = margin
        # A bound is one end of an interval; there is one question for each subset but the whole.
        self.confidence = 1 - 2 * (1 - confidence) / max(len(runs) - 1, 2)

    def is_shown(self, kept: Subset) -> bool:
        """Whether it is no more than the margin slower than any other."""
        return all(self._slower(kept, other).high <= self.margin for other in self._rivals(kept))

    def is_ruled_out(self, kept: Subset) -> bool:
        """Whether some other is faster by more than the margin."""
        return any(self._slower(kept, other).low > self.margin for other in self._rivals(kept))

    def _rivals(self, kept: Subset) -> list[Subset]:
        return [other for other in self.others if other != kept]

    def _slower(self, kept: Subset, other: Subset) -> Decision:
        """How many times the epochs of the other it needs."""
        ours, theirs = self.epochs[kept], self.epochs[other]
        seeds = [seed for seed in ours if seed in theirs]
        return compare(
            [theirs[seed] for seed in seeds],
            [ours[seed] for seed in seeds],
            horizon=self.horizon,
            confidence=self.confidence,
        )


def _step(
    kept: Subset,
    layers: Sequence[str],
    runs: Sequence[RunRecord],
    target: Target,
    confidence: float,
) -> AblationStep:
    return AblationStep(
        layers=tuple(layers[number - 1] for number in kept),
        variant=runs[0].key.variant,
        restricted_mean=_restricted_mean(runs, target, confidence),
        final=final_mean(runs, target.metric, confidence),
    )


def _restricted_mean(runs: Sequence[RunRecord], target: Target, confidence: float) -> Estimate:
    epochs = [arrival(run, target) for run in runs]
    return restricted_mean(epochs, min(run.epochs for run in runs), confidence)
