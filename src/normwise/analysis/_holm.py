"""Holm's procedure: several comparisons of which hardly ever one is wrong."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from normwise.analysis._compare import Decision

__all__ = ["holm"]

Name = TypeVar("Name", bound=Hashable)


def holm(
    names: Sequence[Name],
    compare: Callable[[Name, float], Decision],
    confidence: float,
    *,
    unseen: int = 0,
) -> dict[Name, tuple[Decision, float]]:
    """Decide comparisons so that none is wrong with the given confidence.

    Holm's step-down procedure: with m comparisons in the family, each is tested at a confidence
    of 1 - (1 - confidence) / m. Those found to help or hurt leave the family, and what is still
    undecided is tested again at the lower confidence that a smaller family needs, until no more
    leave. "No difference" is decided as well, but keeps its place: where nothing differs, it would
    otherwise make room for just those comparisons that chance moved furthest.

    Args:
        names: Names of what is compared with the baseline.
        compare: Decides one comparison at a confidence.
        confidence: Confidence that no decision is wrong, in (0, 1).
        unseen: Comparisons that are not tested, and keep their place in the family.

    Returns:
        Each name's decision, and the confidence of its interval.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian
        Journal of Statistics 6:65–70. Bauer & Kieser (1996), A unifying approach for confidence
        intervals and testing of equivalence and difference, Biometrika 83:934–937, for tests of
        both at once.

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
    undecided, family = list(names), len(names) + unseen
    while undecided:
        level = 1 - (1 - confidence) / family
        tested = {name: (compare(name, level), level) for name in undecided}
        found |= tested
        undecided = [name for name, (one, _) in tested.items() if one.outcome == "undecided"]
        told_apart = sum(one.outcome in ("helps", "hurts") for one, _ in tested.values())
        if not told_apart:
            break
        family -= told_apart
    return {name: found[name] for name in names}
