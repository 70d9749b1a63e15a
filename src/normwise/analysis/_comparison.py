"""Every variant against the baseline, decided together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

from normwise.analysis._compare import Decision, compare
from normwise.analysis._differences import epochs_saved, final_difference
from normwise.analysis._ending import ending
from normwise.analysis._groups import sides
from normwise.analysis._judged import JudgedRuns, Measures, judged_runs
from normwise.analysis._learning import learned, shows_learning
from normwise.analysis._never import learners_ratio, more_never_arrive
from normwise.analysis._pace import epoch_seconds_ratio
from normwise.analysis._range import range_gain
from normwise.analysis._rounds import Look, decide_in_rounds
from normwise.domain import Comparison, RunRecord

__all__ = ["comparisons"]


def comparisons(
    groups: Mapping[str, Sequence[RunRecord]], base: str, measures: Measures, rounds: Sequence[int]
) -> tuple[Comparison, ...]:
    """Every other variant against the baseline, decided together, in rounds of seeds.

    Args:
        groups: Runs by the name of their variant.
        base: The baseline's name.
        measures: What all variants are measured by.
        rounds: Seeds at each planned look, ascending.
    """

    @functools.cache
    def first(name: str, seeds: int) -> JudgedRuns:
        """A variant as its first seeds show it."""
        runs = [run for run in groups[name] if run.key.seed < seeds]
        return judged_runs(name, runs, measures.target)

    def first_learned(name: str, seeds: int) -> JudgedRuns:
        return learned(first(name, seeds), measures.target)

    seeds = {name: len({run.key.seed for run in runs}) for name, runs in groups.items()}
    trained = {name: min(own, seeds[base]) for name, own in seeds.items() if name != base}

    def decided(timed: Callable[[str, int], JudgedRuns]) -> dict[str, Look[str]]:
        return decide_in_rounds(
            lambda name, seeds, level: _decision(
                timed(name, seeds), timed(base, seeds), measures, confidence=level
            ),
            trained,
            rounds,
            measures.confidence,
        )

    looks = decided(first)
    every_run = (run for runs in groups.values() for run in runs)
    # A family of its own: that both ratios of a variant are right together is not promised.
    learning = decided(first_learned) if shows_learning(every_run, measures.target) else {}
    # All endings are right together, whichever look a comparison ends with (Bonferroni).
    ending_confidence = 1 - (1 - measures.confidence) / (max(1, len(looks)) * len(rounds))
    return tuple(
        _comparison(
            first(name, look.seeds),
            first(base, look.seeds),
            measures,
            look,
            learning.get(name),
            ending_confidence,
            in_rounds=len(rounds) > 1,
        )
        for name, look in looks.items()
    )


def _decision(
    variant: JudgedRuns, base: JudgedRuns, measures: Measures, *, confidence: float
) -> Decision:
    horizon = measures.horizon
    ours, theirs, paired = sides(variant.epochs(horizon), base.epochs(horizon))
    return compare(
        ours,
        theirs,
        horizon=horizon,
        paired=paired,
        margin=measures.margin,
        confidence=confidence,
    )


def _comparison(
    variant: JudgedRuns,
    base: JudgedRuns,
    measures: Measures,
    look: Look[str],
    learning: Look[str] | None,
    ending_confidence: float,
    *,
    in_rounds: bool,
) -> Comparison:
    decision, target, confidence = look.decision, measures.target, measures.confidence
    ratio = decision.estimate
    pace = epoch_seconds_ratio(measures.times_of(variant), measures.times_of(base), look.confidence)
    known = measures.seconds_of(base) / measures.seconds_of(variant)
    return Comparison(
        variant=variant.name,
        baseline=base.name,
        outcome=decision.outcome,
        epochs_ratio=ratio,
        seconds_ratio=ratio.times(pace or known),
        seeds_needed=decision.seeds_needed and decision.seeds_needed * variant.seeds_a_judge,
        range_gain=range_gain(
            variant.all_runs, base.all_runs, target, confidence, measures.horizon
        ),
        confidence=look.confidence,
        final_difference=final_difference(variant, base, measures),
        epochs_saved=epochs_saved(variant, base, measures),
        ending=ending(variant, base, measures, ending_confidence),
        seeds=look.seeds if in_rounds else None,
        epoch_seconds_ratio=pace,
        never_difference=more_never_arrive(variant, base, measures),
        learners_ratio=learners_ratio(variant, base, measures),
        learning_ratio=learning.decision.estimate if learning else None,
        learning_outcome=learning.decision.outcome if learning else None,
        learning_confidence=learning.confidence if learning else None,
        learning_seeds=learning.seeds if learning and in_rounds else None,
    )
