"""Does a variant reach the target sooner than the baseline, and how sure is that?

The model is that the variant is θ times as fast: its epochs have the baseline's distribution,
whatever that is, divided by θ, so θ is the ratio of the medians and of the geometric means. Every θ
is put to a test: multiply the variant's epochs by it, cut both sides off where either could have
been censored (at the smaller of the horizon and θ × the horizon), or soon after the last arrivals
where that is earlier (`_readings`), and both should look alike. Student's t test on the logarithms
says whether they do: of the differences within pairs that were not cut on both sides, or of two
samples with a common variance; what was cut counts as somewhat later than the cut. Where most pairs
show only which of the two was sooner, the exact sign test has to reject as well. The interval is
the smallest that holds every θ not rejected; the ratio is the θ at which neither side leads in the
mean, and without censoring simply that of the geometric means. No replica is dropped. Student's
test is exact where differences of logarithms are normal; how often it errs elsewhere is simulated
(docs/evidence.md).

Where all epochs are whole numbers, epoch e means "after e - 1, at e or before". The interval is
then widened by every neighbouring θ that is not rejected once both sides are made equally coarse,
and each replica arrived where within its epoch, which nobody saw, it leaves the least difference.

Test inversion for accelerated failure times with a common cut-off goes back to Louis (1981),
Nonparametric analysis of an accelerated failure time model, Biometrika 68:381–390.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.analysis._epochs import (
    checked_confidence,
    checked_epochs,
    checked_horizon,
    checked_margin,
)
from normwise.analysis._inversion import accepted_range, balance_point, extended_range
from normwise.analysis._power import FEWEST_TO_PLAN, seeds_for_decision
from normwise.analysis._readings import Reading, as_times, as_whole_epochs, followed
from normwise.analysis._tests import Direction, paired_test, unpaired_test
from normwise.domain import CONFIDENCE, Estimate, VerdictKind
from normwise.errors import SpecError

__all__ = ["Decision", "compare"]

FEWEST_TO_DECIDE = 3
_BEYOND = 1e-6  # So that float arithmetic cannot leave what is cut off just before the cut.

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """What `compare` found.

    Attributes:
        outcome: ``helps`` if the whole interval lies above 1, ``hurts`` if below,
            ``no difference`` if it lies within [1/margin, margin], else
            ``undecided``.
        ratio: Baseline epochs over variant epochs: above 1 the variant reaches
            the target sooner. ``inf`` if only the variant was seen to reach it, 0
            if only the baseline, NaN if neither.
        low: Lower end of the interval, ≥ 0.
        high: Upper end; ``inf`` where the data set no bound.
        seeds_needed: Estimated total of seeds a variant that would decide it;
            ``None`` if it is decided, or nothing can be foreseen.
        n: Pairs of replicas behind it; unpaired, replicas of both sides together.
        censored: How many of those never reached the target (a pair: either did
            not).
        method: How it was computed, in words.
    """

    outcome: VerdictKind
    ratio: float
    low: float
    high: float
    seeds_needed: int | None
    n: int
    censored: int
    method: str

    @property
    def estimate(self) -> Estimate:
        """The ratio with its interval."""
        return Estimate(self.ratio, self.low, self.high, self.n, self.censored, self.method)


def compare(
    variant_epochs: ArrayLike,
    baseline_epochs: ArrayLike,
    *,
    horizon: float,
    paired: bool = True,
    margin: float = 1.25,
    confidence: float = CONFIDENCE,
) -> Decision:
    """Does the variant reach the target sooner, and how sure is that?

    The interval holds every ratio θ that Student's t test on the logarithms does not reject when
    the variant's epochs are multiplied by θ and both sides are cut off where either could have
    been censored (Louis 1981, Biometrika 68:381–390). How often it holds the true ratio is
    simulated (docs/evidence.md): in 95% of studies of exact times, in more where epochs are coarse
    or many replicas never arrive.

    Args:
        variant_epochs: Epochs to the target, shape (n,), in (0, horizon]; ``inf`` for a replica
            that never reached it, or diverged.
        baseline_epochs: The same of the baseline; shape (n,), the same seed at the same position,
            or any shape (m,) if not ``paired``.
        horizon: Epochs every replica was given, > 0.
        paired: Whether equal positions share a seed.
        margin: A ratio within [1/margin, margin] makes no difference that matters; > 1.
        confidence: Confidence of the interval, in (0, 1).

    Returns:
        A `Decision`. With fewer than three seeds it is always ``undecided`` and its interval
        (0, inf). If neither side ever arrives, the ratio is NaN.

    Raises:
        SpecError: Epochs that are empty, not one-dimensional, NaN, not positive or finite above
            the horizon; pairs of unequal number; a horizon, margin or confidence out of range.

    >>> found = compare([15, 16, 17, 16, 17], [24, 25, 27, 25, 26], horizon=30)
    >>> print(f"{found.outcome}: {found.ratio:.2f} ({found.low:.2f} to {found.high:.2f})")
    helps: 1.57 (1.44 to 1.73)
    """
    limit = checked_horizon(horizon)
    level = checked_confidence(confidence)
    margin = checked_margin(margin)
    variant = checked_epochs("variant_epochs", variant_epochs, limit)
    baseline = checked_epochs("baseline_epochs", baseline_epochs, limit)
    if paired and variant.size != baseline.size:
        raise SpecError(
            f"variant_epochs has {variant.size} values and baseline_epochs {baseline.size}; "
            f"expected equally many, the same seed at the same position; "
            f"try paired=False if they do not share seeds"
        )
    found = _log_interval(variant, baseline, limit, paired=paired, confidence=level)
    return _decision(variant, baseline, found, margin, paired=paired, confidence=level)


def _decision(
    variant: FloatArray,
    baseline: FloatArray,
    found: tuple[float, float, float],
    margin: float,
    *,
    paired: bool,
    confidence: float,
) -> Decision:
    """What a ratio and its interval, as logarithms, say."""
    value, low, high = found
    n = min(variant.size, baseline.size)
    censored, total = _count(variant, baseline, paired=paired)
    outcome = _outcome(low, high, math.log(margin))
    return Decision(
        outcome,
        math.exp(value),
        math.exp(low),
        math.exp(high),
        _seeds(value, (low, high), n, margin, confidence) if outcome == "undecided" else None,
        total,
        censored,
        f"{'paired' if paired else 'unpaired'} censored t test, inverted, over {total}",
    )


def _count(variant: FloatArray, baseline: FloatArray, *, paired: bool) -> tuple[int, int]:
    lost_variant, lost_baseline = np.isinf(variant), np.isinf(baseline)
    if paired:
        return int((lost_variant | lost_baseline).sum()), variant.size
    return int(lost_variant.sum() + lost_baseline.sum()), variant.size + baseline.size


def _log_interval(
    variant: FloatArray, baseline: FloatArray, horizon: float, *, paired: bool, confidence: float
) -> tuple[float, float, float]:
    """Log of the ratio and of its interval's ends."""
    if np.isinf(variant).all() and np.isinf(baseline).all():
        return math.nan, -math.inf, math.inf
    horizon = followed(variant, baseline, horizon)
    low, high = _ends(variant, baseline, horizon)
    times = as_times(variant, baseline, horizon)
    value = balance_point(functools.partial(_lead, times), low, high)
    if min(variant.size, baseline.size) < FEWEST_TO_DECIDE or math.isnan(value):
        return value, -math.inf, math.inf

    def test(reading: Reading) -> Direction:
        if paired:
            return paired_test(reading, np.isinf(variant) | np.isinf(baseline), confidence)
        return unpaired_test(reading, variant.size, baseline.size, confidence)

    exact = test(times)
    below, above = (bool(one == 0) for one in exact(np.array([low, high])))
    inside = min(max(value, low), high)
    ends = accepted_range(lambda speed: exact(speed) == 0, (below, above), inside, low, high)
    if _whole(variant) and _whole(baseline):
        rough = test(as_whole_epochs(variant, baseline, horizon, value))
        # Below the balance only a lead of the variant speaks against a speed-up, above it of the
        # baseline.
        # Of a coarser clock than the horizon all is one cell.
        reach = math.log(horizon) + _BEYOND
        ends = extended_range(
            lambda speed: rough(speed) * np.sign(value - speed) <= 0, ends, -reach, reach
        )
    return value, *ends


