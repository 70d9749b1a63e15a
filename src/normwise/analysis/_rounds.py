"""Group-sequential decisions: looks at the data after each round of seeds, with one error rate."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from normwise.analysis._compare import Decision
from normwise.analysis._groups import by_variant
from normwise.analysis._holm import holm
from normwise.domain import RunRecord

__all__ = ["Look", "decide_in_rounds", "in_whole_rounds"]

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Look(Generic[Name]):
    """The last look at a comparison.

    Attributes:
        decision: What it found.
        confidence: Confidence of the decision's interval, in (0, 1).
        seeds: How many seeds a variant it looked at.
    """

    decision: Decision
    confidence: float
    seeds: int


def decide_in_rounds(
    compare: Callable[[Name, int, float], Decision],
    trained: Mapping[Name, int],
    rounds: Sequence[int],
    confidence: float,
) -> dict[Name, Look[Name]]:
    """Look at the comparisons after each round of seeds, until each is decided.

    Repeated looks at a fixed level inflate the type I error. The error rate is therefore divided
    evenly among the planned looks, whether they take place or not, and within a look by Holm's
    procedure among all that no earlier look found to help or hurt. Not looked at again, but
    keeping their place, are those decided as "no difference" and those that have no seeds for the
    look. Where each comparison keeps its level, no decision is wrong with the given confidence,
    whenever looking stops and whatever it is that gives some of them more seeds than others: a
    look that is left out can only leave out an error (Bonferroni's inequality).

    Args:
        compare: Decides a comparison: from its name, the number of seeds to use (its first
            ones) and a confidence.
        trained: Name of each comparison to how many seeds it has.
        rounds: Seeds at each planned look, ascending; a single number is a single look.
        confidence: Confidence that no decision is wrong, in (0, 1).

    Returns:
        Each name's last look, in the order of ``trained``.

    References:
        Jennison & Turnbull (1999), Group sequential methods with applications to clinical
        trials, chapter 2, for what repeated looks do, and for bounds that are tighter where
        statistics are normal.

    >>> from normwise.analysis import compare
    >>> slow, fast = [24, 25, 27, 25, 26, 24], [15, 16, 17, 16, 17, 15]
    >>> def look(name, seeds, level):
    ...     return compare(fast[:seeds], slow[:seeds], horizon=40, confidence=level)
    >>> found = decide_in_rounds(look, {"after": 6}, [3, 6], 0.95)["after"]
    >>> found.decision.outcome, found.seeds, round(found.confidence, 4)
    ('helps', 3, 0.975)
    """
    level = 1 - (1 - confidence) / len(rounds)
    found: dict[Name, Look[Name]] = {}
    undecided = list(trained)
    for seeds in rounds:
        first = seeds == rounds[0]
        seen = [name for name in undecided if first or trained[name] >= seeds]
        apart = sum(look.decision.outcome in ("helps", "hurts") for look in found.values())
        unseen = len(trained) - apart - len(seen)
        decisions = holm(seen, functools.partial(_at, compare, seeds), level, unseen=unseen)
        found |= {name: Look(*one, seeds) for name, one in decisions.items()}
        undecided = [name for name in undecided if found[name].decision.outcome == "undecided"]
    return {name: found[name] for name in trained}


def _at(
    compare: Callable[[Name, int, float], Decision], seeds: int, name: Name, confidence: float
) -> Decision:
    return compare(name, seeds, confidence)


def in_whole_rounds(records: Sequence[RunRecord], rounds: Sequence[int]) -> list[RunRecord]:
    """The records without those of an interrupted round, unless it is the first.

    Args:
        records: Runs of any variants and points of a grid; seeds count from 0.
        rounds: Seeds at the end of each round, ascending.

    >>> from normwise.domain import RunKey
    >>> runs = [RunRecord(RunKey("none", s, "a"), 0.1, {"loss": (1.0,)}) for s in range(5)]
    >>> len(in_whole_rounds(runs, [3, 6])), len(in_whole_rounds(runs, [10, 20]))
    (3, 5)
    """
    kept = []
    for group in by_variant(records).values():
        seeds = {record.key.seed for record in group}
        points = {record.condition for record in group}
        there = {(record.condition, record.key.seed) for record in group}
        whole = [
            end
            for end in rounds
            if all((point, seed) in there for point in points for seed in range(end))
        ]
        last = max(whole, default=1 + max(seeds))
        kept += [record for record in group if record.key.seed < last]
    return kept
