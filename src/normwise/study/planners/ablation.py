"""Which normalisation layers matter: the variant again, with some of them only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normwise import analysis
from normwise.domain import (
    Ablation,
    Condition,
    Run,
    RunRecord,
    Summary,
    Target,
    Variant,
    VariantSummary,
)
from normwise.study.ledger import Ledger
from normwise.study.planners.plan import Goals, Plan
from normwise.study.question import Network, Question

__all__ = ["AblationPlanner", "with_layers"]


_Runs = dict[analysis.Subset, list[RunRecord]]


@dataclass(frozen=True)
class AblationPlanner:
    """Leaves layers out of the recommended variant, one by one.

    Attributes:
        question: What the study asks.
        answered: The goals of the study itself, which are complete.
        layers: Names of the normalisation layers of each variant and depth, in the order they run.
    """

    question: Question
    answered: Goals
    layers: Mapping[Network, Sequence[str]]

    def next(self, ledger: Ledger) -> Plan:
        """All that was tried, and what is to be tried next."""
        goals, _ = self._walk(ledger)
        return Plan(goals, fallback={})

    def found(self, ledger: Ledger) -> Ablation | None:
        """Which layers matter; ``None`` where not all of it was trained."""
        _, runs = self._walk(ledger)
        if runs is None:
            return None
        standing, target = self._standing(ledger)
        return analysis.ablation(
            standing.name,
            self._layers_of(standing),
            runs,
            target,
            margin=self.question.spec.margin,
        )

    def _walk(self, ledger: Ledger) -> tuple[Goals, _Runs | None]:
        """The goals up to the first step that lacks any, and all runs where none does."""
        spec = self.question.spec
        standing, target = self._standing(ledger)
        [point] = [one for one in self.question.settings if _stands_at(standing, one)]
        variant, count = Variant.parse(standing.name), len(self._layers_of(standing))
        goals: dict[Run, int] = {}
        runs: _Runs = {}
        for subsets in analysis.subsets_to_try(count, runs, target):
            own = {
                subset: self.question.runs(
                    [with_layers(variant, subset, count)], range(spec.seeds), [point]
                )
                for subset in subsets
            }
            goals |= dict.fromkeys((run for each in own.values() for run in each), spec.epochs)
            if not ledger.has(goals):
                return goals, None
            # Each to its end: of what a layer does, a run that was stopped says nothing.
            runs |= {
                subset: [ledger.record(run, spec.epochs, spec.epochs) for run in each]
                for subset, each in own.items()
            }
        return goals, runs

    def _layers_of(self, standing: VariantSummary) -> Sequence[str]:
        return self.layers[standing.name, standing.depth]

    def _standing(self, ledger: Ledger) -> tuple[VariantSummary, Target]:
        """The variant whose layers are left out, and what it is measured by."""
        runs = self.question.in_order(self.answered)
        epochs = self.question.spec.epochs
        summary = self.question.summary(
            [ledger.record(run, self.answered[run], epochs) for run in runs]
        )
        return _to_ablate(summary), summary.target


def _to_ablate(summary: Summary) -> VariantSummary:
    """The recommended variant, or the first that has normalisation."""
    normalised = [one for one in summary.variants if Variant.parse(one.name).places]
    return next((one for one in normalised if one.name == summary.recommended), normalised[0])


def _stands_at(variant: VariantSummary, point: Condition) -> bool:
    """Whether the variant stands at that point of the grid."""
    # Where the grid has no learning rates, the variant says which one the model had.
    rate = None if point.learning_rate is None else variant.learning_rate
    return point == dataclasses.replace(variant.condition, learning_rate=rate)


def with_layers(variant: Variant, kept: analysis.Subset, layers: int) -> Variant:
    """The variant with these of its normalisation layers; without any, the baseline.

    >>> after = Variant.parse("after")
    >>> with_layers(after, (2,), 3), with_layers(after, (), 3), with_layers(after, (1, 2, 3), 3)
    (Variant.parse('after:only=2'), Variant.parse('none'), Variant.parse('after'))
    """
    if not kept:
        return Variant(drop_after=variant.drop_after)
    numbers = variant.only or tuple(range(1, layers + 1))
    only = tuple(numbers[number - 1] for number in kept)
    return variant if len(kept) == layers else dataclasses.replace(variant, only=only)
