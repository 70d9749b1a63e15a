"""Means of final metrics, with Student's interval."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from normwise.analysis._epochs import checked_confidence
from normwise.analysis._student import two_sided_t
from normwise.domain import CONFIDENCE, Estimate
from normwise.errors import SpecError

__all__ = ["mean_difference", "mean_estimate", "restricted_mean"]


def mean_estimate(
    values: Sequence[float] | NDArray[np.float64], confidence: float = CONFIDENCE
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


def mean_difference(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = CONFIDENCE
) -> Estimate:
    """How much larger one mean is than another of other seeds, with Welch's interval.

    Args:
        ours: One value a replica; what is not finite is left out, and counted as ``censored``.
        theirs: The same of the other sample, of any size.
        confidence: In (0, 1).

    Returns:
        Unbounded with a single value on either side; NaN with none.

    >>> found = mean_difference([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    >>> print(f"{found.value:.2f}: {found.low:.3f} to {found.high:.3f}")
    2.00: -0.267 to 4.267
    """
    sides = [mean_estimate(values, confidence) for values in (ours, theirs)]
    value, sizes = sides[0].value - sides[1].value, [side.n for side in sides]
    n, lost = sum(sizes), sum(side.censored for side in sides)
    method = f"difference of means with Welch's t interval over {n} replicas"
    if min(sizes) < 2:
        return Estimate(value, -math.inf, math.inf, n, lost, method)
    kept = [np.array([v for v in values if math.isfinite(v)]) for values in (ours, theirs)]
    errors = [float(part.var(ddof=1)) / part.size for part in kept]
    spread = sum(error**2 / (part.size - 1) for error, part in zip(errors, kept, strict=True))
    freedom = sum(errors) ** 2 / spread if spread else float(n - 2)
    half = two_sided_t(freedom, confidence) * math.sqrt(sum(errors))
    return Estimate(value, value - half, value + half, n, lost, method)


def restricted_mean(
    epochs: Sequence[float], horizon: float, confidence: float = CONFIDENCE
) -> Estimate:
    """The mean of epochs to the target, a replica that never arrives counted as the whole run.

    The area over the Kaplan-Meier curve up to the horizon, which all replicas were followed
    to; its interval is Student's, within what can be.

    Args:
        epochs: Epochs to the target, ``inf`` for never; shape (n,).
        horizon: Epochs every replica was given.
        confidence: In (0, 1).

    >>> restricted_mean([20, 25, math.inf], horizon=30).value
    25.0
    """
    found = mean_estimate(np.minimum(np.asarray(epochs, np.float64), horizon), confidence)
    return dataclasses.replace(
        found,
        low=max(found.low, 0.0),
        high=min(found.high, horizon),
        censored=int(np.isinf(epochs).sum()),
        method=f"restricted {found.method}",
    )
