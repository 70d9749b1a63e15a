"""Which of a variant's normalisation layers matter: the fewest that do as well as the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from normwise.analysis._grid import rank
from normwise.analysis._mean import mean_estimate, restricted_mean
from normwise.analysis._outcome import outcome
from normwise.domain import CONFIDENCE, Ablation, AblationStep, Estimate, RunRecord, Target

__all__ = ["Subset", "ablation", "subsets_to_try"]

# Numbers of the layers that are kept, from 1, ascending.
Subset = tuple[int, ...]

# With more layers than this, leaving out one after another takes the place of all subsets.
MOST_FOR_ALL = 4


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
    while len(left) > 1 and left in _good(runs, target):
        fewer = list(combinations(left, len(left) - 1))
        yield fewer
        left = min(fewer, key=lambda kept: _rank(runs[kept], target))


def _rank(runs: Sequence[RunRecord], target: Target) -> tuple[float, float]:
    return rank(runs, target, max(run.epochs for run in runs))


def _good(
    runs: Mapping[Subset, Sequence[RunRecord]], target: Target, confidence: float = CONFIDENCE
) -> list[Subset]:
    """The subsets whose restricted mean lies within the interval of the best one's."""
    means = {kept: _restricted_mean(found, target, confidence) for kept, found in runs.items()}
    best = means[min(runs, key=lambda kept: _rank(runs[kept], target))]
    return [kept for kept in runs if means[kept].value <= max(best.high, best.value)]


def ablation(
    variant: str,
    layers: Sequence[str],
    runs: Mapping[Subset, Sequence[RunRecord]],
    target: Target,
    confidence: float = CONFIDENCE,
) -> Ablation:
    """The fewest layers that stay within the interval of the best.

    Subsets are measured by their restricted mean of the epochs to the target. A subset counts
    as good as the best one if its mean lies within the best one's interval; of those the
    smallest is the answer, and of equally small ones the best. This describes the runs that were
    seen; it is no test, unlike a verdict.

    Args:
        variant: Name of the variant.
        layers: Names of all its normalisation layers.
        runs: The runs of each subset that was tried.
        target: What to reach.
        confidence: Confidence of the intervals, in (0, 1).

    >>> from normwise.domain import RunKey
    >>> def run(seed, arrives):
    ...     curve = tuple(0.1 if epoch >= arrives else 1.0 for epoch in range(1, 31))
    ...     return RunRecord(RunKey("after", seed, "a"), 0.1, {"val_loss": curve})
    >>> arrivals = {(1, 2): [9, 10, 11], (1,): [10, 10, 11], (2,): [18, 19, 20], (): [24, 25, 26]}
    >>> runs = {kept: [run(*one) for one in enumerate(found)] for kept, found in arrivals.items()}
    >>> ablation("after", ["a_norm", "b_norm"], runs, Target.parse("val_loss<=0.4")).kept
    ('a_norm',)
    """
    steps = {kept: _step(kept, layers, found, target, confidence) for kept, found in runs.items()}
    good = _good(runs, target, confidence)
    fewest = min(good, key=lambda kept: (len(kept), _rank(runs[kept], target)))
    ordered = sorted(steps, key=lambda kept: (-len(kept), kept))
    return Ablation(
        variant=variant,
        layers=tuple(layers),
        kept=steps[fewest].layers,
        tried=tuple(steps[kept] for kept in ordered),
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
        final=mean_estimate([run.curves[target.metric][-1] for run in runs], confidence),
    )


def _restricted_mean(runs: Sequence[RunRecord], target: Target, confidence: float) -> Estimate:
    epochs = [outcome(run, target).epoch for run in runs]
    return restricted_mean(epochs, min(run.epochs for run in runs), confidence)
