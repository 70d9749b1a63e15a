"""Student's tests of which way a difference is left between two samples, at many speed-ups."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from normwise.analysis._readings import Reading
from normwise.analysis._student import two_sided_t

__all__ = ["Direction", "paired_test", "unpaired_test"]

FloatArray = NDArray[np.float64]
Direction = Callable[[FloatArray], FloatArray]

_NOISE = 1e-12  # Equal gaps leave no variance; ratios are known to no more than 1e-6.
_FEW = 5  # Pairs that may all point one way by chance: 2 of 2⁵ times.
_GRAIN = 0.8  # √5 / t(4): with it, 5 pairs one step apart each are just not enough.


def paired_test(reading: Reading, lost: NDArray[np.bool_], confidence: float) -> Direction:
    """Student's one-sample test of the differences within pairs, and the sign test.

    At the true speed-up the members of a pair could be exchanged, so differences
    are symmetric about 0, also among the pairs of which at least one member was
    seen before the cut. The others say nothing and are left out.

    A pair of which one member never arrived shows a direction, and no size: such differences are as
    good as alike, and Student's test would take that for certainty. Where fewer than a third
    of the pairs show a size, the exact sign test has to reject as well. (Where
    that third begins was chosen by simulation.) And epochs that are coarse cannot show, with
    few pairs, a spread below the distance of neighbouring values.

    Args:
        reading: Lays the samples side by side.
        lost: Pairs of which one member never arrived, shape (pairs,).
        confidence: In (0, 1).

    Returns:
        From log speed-ups of shape (k,) to which way a difference is left: 1 the variant still
        leads, −1 the baseline does, 0 neither credibly.

    >>> from normwise.analysis._readings import as_times
    >>> variant, baseline = np.array([10.0, 11.0, 12.0]), np.array([20.0, 23.0, 24.0])
    >>> direction = paired_test(as_times(variant, baseline, 60.0), np.zeros(3, bool), 0.95)
    >>> direction(np.log([1.0, 2.0])).tolist()
    [1.0, 0.0]
    """

    def direction(speed: FloatArray) -> FloatArray:
        side = reading(speed)
        informs = np.minimum(side.variant, side.baseline) < side.cut
        n, sizes = informs.sum(axis=1), (informs & ~lost).sum(axis=1)
        some = np.maximum(n, 1)
        gap = side.baseline - side.variant  # 0 where a pair lost both.
        mean = gap.sum(axis=1) / some
        spread = ((gap - mean[:, None]) ** 2 * informs).sum(axis=1) / np.maximum(n - 1, 1)
        grain = _GRAIN**2 * (side.step**2 * informs).sum(axis=1) / some
        spread = np.maximum(spread, np.where(n <= _FEW, grain, 0.0) + _NOISE)
        limits, fewest = _limits(gap.shape[1], confidence)
        near = (mean**2 * some <= limits[n] ** 2 * spread) | (n < 2)
        sooner, later = (gap > 0).sum(axis=1), (gap < 0).sum(axis=1)
        even = np.maximum(sooner, later) < fewest[sooner + later]
        return np.where(near | (even & (3 * sizes < n)), 0.0, np.sign(mean))

    return direction


@functools.lru_cache(maxsize=64)
def _limits(pairs: int, confidence: float) -> tuple[FloatArray, NDArray[np.intp]]:
    """By the number of pairs, from 0 to all: Student's t, and how many signs must agree."""
    numbers = range(pairs + 1)
    return (
        np.array([two_sided_t(max(n - 1, 1), confidence) for n in numbers]),
        np.array([_fewest_signs(n, confidence) for n in numbers]),
    )


def _fewest_signs(n: int, confidence: float) -> int:
    """The smallest majority among n signs that the two-sided sign test rejects; n + 1 for none.

    >>> _fewest_signs(5, 0.95), _fewest_signs(6, 0.95), _fewest_signs(10, 0.95)
    (6, 6, 9)
    """
    # P(X ≥ m) = P(X ≤ n − m), for X of n fair coins.
    majorities = range(n // 2 + 1, n + 1)
    enough = (m for m in majorities if 2 * bdtr(n - m, n, 0.5) <= 1 - confidence)
    return next(enough, n + 1)


def unpaired_test(reading: Reading, variants: int, baselines: int, confidence: float) -> Direction:
    """Student's two-sample test with a common variance.

    At the true speed-up both samples come from one distribution, so the common
    variance is not an assumption on top; Welch's test, simulated for 30 against 5
    replicas with half of them cut off, rejects the truth in 14% of studies, this
    one in 4%.

    Args:
        reading: Lays the samples side by side.
        variants: Replicas of the variant.
        baselines: Replicas of the baseline; together at least 3.
        confidence: In (0, 1).

    Returns:
        From log speed-ups of shape (k,) to which way a difference is left: 1 the variant still
        leads, −1 the baseline does, 0 neither credibly.

    >>> from normwise.analysis._readings import as_times
    >>> variant, baseline = np.array([10.0, 11.0, 12.0]), np.array([20.0, 23.0, 24.0])
    >>> direction = unpaired_test(as_times(variant, baseline, 60.0), 3, 3, 0.95)
    >>> direction(np.log([1.0, 2.0])).tolist()
    [1.0, 0.0]
    """
    freedom = variants + baselines - 2
    limit = two_sided_t(freedom, confidence) ** 2 * (1 / variants + 1 / baselines)

    def direction(speed: FloatArray) -> FloatArray:
        side = reading(speed)
        gap = side.baseline.mean(axis=1) - side.variant.mean(axis=1)
        squares = baselines * side.baseline.var(axis=1) + variants * side.variant.var(axis=1)
        near = gap**2 <= limit * (squares / freedom + _NOISE)
        return np.where(near, 0.0, np.sign(gap))

    return direction
