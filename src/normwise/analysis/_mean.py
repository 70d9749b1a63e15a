"""Means over replicas, with bounds that hold, or with Student's interval."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from normwise.analysis._bounds import Bounds
from normwise.analysis._epochs import checked_confidence
from normwise.analysis._gaffke import gaffke_interval
from normwise.analysis._student import two_sided_t
from normwise.domain import CONFIDENCE, Estimate
from normwise.errors import SpecError

__all__ = ["bounded_difference", "bounded_mean", "mean_estimate", "restricted_mean"]


def mean_estimate(
    values: Sequence[float] | NDArray[np.float64], confidence: float = CONFIDENCE
) -> Estimate:
    """The mean of a final metric over replicas, with its interval.

    The interval is Student's, mean ± t·s/√n with n − 1 degrees of freedom. It holds for values
    that are nearly normal; where a replica in ten collapses, five of them miss the mean in half
    of all studies.

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


def bounded_mean(
    values: Sequence[float] | NDArray[np.float64],
    bounds: Bounds,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The mean of a value over replicas, with bounds that hold however skewed it is.

    Student's interval of a mean is far too narrow where a replica in ten collapses. Where values
    have bounds, Gaffke's intervals hold (see `gaffke_interval`) and are wide; where they have none
    no interval of a mean can hold (Bahadur & Savage 1956), and none is given.

    Args:
        values: One a replica, shape (n,), within the bounds up to rounding. Those that are not
            finite belong to diverged replicas: left out, and counted in ``censored``.
        bounds: The least and the greatest that can be, infinite for none.
        confidence: In (0, 1).

    References:
        Bahadur & Savage (1956), The nonexistence of certain statistical procedures in
        nonparametric problems, Annals of Mathematical Statistics 27:1115–1122.

    >>> found = bounded_mean([0.80, 0.82, 0.84, 0.81, 0.83], (0.0, 1.0))
    >>> print(f"{found.value:.2f}: {found.low:.3f} to {found.high:.3f}")
    0.82: 0.392 to 0.914
    """
    level = checked_confidence(confidence)
    kept = [float(value) for value in values if math.isfinite(value)]
    n, lost = len(kept), len(values) - len(kept)
    within = [min(max(value, bounds[0]), bounds[1]) for value in kept]
    ends = gaffke_interval(within, bounds, level) if n else (-math.inf, math.inf)
    value = math.fsum(kept) / n if n else math.nan
    return Estimate(value, *ends, n, lost, f"mean over {n} replicas{_bounded_by(bounds)}")


def _bounded_by(bounds: Bounds) -> str:
    low, high = bounds
    if not (math.isfinite(low) or math.isfinite(high)):
        return ", of which no interval holds where replicas may collapse"
    return f" with Gaffke's interval for values from {low:g} to {high:g}"


def bounded_difference(
    ours: Sequence[float], theirs: Sequence[float], bounds: Bounds, confidence: float = CONFIDENCE
) -> Estimate:
    """How much larger one mean is than another of other seeds, with bounds that hold.

    Both means' intervals hold together, each being asked for half of the error.

    Args:
        ours: One value a replica; what is not finite is left out, and counted as ``censored``.
        theirs: The same of the other sample, of any size.
        bounds: The least and the greatest that either can be, infinite for none.
        confidence: In (0, 1).

    >>> found = bounded_difference([0.9] * 20, [0.6] * 20, (0.0, 1.0))
    >>> print(f"{found.value:.2f}: {found.low:.3f} to {found.high:.3f}")
    0.30: 0.044 to 0.438
    """
    each = 1 - (1 - checked_confidence(confidence)) / 2
    mine, other = (bounded_mean(values, bounds, each) for values in (ours, theirs))
    return Estimate(
        mine.value - other.value,
        mine.low - other.high,
        mine.high - other.low,
        mine.n + other.n,
        mine.censored + other.censored,
        f"difference of means of other seeds, each a {mine.method}",
    )


def restricted_mean(
    epochs: Sequence[float], horizon: float, confidence: float = CONFIDENCE
) -> Estimate:
    """The mean of epochs to the target, a replica that never arrives counted as the whole run.

    The area over the Kaplan-Meier curve up to the horizon, which all replicas were followed
    to; its interval is Gaffke's, for epochs from 0 to the horizon.

    Args:
        epochs: Epochs to the target, ``inf`` for never; shape (n,).
        horizon: Epochs every replica was given.
        confidence: In (0, 1).

    >>> restricted_mean([20, 25, math.inf], horizon=30).value
    25.0
    """
    found = bounded_mean([min(epoch, horizon) for epoch in epochs], (0.0, horizon), confidence)
    lost = int(np.isinf(epochs).sum())
    return dataclasses.replace(found, censored=lost, method=f"restricted {found.method}")
