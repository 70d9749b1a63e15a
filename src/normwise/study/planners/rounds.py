"""All points of the grid, with seeds in rounds until every comparison is decided.

Where lag decides, the remedy joins the round that shows it, and is compared like the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from normwise import analysis
from normwise.domain import Run, RunRecord, Summary, Variant
from normwise.study.ledger import Ledger
from normwise.study.planners.plan import Goals, Plan
from normwise.study.planners.remedy import remedies
from normwise.study.question import Question

__all__ = ["RoundsPlanner", "worth_another_round"]


@dataclass(frozen=True)
class RoundsPlanner:
    """The first round trains all variants, a further one those that are undecided.

    Attributes:
        question: What the study asks.
    """

    question: Question

    def next(self, ledger: Ledger) -> Plan:
        """The goals of the first round that is not complete, or of the last one."""
        question, epochs = self.question, self.question.spec.epochs
        variants = list(question.variants)
        goals: dict[Run, int] = {}
        for number, seeds in enumerate(question.spec.rounds):
            before = goals if number else None
            goals = goals | dict.fromkeys(question.runs(variants, range(seeds)), epochs)
            if not ledger.has(goals):
                return Plan(goals, before)
            asked, goals = goals, goals | remedies(question, goals, ledger)
            if not ledger.has(goals):
                return Plan(goals, asked)
            if seeds == question.spec.rounds[-1] and goals == asked:
                return Plan(goals, before)
            variants = self._open(goals, ledger)
            if not variants:
                return Plan(goals)
        # A remedy that joins last makes the family larger, which may reopen what an earlier look
        # decided, with the seeds of that look.
        reopened = question.runs(variants, range(question.spec.rounds[-1]))
        return Plan(goals | dict.fromkeys(reopened, epochs), goals)

    def _open(self, goals: Goals, ledger: Ledger) -> list[Variant]:
        """The variants that another round is worth training of."""
        question, epochs = self.question, self.question.spec.epochs
        runs = question.in_order(goals)
        records = [ledger.record(run, epochs, epochs) for run in runs]
        names = worth_another_round(question.summary(records), records)
        known = dict.fromkeys(run.variant for run in runs)
        return [variant for variant in known if variant.name in names]


def worth_another_round(summary: Summary, records: list[RunRecord]) -> set[str]:
    """The undecided variants and their baseline; none where more seeds would decide nothing."""
    undecided = {one.variant for one in summary.comparisons if one.outcome == "undecided"}
    # Where no replica arrives, more of them say no more.
    if not undecided or not analysis.reaching(records, summary.target):
        return set()
    return undecided | {summary.comparisons[0].baseline}
