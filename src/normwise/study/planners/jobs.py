"""From what a plan lacks to jobs."""

from __future__ import annotations

from normwise.execution.job import Job, jobs_from
from normwise.study.ledger import Ledger
from normwise.study.planners.plan import Goals

__all__ = ["jobs_of"]


def jobs_of(goals: Goals, ledger: Ledger) -> list[Job]:
    """One job for all runs of a variant, batch size and depth that start at the same epoch.

    A run goes on from its newest checkpoint; none that has failed is tried again.
    """
    return jobs_from(
        (run, *ledger.origin(run.key), until)
        for run, until in goals.items()
        if ledger.epochs(run.key) < until and run.key not in ledger.failed
    )
