"""Holm's procedure: several comparisons that are all right with one confidence."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from normwise.analysis._compare import Decision

__all__ = ["holm"]

Name = TypeVar("Name", bound=Hashable)


def holm(
    names: Sequence[Name], compare: Callable[[Name, float], Decision], confidence: float
) -> dict[Name, tuple[Decision, float]]:
    """Decide comparisons so that all are right together with the given confidence.

    Holm's step-down procedure: with m comparisons open, each is tested at a confidence of
    1 - (1 - confidence) / m. Those that are decided leave, and the others are tested again at
    the lower confidence that fewer comparisons need, until no more are decided.

    Args:
        names: Names of what is compared with the baseline.
        compare: Decides one comparison at a confidence.
        confidence: Confidence that all decisions are right together, in (0, 1).

    Returns:
        Each name's decision, and the confidence of its interval.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian
        Journal of Statistics 6:65–70.

    >>> from normwise.analysis import compare
    >>> slow, fast = [24, 25, 27, 25, 26], [15, 16, 17, 16, 17]
    >>> epochs = {"after": fast, "before": [25, 20, 31, 27, 22]}
    >>> found = holm(
    ...     list(epochs), lambda name, level: compare(epochs[name], slow, horizon=40,
    ...     confidence=level), 0.95)
    >>> [(name, decision.outcome, level) for name, (decision, level) in found.items()]
    [('after', 'helps', 0.975), ('before', 'undecided', 0.95)]
    """
    found: dict[Name, tuple[Decision, float]] = {}
    undecided = list(names)
    while undecided:
        level = 1 - (1 - confidence) / len(undecided)
        tested = {name: (compare(name, level), level) for name in undecided}
        decided = {n: one for n, one in tested.items() if one[0].outcome != "undecided"}
        found |= decided or tested
        undecided = [name for name in undecided if name not in found]
    return {name: found[name] for name in names}
