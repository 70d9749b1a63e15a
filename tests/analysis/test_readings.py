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
    "none arrives": ([INF] * 3, [INF] * 3),
}
samples = pytest.mark.parametrize("case", SAMPLES)


def cells(epoch, factor, cut):
    """Which share of (epoch − 1, epoch] a clock that ticks every ``factor`` epochs shows as what."""
    if math.isinf(epoch):
        return {cut: 1.0}
    shares = {}
    for cell in range(1, math.ceil(epoch) + 1):
        inside = min(epoch, cell * factor) - max(epoch - 1, (cell - 1) * factor)
        if inside > 1e-9:
            shares[min(cell, cut)] = shares.get(min(cell, cut), 0.0) + inside
    return shares


def beyond(*sides, cut):
    """What is at the cut: half the others' mean distance to it later."""
    before = [cut - one for side in sides for one in side if one < cut]
    later = cut + (sum(before) / len(before) / 2 if before else 0.0)
    return [[one if one < cut else later for one in side] for side in sides]


def mean_of(shares):
    return sum(share * math.log(cell) for cell, share in shares.items())


def variance_of(shares):
    mean = mean_of(shares)
    return sum(share * (math.log(cell) - mean) ** 2 for cell, share in shares.items())


def by_cells(speed, variant, baseline):
    """Every field of the reading at one speed-up: baseline, variant, cut, blur, step."""
    factor = max(speed, 1 / speed)
    cut = math.floor(HORIZON / factor + 1e-9) + 1
    ours = [cells(one, 1.0 if speed >= 1 else factor, cut) for one in variant]
    theirs = [cells(one, factor if speed >= 1 else 1.0, cut) for one in baseline]
    blurs = [[variance_of(one) for one in side] for side in (ours, theirs)]
    steps = [[1 / max(one) if max(one) < cut else 0.0 for one in side] for side in (ours, theirs)]
    if len(variant) != len(baseline):
        blurs, steps = ([[sum(one) / len(one)] for one in both] for both in (blurs, steps))
    means = [
        [mean_of(one) if min(one) < cut else math.log(cut) for one in side]
        for side in (theirs, ours)
    ]
    return (
        *beyond(*means, cut=math.log(cut)),
        [math.log(cut)],
        [one + other for one, other in zip(*blurs, strict=True)],
        [max(both) for both in zip(*steps, strict=True)],
    )


def compare_fields(side, wanted):
    got = (side.baseline, side.variant, side.cut, side.blur, side.step)
    for one, each in zip(got, zip(*wanted, strict=True), strict=True):
        np.testing.assert_allclose(*np.broadcast_arrays(one, each), rtol=1e-9, atol=1e-9)


@samples
def test_whole_epochs_are_shown_by_a_coarser_clock(case):
    variant, baseline = SAMPLES[case]
    side = as_whole_epochs(np.array(variant), np.array(baseline), HORIZON)(np.log(SPEEDS))
    compare_fields(side, [by_cells(speed, variant, baseline) for speed in SPEEDS])


@samples
def test_times_are_multiplied_and_cut_where_either_would_be(case):
    variant, baseline = SAMPLES[case]

    def by_hand(speed):
        cut = math.log(min(HORIZON, speed * HORIZON))
        ours, theirs = (
            [math.log(speed * one) for one in variant],
            [math.log(one) for one in baseline],
        )
        return (*beyond(theirs, ours, cut=cut), [cut], [0.0], [0.0])

    # No speed-up that puts an epoch exactly on the cut, where rounding decides.
    speeds = [speed for speed in SPEEDS if speed in (0.77, 1.0, 1.3, 2.5, 3.7)]
    side = as_times(np.array(variant), np.array(baseline), HORIZON)(np.log(speeds))
    compare_fields(side, [by_hand(speed) for speed in speeds])
