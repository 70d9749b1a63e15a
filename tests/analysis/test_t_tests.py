"""Both t tests against SciPy's, and their guards by hand."""

import numpy as np
import pytest
from scipy import stats

from normwise.analysis._readings import SideBySide
from normwise.analysis._tests import paired_test, unpaired_test

DRAW = np.random.default_rng(2)
CUT = 10.0
SHIFTS = np.linspace(-3, 3, 61)


def beside(baseline, variant, step=0.0):
    """Samples of log epochs, the variant's moved by the speed-up where they were seen."""
    baseline, variant = np.asarray(baseline, float), np.asarray(variant, float)

    def reading(speed):
        moved = np.where(variant < CUT, variant + speed[:, None], variant)
        still = np.broadcast_to(baseline, (len(speed), baseline.size))
        return SideBySide(still, moved, *(np.full((len(speed), 1), x) for x in (CUT, step)))

    return reading


def accepted(direction, shifts):
    return (direction(shifts) == 0).tolist()


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
    direction = paired_test(reading, np.array([False] * pairs + [True] * lost), confidence)
    assert accepted(direction, SHIFTS) == wanted


@pytest.mark.parametrize("at_the_cut", [CUT, CUT + 1])
def test_a_pair_at_the_cut_says_nothing(at_the_cut):
    """Two pairs that agree, and four that were cut off: with these six would be enough."""
    reading = beside([0.0, 0.1, *[at_the_cut] * 4], [1.0, 1.2, *[at_the_cut] * 4])
    direction = paired_test(reading, np.array([False] * 2 + [True] * 4), 0.95)
    [wanted] = stats.ttest_1samp([[1.0], [1.1]], 0).pvalue >= 0.05
    assert accepted(direction, np.zeros(1)) == [wanted]


@pytest.mark.parametrize(("variants", "baselines"), [(2, 1), (3, 3), (8, 4)])
def test_two_samples_as_by_scipy(variants, baselines):
    variant, baseline = DRAW.normal(0, 1, variants), DRAW.normal(0, 1, baselines)
    wanted = [stats.ttest_ind(baseline, variant + shift).pvalue >= 0.05 for shift in SHIFTS]
    direction = unpaired_test(beside(baseline, variant), variants, baselines, 0.95)
    assert accepted(direction, SHIFTS) == wanted


def test_coarse_epochs_show_no_spread_below_their_step():
    """Five pairs, each the same distance apart: their spread is taken as 0.8 of a step."""
    edge = 0.8 * stats.t.ppf(0.975, 4) / np.sqrt(5)
    direction = paired_test(beside([0.0] * 5, [0.0] * 5, step=1.0), np.zeros(5, bool), 0.95)
    assert accepted(direction, np.array([edge * 0.999, edge * 1.001])) == [True, False]
    # Six that all point one way are no chance.
    direction = paired_test(beside([0.0] * 6, [0.0] * 6, step=1.0), np.zeros(6, bool), 0.95)
    assert accepted(direction, np.array([edge * 0.999])) == [False]


@pytest.mark.parametrize("pairs", [2, 6])
def test_rounding_is_no_difference(pairs):
    """Equal gaps leave no variance; a ratio is not known to eight digits."""
    direction = paired_test(beside([0.0] * pairs, [0.0] * pairs), np.zeros(pairs, bool), 0.95)
    assert accepted(direction, np.array([1e-8, 1e-3])) == [True, False]


def test_which_way_it_is_told():
    """The speed-up is added to the variant's epochs: 0.5 and more of it puts it behind."""
    gaps = np.array([0.4, 0.5, 0.6])
    for test in (
        paired_test(beside(gaps, np.zeros(3)), np.zeros(3, bool), 0.95),
        unpaired_test(beside(gaps, np.zeros(3)), 3, 3, 0.95),
    ):
        assert test(np.array([0.0, 0.5, 1.0])).tolist() == [1, 0, -1]


@pytest.mark.parametrize("n", range(2, 14))
@pytest.mark.parametrize("confidence", [0.8, 0.95, 1 - 0.05 / 9])
def test_pairs_that_all_lost_one_are_judged_by_the_sign_test(n, confidence):
    """Their sizes are as good as alike, so that Student's test alone would be certain."""
    for ahead in range(n + 1):
        early, late = DRAW.normal(0, 1e-3, n), np.full(n, CUT + 1)
        first = np.arange(n) < ahead
        reading = beside(np.where(first, late, early), np.where(first, early, late))
        [found] = paired_test(reading, np.ones(n, bool), confidence)(np.zeros(1))
        signs = stats.binomtest(ahead, n).pvalue <= 1 - confidence
        sizes = stats.ttest_1samp(np.where(first, 1, -1) + DRAW.normal(0, 1e-6, n), 0)
        wanted = signs and sizes.pvalue <= 1 - confidence
        assert found == (np.sign(2 * ahead - n) if wanted else 0)


@pytest.mark.parametrize(("sized", "decides"), [(1, False), (2, True)])
def test_a_third_of_the_pairs_with_a_size_is_enough(sized, decides):
    """Five pairs, all one way: by their signs that happens in 2 of 32 studies."""
    baseline, variant = [0.0, 0.1, 0.2, 0.1, 0.0], [CUT + 1] * (5 - sized) + [9.0] * sized
    lost = np.arange(5) < 5 - sized
    [found] = paired_test(beside(baseline, variant), lost, 0.95)(np.zeros(1))
    assert found == (-1 if decides else 0)


def test_each_speed_up_is_judged_by_the_pairs_that_it_leaves():
    """Sped up, the pairs that lost nothing are cut off as well."""
    baseline, variant = [0.0, 0.1, 0.2, *[CUT + 1] * 2], [CUT + 1] * 3 + [9.0] * 2
    lost = np.array([True] * 3 + [False] * 2)
    found = paired_test(beside(baseline, variant), lost, 0.8)(np.array([0.0, 2.0]))
    assert found.tolist() == [-1, 0]
