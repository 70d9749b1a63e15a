"""Several comparisons at once, none of which may mislead more often than a single one."""

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

    Holm's step-down procedure: with m comparisons left, each is put to the question at a
    confidence of 1 - (1 - confidence) / m; those decided leave, and the rest is asked again
    less strictly, until nothing more is decided.

    Args:
        names: What is compared with the baseline.
        compare: Decides one comparison at a confidence.
        confidence: Of all together, in (0, 1).

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
    left = list(names)
    while left:
        level = 1 - (1 - confidence) / len(left)
        asked = {name: (compare(name, level), level) for name in left}
        decided = {n: one for n, one in asked.items() if one[0].outcome != "undecided"}
        found |= decided or asked
        left = [name for name in left if name not in found]
    return {name: found[name] for name in names}
