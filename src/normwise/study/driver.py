"""The loop of a study: plan, train what is missing, plan again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from normwise.errors import ExecutorError
from normwise.execution import Event, Executor, Failed, Finished
from normwise.study.budget import Budget
from normwise.study.ledger import Ledger
from normwise.study.planners import Planner, jobs_of
from normwise.study.planners.plan import Goals

__all__ = ["BudgetSpent", "RunsFailed", "drive"]

log = logging.getLogger("normwise")


class BudgetSpent(Exception):  # noqa: N818 (it says what happened)
    """The time did not suffice for what an answer needs.

    Attributes:
        goals: What was to be trained.
    """

    def __init__(self, goals: Goals) -> None:
        super().__init__("the budget is spent")
        self.goals = goals


class RunsFailed(Exception):  # noqa: N818 (the same)
    """Some runs will not end, and without them there is no answer.

    Attributes:
        events: What was said of each of them.
    """

    def __init__(self, events: Sequence[Failed]) -> None:
        super().__init__("runs have failed")
        self.events = events


def drive(
    planner: Planner,
    ledger: Ledger,
    executor: Executor,
    *,
    budget: Budget,
    on_plan: Callable[[Goals], None],
    on_event: Callable[[Event], None],
    left_open: str,
) -> Goals:
    """Train until the planner wants no more, or the time is spent.

    Args:
        planner: Says what is wanted.
        ledger: Has what is there, and gets what is trained.
        executor: Trains.
        budget: No further plan is begun that would not end within it.
        on_plan: Called with the goals of each plan before it is trained.
        on_event: Called with each event, when the ledger has it.
        left_open: What to say where the time does not suffice for all that was wanted.

    Returns:
        The goals that are reached.

    Raises:
        BudgetSpent: The time did not suffice for the first plan that answers anything.
        RunsFailed: All that could be trained is, and some runs have failed.
        ExecutorError: The executor ended before that.
    """
    while jobs := jobs_of((plan := planner.next(ledger)).goals, ledger):
        if plan.fallback is None or budget.allows(
            ledger.missing(plan.goals), ledger.seconds_a_run()
        ):
            events = executor.run(jobs)  # refuses, if it does, before anything is journalled
            on_plan(plan.goals)
            try:
                _train(events, plan.goals, ledger, budget, on_event)
            finally:
                executor.cancel()  # what no one listens to any more
        if jobs_of(plan.goals, ledger):
            if plan.fallback is None:
                raise BudgetSpent(plan.goals)
            log.warning(left_open)
            return plan.fallback
    if failed := [ledger.failed[run.key] for run in plan.goals if run.key in ledger.failed]:
        raise RunsFailed(list(dict.fromkeys(failed)))
    return plan.goals


def _train(
    events: Iterable[Event],
    goals: Goals,
    ledger: Ledger,
    budget: Budget,
    on_event: Callable[[Event], None],
) -> None:
    """Until nothing is missing but what failed, or the budget is spent."""
    for event in events:
        ledger.add(event)
        on_event(event)
        if isinstance(event, Finished) and budget.is_spent:
            return
    if left := jobs_of(goals, ledger):
        raise ExecutorError(
            f"the executor ended and said nothing of {left[0]}; expected segments up to the last "
            f"epoch of each run, or Failed; let its run() yield them, or try executor='local'"
        )
