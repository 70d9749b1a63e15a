"""What a study trains next, as pure functions of what it has: the same ledger, the same plan.

``rounds`` doubles the seeds until all is decided, ``halving`` stops points of the grid that will
not be the best, ``remedy`` trains variants whose statistics lag with another momentum, ``ablation``
leaves layers out; ``jobs`` makes work of what a plan lacks.
"""

from normwise.study.planners.ablation import AblationPlanner
from normwise.study.planners.halving import HalvingPlanner
from normwise.study.planners.jobs import jobs_of
from normwise.study.planners.plan import Plan, Planner
from normwise.study.planners.rounds import RoundsPlanner
from normwise.study.question import Question

__all__ = [
    "AblationPlanner",
    "HalvingPlanner",
    "Plan",
    "Planner",
    "RoundsPlanner",
    "jobs_of",
    "planner_of",
]


def planner_of(question: Question) -> Planner:
    """What answers the study itself, before any layers are left out."""
    return HalvingPlanner(question) if question.spec.prune else RoundsPlanner(question)
