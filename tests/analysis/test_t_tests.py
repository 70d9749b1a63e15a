"""Both t tests against SciPy's, and their guards by hand."""

import numpy as np
import pytest
from scipy import stats

from normwise.analysis._readings import SideBySide
from normwise.analysis._tests import paired_test, unpaired_test

DRAW = np.random.default_rng(2)
CUT = 10.0
SHIFTS = np.linspace(-3, 3, 61)


def beside(baseline, variant, blur=0.0, step=0.0):
    """Samples of log epochs, the variant's moved by the speed-up where they were seen."""
    baseline, variant = np.asarray(baseline, float), np.asarray(variant, float)

    def reading(speed):
        moved = np.where(variant < CUT, variant + speed[:, None], variant)
        still = np.broadcast_to(baseline, (len(speed), baseline.size))
        return SideBySide(still, moved, *(np.full((len(speed), 1), x) for x in (CUT, blur, step)))

    return reading


@pytest.mark.parametrize("lost", [0, 2])
@pytest.mark.parametrize("pairs", [2, 3, 5, 6, 9])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_pairs_as_by_scipy(pairs, lost, confidence):
    baseline, variant = DRAW.normal(0, 1, (2, pairs))
    wanted = [
        stats.ttest_1samp(baseline - variant - shift, 0).pvalue >= 1 - confidence
        for shift in SHIFTS
    ]
    # Pairs of which neither was seen say nothing.
    unseen = [CUT + 1] * lost
    reading = beside([*baseline, *unseen], [*variant, *unseen])
    accepts = paired_test(reading, np.array([False] * pairs + [True] * lost), confidence)
    assert accepts(SHIFTS).tolist() == wanted


@pytest.mark.parametrize("at_the_cut", [CUT, CUT + 1])
def test_a_pair_at_the_cut_says_nothing(at_the_cut):
    """Two pairs that agree, and four that were cut off: with these six would be enough."""
    reading = beside([0.0, 0.1, *[at_the_cut] * 4], [1.0, 1.2, *[at_the_cut] * 4])
    accepts = paired_test(reading, np.array([False] * 2 + [True] * 4), 0.95)
    [wanted] = stats.ttest_1samp([[1.0], [1.1]], 0).pvalue >= 0.05
    assert accepts(np.zeros(1)).tolist() == [wanted]


@pytest.mark.parametrize(("variants", "baselines"), [(2, 1), (3, 3), (8, 4)])
def test_two_samples_as_by_scipy(variants, baselines):
    variant, baseline = DRAW.normal(0, 1, variants), DRAW.normal(0, 1, baselines)
    wanted = [stats.ttest_ind(baseline, variant + shift).pvalue >= 0.05 for shift in SHIFTS]
    accepts = unpaired_test(beside(baseline, variant), variants, baselines, 0.95)
    assert accepts(SHIFTS).tolist() == wanted


def test_coarse_epochs_show_no_spread_below_their_step():
    """Five pairs, each the same distance apart: their spread is taken as 0.8 of a step."""
    edge = 0.8 * stats.t.ppf(0.975, 4) / np.sqrt(5)
    accepts = paired_test(beside([0.0] * 5, [0.0] * 5, step=1.0), np.zeros(5, bool), 0.95)
    assert accepts(np.array([edge * 0.999, edge * 1.001])).tolist() == [True, False]
    # Six that all point one way are no chance.
    accepts = paired_test(beside([0.0] * 6, [0.0] * 6, step=1.0), np.zeros(6, bool), 0.95)
    assert accepts(np.array([edge * 0.999])).tolist() == [False]


def test_what_rounding_averaged_over_widens_the_spread():
    gaps = np.array([0.1, 0.5, 0.3, 0.9, 0.7, 0.2])
    error = np.sqrt((gaps.var(ddof=1) + 0.25) / 6)
    edges = gaps.mean() + error * stats.t.ppf(0.975, 5) * np.array([0.999, 1.001])
    accepts = paired_test(beside(gaps, np.zeros(6), blur=0.25), np.zeros(6, bool), 0.95)
    assert accepts(edges).tolist() == [True, False]
    # Of two samples half of it: the blur is that of a pair.
    variance = (6 * gaps.var() + 0) / 10 + 0.125
    edges = gaps.mean() + np.sqrt(variance / 3) * stats.t.ppf(0.975, 10) * np.array([0.999, 1.001])
    accepts = unpaired_test(beside(gaps, np.zeros(6), blur=0.25), 6, 6, 0.95)
    assert accepts(edges).tolist() == [True, False]


@pytest.mark.parametrize("pairs", [2, 6])
def test_rounding_is_no_difference(pairs):
    """Equal gaps leave no variance; a ratio is not known to eight digits."""
    accepts = paired_test(beside([0.0] * pairs, [0.0] * pairs), np.zeros(pairs, bool), 0.95)
    assert accepts(np.array([1e-8, 1e-3])).tolist() == [True, False]


def test_few_pairs_that_all_lost_one_show_no_size():
    baseline, variant = [0.0, 0.1, 0.2, 0.1], [CUT + 1] * 4
    assert paired_test(beside(baseline, variant), np.ones(4, bool), 0.95)(np.zeros(1)).tolist() == [True]  # fmt: skip
    lost = np.array([True, True, True, False])
    accepts = paired_test(beside(baseline, [*variant[:3], 9.0]), lost, 0.95)
    assert accepts(np.zeros(1)).tolist() == [False]
    five = beside([*baseline, 0.1], [CUT + 1] * 5)
    assert paired_test(five, np.ones(5, bool), 0.95)(np.zeros(1)).tolist() == [False]


def test_each_speed_up_is_judged_by_the_pairs_that_it_leaves():
    """Sped up, the one pair that lost nothing is cut off as well."""
    baseline, variant = [0.0, 0.1, 0.2, CUT + 1], [CUT + 1] * 3 + [9.0]
    lost = np.array([True, True, True, False])
    accepts = paired_test(beside(baseline, variant), lost, 0.2)
    assert accepts(np.array([0.0, 2.0])).tolist() == [False, True]
