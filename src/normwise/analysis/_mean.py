"""Means of final metrics, with Student's interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from normwise.analysis._epochs import checked_confidence
from normwise.analysis._student import two_sided_t
from normwise.errors import SpecError
from normwise.records import Estimate

__all__ = ["mean_estimate"]


def mean_estimate(
    values: Sequence[float] | NDArray[np.float64], confidence: float = 0.95
) -> Estimate:
    """The mean of a final metric over replicas, with its interval.

    The interval is Student's, mean ± t·s/√n with n − 1 degrees of freedom.

    Args:
        values: One value a replica, shape (n,), in the metric's unit. Values
            that are not finite belong to diverged replicas: they are left out
            of the mean and counted in ``censored``.
        confidence: In (0, 1).

    Returns:
        ``n`` is the number of finite values. With one of them the interval is
        (−inf, inf); with none the value is NaN as well.

    Raises:
        SpecError: ``values`` is not one-dimensional, or ``confidence`` is out of
            range.

    >>> estimate = mean_estimate([0.80, 0.82, 0.84, float("nan")])
    >>> print(f"{estimate.value:.2f}: {estimate.low:.3f} to {estimate.high:.3f}")
    0.82: 0.770 to 0.870
    >>> estimate.n, estimate.censored
    (3, 1)
    """
    level = checked_confidence(confidence)
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1:
        msg = (
            f"values has shape {given.shape}; expected one dimension with one value a replica; "
            f"try values=[0.80, 0.82]"
        )
        raise SpecError(msg)
    kept = given[np.isfinite(given)]
    n, lost = kept.size, given.size - kept.size
    method = f"mean with Student's t interval over {n} replicas"
    if n < 2:
        value = float(kept[0]) if n else math.nan
        return Estimate(value, -math.inf, math.inf, n, lost, method)
    mean = float(kept.mean())
    half = two_sided_t(n - 1, level) * float(kept.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n, lost, method)
