"""Two samples laid side by side, against plain loops over epochs and over the cells they fall in."""

import math

import numpy as np
import pytest

from normwise.analysis._readings import as_times, as_whole_epochs

INF = math.inf
HORIZON = 12.0
SPEEDS = [0.31, 0.5, 0.77, 1.0, 1.3, 2.0, 2.5, 3.0, 3.7, 12.0]
ALIKE = [2.0, 5.0, 1.0, 12.0, 9.0, INF], [4.0, 12.0, INF, 7.0, 11.0, INF]
SAMPLES = {
    "pairs": ALIKE,
    "pairs, exchanged": ALIKE[::-1],
    "two samples": (ALIKE[0], [3.0, 10.0, 6.0, INF]),
    "two samples, exchanged": ([3.0, 10.0, 6.0, INF], ALIKE[0]),
    "one arrives": ([5.0, INF], [INF, INF]),
    "all at once": ([5.0] * 3, [5.0, INF, INF]),
}
samples = pytest.mark.parametrize("case", SAMPLES)


def cell(epoch, factor, early):
    """What a clock that ticks every ``factor`` epochs shows once, or just before, it ends."""
    if math.isinf(epoch):
        return math.inf
    moment = epoch - 1 + 1e-7 if early else epoch - 1e-7
    return 1 + math.floor(moment / factor)


def beyond(*sides, cut):
    """What is at the cut: half the others' mean distance to it later, and 5% at least."""
    before = [cut - one for side in sides for one in side if one < cut]
    later = cut + max(sum(before) / len(before) / 2 if before else 0.0, 0.05)
    return [[one if one < cut else later for one in side] for side in sides]


def last_seen(ours, theirs):
    """The last arrival, or 1.5 times the earlier side's if some of both arrive, and not all."""
    arrived = [[one for one in side if math.isfinite(one)] for side in (ours, theirs)]
    lasts = [max(side) for side in arrived if side]
    if len(lasts) == 2 and math.inf in ours + theirs:
        return min(max(lasts), 1.5 * min(lasts))
    return max(lasts)


def by_cells(speed, variant, baseline, balance):
    """Every field of the reading at one speed-up: baseline, variant, cut, step."""
    factor = max(speed, 1 / speed)
    # Above the balance the baseline leads: the least difference is where it was late.
    above = speed > balance
    ours = [cell(one, 1.0 if speed >= 1 else factor, above) for one in variant]
    theirs = [cell(one, factor if speed >= 1 else 1.0, not above) for one in baseline]
    last = math.floor(last_seen(ours, theirs))
    cut = min(math.floor(HORIZON / factor + 1e-9), last) + 1
    steps = [[1 / one if one < cut else 0.0 for one in side] for side in (ours, theirs)]
    if len(variant) != len(baseline):
        steps = [[sum(one) / len(one)] for one in steps]
    logs = [[math.log(min(one, cut)) for one in side] for side in (theirs, ours)]
    return (
        *beyond(*logs, cut=math.log(cut)),
        [math.log(cut)],
        [max(both) for both in zip(*steps, strict=True)],
    )


def compare_fields(side, wanted):
    got = (side.baseline, side.variant, side.cut, side.step)
    for one, each in zip(got, zip(*wanted, strict=True), strict=True):
        np.testing.assert_allclose(*np.broadcast_arrays(one, each), rtol=1e-9, atol=2e-9)


@samples
@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0, 2.2, math.inf])
def test_whole_epochs_are_shown_by_a_coarser_clock(case, balance):
    variant, baseline = SAMPLES[case]
    with np.errstate(divide="ignore"):
        reading = as_whole_epochs(np.array(variant), np.array(baseline), HORIZON, np.log(balance))
    side = reading(np.log(SPEEDS))
    compare_fields(side, [by_cells(speed, variant, baseline, balance) for speed in SPEEDS])


@samples
def test_times_are_multiplied_and_cut_where_either_would_be_or_at_the_last_arrival(case):
    variant, baseline = SAMPLES[case]

    def by_hand(speed):
        sides = [speed * one for one in variant], list(baseline)
        ours, theirs = ([math.log(one) for one in side] for side in sides)
        # What arrives at the very end, of the horizon or of all, is seen.
        cut = math.log(min(HORIZON, speed * HORIZON, last_seen(*sides))) + 1e-9
        return (*beyond(theirs, ours, cut=cut), [cut], [0.0])

    # No speed-up that puts an epoch exactly on the cut, where rounding decides.
    speeds = [speed for speed in SPEEDS if speed in (0.77, 1.0, 1.3, 2.5, 3.7)]
    side = as_times(np.array(variant), np.array(baseline), HORIZON)(np.log(speeds))
    compare_fields(side, [by_hand(speed) for speed in speeds])
