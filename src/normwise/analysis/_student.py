"""Quantiles of Student's t, the one piece of SciPy that `compare` and the means need."""

from __future__ import annotations

from functools import lru_cache

from scipy.special import stdtrit

__all__ = ["one_sided_t", "two_sided_t"]


@lru_cache(maxsize=4096)  # SciPy's takes microseconds each, and a study asks for few of them.
def one_sided_t(freedom: float, probability: float) -> float:
    """The t that ``probability`` of Student's distribution lies below.

    Args:
        freedom: Degrees of freedom, > 0; need not be whole.
        probability: In (0, 1).

    >>> round(one_sided_t(4, 0.975), 3)
    2.776
    """
    return float(stdtrit(freedom, probability))


def two_sided_t(freedom: float, confidence: float) -> float:
    """The t that ``confidence`` of Student's distribution lies within, on both sides.

    Args:
        freedom: Degrees of freedom, > 0; need not be whole.
        confidence: In (0, 1).

    >>> round(two_sided_t(4, 0.95), 3)
    2.776
    """
    return one_sided_t(freedom, 0.5 + 0.5 * confidence)
