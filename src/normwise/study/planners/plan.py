"""How far each run of a study is to go, as far as it can tell by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from normwise.domain import Run
from normwise.study.ledger import Ledger

__all__ = ["Goals", "Plan", "Planner"]

# Each run to the epochs that it is to have behind it.
Goals = Mapping[Run, int]


@dataclass(frozen=True)
class Plan:
    """What a study wants of its runs.

    Attributes:
        goals: How far each run is to go; where a run went further, it counts as far as this.
        fallback: What suffices for an answer if there is no time for the goals; ``None`` where
            nothing less does.
    """

    goals: Goals
    fallback: Goals | None = None


class Planner(Protocol):
    """Decides what a study trains, by what it has trained."""

    def next(self, ledger: Ledger) -> Plan:
        """The plan at this moment; where the ledger has all of its goals, there is no further one.

        Pure: the same ledger gives the same plan, on every machine and after every restart.
        """
