"""How many seeds it would take to say how a variant ends."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import bdtr

from normwise.analysis._order import outer_rank

__all__ = ["seeds_for_ending"]

_MOST = 500
_POWER = 0.8


def seeds_for_ending(gains: Sequence[float], margin: float, confidence: float) -> int | None:
    """Seeds with which the sign test would say "no worse" or "worse", 4 times in 5.

    Either takes few seeds on the other side: of a loss beyond the margin, or of 0. The share of
    them is taken from the seeds seen, with half a seed more for what was not seen.

    Args:
        gains: Differences seed by seed, of which more is better; may be infinite.
        margin: The largest loss that does not matter, ≥ 0.
        confidence: Confidence of the interval, in (0, 1).

    Returns:
        A number above that of the gains; ``None`` where nothing can be foreseen: there are none,
        or it would take more than 500.

    >>> seeds_for_ending([0.01, -0.004, -0.012, 0.003, 0.0], 0.01, 0.95)
    30
    """
    if not gains:
        return None
    n = len(gains)
    contrary = min(sum(gain < -margin for gain in gains), sum(gain >= 0 for gain in gains))
    share = (contrary + 0.5) / (n + 1)

    def enough(seeds: int) -> bool:
        rank = outer_rank(seeds, confidence)
        return rank > 0 and float(bdtr(rank - 1, seeds, share)) >= _POWER

    return next(filter(enough, range(n + 1, _MOST + 1)), None)
