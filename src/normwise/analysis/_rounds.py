"""Looking at the evidence more than once, and stopping when it suffices, at no extra errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from normwise.analysis._compare import Decision
from normwise.analysis._grid import point_of
from normwise.analysis._groups import by_variant
from normwise.analysis._holm import holm
from normwise.domain import RunRecord

__all__ = ["Looked", "decide_in_rounds", "in_whole_rounds"]

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Looked(Generic[Name]):
    """A comparison as the last look at it found it.

    Attributes:
        decision: What it found.
        confidence: Of the decision's interval.
        seeds: Of a variant, that it looked at.
    """

    decision: Decision
    confidence: float
    seeds: int


def decide_in_rounds(
    compare: Callable[[Name, int, float], Decision],
    trained: Mapping[Name, int],
    rounds: Sequence[int],
    confidence: float,
) -> dict[Name, Looked[Name]]:
    """Look at the comparisons after each round of seeds, until each is decided.

    Who looks at 95% as often as there are new data finds, sooner or later, whatever was looked
    for. So the errors that are allowed are shared out evenly over the looks that were planned,
    whether they come to pass or not, and within a look by Holm's procedure over what is
    still open. By Bonferroni's inequality all that is ever decided is right together with the
    given confidence, whatever the data look like and whenever one stops.

    Args:
        compare: Decides one comparison with its first so many seeds at a confidence.
        trained: What is compared, and seeds that there are of it.
        rounds: Seeds at each look that was planned, ascending; a single one is no sequence.
        confidence: Of all together, in (0, 1).

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
    found: dict[Name, Looked[Name]] = {}
    left = list(trained)
    for seeds in rounds:
        first = seeds == rounds[0]
        if not left or not (first or all(trained[name] >= seeds for name in left)):
            break
        decisions = holm(left, functools.partial(_at, compare, seeds), level)
        found |= {name: Looked(*one, seeds) for name, one in decisions.items()}
        left = [name for name in left if found[name].decision.outcome == "undecided"]
    return {name: found[name] for name in trained}


def _at(
    compare: Callable[[Name, int, float], Decision], seeds: int, name: Name, confidence: float
) -> Decision:
    return compare(name, seeds, confidence)


def in_whole_rounds(records: Sequence[RunRecord], rounds: Sequence[int]) -> list[RunRecord]:
    """The records without those of a round that was broken off, unless it is the first.

    Args:
        records: Of any variants and points of a grid; seeds count from 0.
        rounds: Seeds at the end of each round, ascending.

    >>> from normwise.domain import RunKey
    >>> runs = [RunRecord(RunKey("none", s, "a"), 0.1, {"loss": (1.0,)}) for s in range(5)]
    >>> len(in_whole_rounds(runs, [3, 6])), len(in_whole_rounds(runs, [10, 20]))
    (3, 5)
    """
    kept = []
    for group in by_variant(records).values():
        seeds = {record.key.seed for record in group}
        points = {point_of(record) for record in group}
        there = {(point_of(record), record.key.seed) for record in group}
        whole = [
            end
            for end in rounds
            if all((point, seed) in there for point in points for seed in range(end))
        ]
        last = max(whole, default=1 + max(seeds))
        kept += [record for record in group if record.key.seed < last]
    return kept