def _lead(times: Reading, speed: FloatArray) -> FloatArray:
    """By how much the variant is ahead in the mean, on the log scale."""
    side = times(speed)
    return np.asarray(side.baseline.mean(axis=1) - side.variant.mean(axis=1))


def _ends(variant: FloatArray, baseline: FloatArray, horizon: float) -> tuple[float, float]:
    """Log ratios beyond which all of one side is cut off, and nothing changes any more."""
    return (
        math.log(min(float(baseline.min()), horizon) / horizon) - _BEYOND,
        math.log(horizon / min(float(variant.min()), horizon)) + _BEYOND,
    )


def _whole(epochs: FloatArray) -> bool:
    return bool((epochs == np.round(epochs)).all())


def _outcome(low: float, high: float, margin: float) -> VerdictKind:
    if low > 0:
        return "helps"
    if high < 0:
        return "hurts"
    return "no difference" if -margin <= low and high <= margin else "undecided"


def _seeds(
    value: float, ends: tuple[float, float], n: int, margin: float, confidence: float
) -> int | None:
    """Seeds that would decide it, judged by the narrower side if the other has no bound."""
    if n < FEWEST_TO_DECIDE:
        return FEWEST_TO_PLAN
    if math.isinf(value):  # Only one side arrives: as many as the sign test needs of one mind.
        unanimous = math.ceil(math.log2(2 / (1 - confidence)))
        return unanimous if unanimous > n else None
    low, high = ends
    half = (high - low) / 2 if math.isfinite(high - low) else min(value - low, high - value)
    return seeds_for_decision(value, half, n, margin, confidence)
