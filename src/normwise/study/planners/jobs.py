"""From what a plan lacks to jobs."""

from __future__ import annotations

from normwise.domain import Run
from normwise.execution.job import Job, Origin
from normwise.study.ledger import Ledger
from normwise.study.planners.plan import Goals

__all__ = ["jobs_of"]


def jobs_of(goals: Goals, ledger: Ledger) -> list[Job]:
    """One job for all runs of a variant and batch size that start at the same epoch.

    A run goes on from its newest checkpoint; none that has failed is tried again.
    """
    jobs: dict[tuple[str, int, int, int], list[tuple[Run, Origin | None]]] = {}
    for run, until in goals.items():
        if ledger.epochs(run.key) < until and run.key not in ledger.failed:
            epoch, origin = ledger.origin(run.key)
            place = (run.key.variant, run.condition.batch_size, epoch, until)
            jobs.setdefault(place, []).append((run, origin))
    return [
        Job(
            variant=own[0][0].variant,
            batch_size=batch_size,
            runs=tuple(run for run, _ in own),
            first=epoch,
            until=until,
            origins=tuple(origin for _, origin in own if origin is not None),
        )
        for (_, batch_size, epoch, until), own in jobs.items()
    ]
