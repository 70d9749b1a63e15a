"""`compare` against SciPy, against brute force, and against what must hold by symmetry."""

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from normwise.analysis import compare
from normwise.errors import SpecError, UsageError

INF = math.inf
FAR = 1e6


def times(n, *, scale=20.0, spread=0.3, seed=0):
    return scale * np.exp(spread * np.random.default_rng(seed).standard_normal(n))


# --- Against independent references -------------------------------------------------


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [3, 5, 30])
def test_without_censoring_pairs_give_the_t_interval_of_log_ratios(n, confidence):
    variant, baseline = times(n, scale=13.0, seed=1), times(n, seed=2)
    test = stats.ttest_1samp(np.log(baseline / variant), 0.0)
    expected = np.exp(test.confidence_interval(confidence))
    found = compare(variant, baseline, horizon=FAR, confidence=confidence)
    assert found.ratio == pytest.approx(stats.gmean(baseline) / stats.gmean(variant), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-5)


@pytest.mark.parametrize(("variants", "baselines"), [(5, 5), (4, 9), (12, 30)])
def test_without_censoring_two_samples_give_students_interval(variants, baselines):
    variant, baseline = times(variants, scale=13.0, seed=1), times(baselines, seed=2)
    test = stats.ttest_ind(np.log(baseline), np.log(variant))
    found = compare(variant, baseline, horizon=FAR, paired=False)
    assert found.ratio == pytest.approx(stats.gmean(baseline) / stats.gmean(variant), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(
        tuple(np.exp(test.confidence_interval())), rel=1e-5
    )
    assert found.n == variants + baselines


T = stats.t.ppf(0.975, [math.nan, *range(1, 10)])  # By degrees of freedom.


def laid_out(theta, variant, baseline, horizon):
    """Pairs at a speed-up: the cut, each pair's difference, and whether both were seen to arrive.

    Cut at the last arrival of either side, or where either could have been cut off; where some
    never arrive, at 1.5 times the last arrival of the side that is done first, if that is earlier.
    """
    arrivals = [theta * v for v in variant] + list(baseline)
    lasts = [max(x for x in side if math.isfinite(x)) for side in (theta * variant, baseline)]
    last = min(max(lasts), 1.5 * min(lasts) if INF in arrivals else INF)
    cut = min(horizon, theta * horizon, last) * (1 + 1e-9)
    depths = [math.log(cut / x) for x in arrivals if x < cut]
    later = math.log(cut) + max(0.5 * sum(depths) / max(len(depths), 1), 0.05)

    def placed(x):
        return math.log(x) if x < cut else later

    return [
        (placed(b) - placed(theta * v), math.isfinite(v) and math.isfinite(b))
        for v, b in zip(variant, baseline, strict=True)
        if min(theta * v, b) < cut
    ]


def accepted_by_hand(theta, variant, baseline, horizon):
    """The paired test, written once more with plain loops."""
    pairs = laid_out(theta, variant, baseline, horizon)
    gaps = [gap for gap, _ in pairs]
    if len(gaps) < 2:
        return True
    ahead, behind = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    shows_sizes = 3 * sum(sized for _, sized in pairs) >= len(pairs)
    signs = stats.binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
    if signs > 0.05 and not shows_sizes:
        return True
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1))
    return abs(mean) <= T[len(gaps) - 1] * spread / math.sqrt(len(gaps))


@pytest.mark.parametrize(("never", "n"), [(0.0, 10), (0.5, 10), (0.8, 20)])
@pytest.mark.parametrize("seed", range(4))
def test_a_censored_interval_is_the_hull_of_what_brute_force_accepts(seed, never, n):
    rng = np.random.default_rng(seed)
    variant, baseline = np.exp(0.4 * rng.standard_normal((2, n))) * [[14.0], [20.0]]
    variant[rng.random(n) < never] = baseline[rng.random(n) < never] = INF
    horizon = 23.0
    variant[variant > horizon] = INF
    baseline[baseline > horizon] = INF
    found = compare(variant, baseline, horizon=horizon)
    assert found.censored == (np.isinf(variant) | np.isinf(baseline)).sum() > 0
    step = 1.002
    grid = step ** np.arange(-1200, 1200)
    accepted = [t for t in grid if accepted_by_hand(t, variant, baseline, horizon)]
    assert found.low == pytest.approx(accepted[0], rel=2 * (step - 1)) or accepted[0] == grid[0]
    assert found.high == pytest.approx(accepted[-1], rel=2 * (step - 1)) or accepted[-1] == grid[-1]
    assert (found.low == 0.0) == (accepted[0] == grid[0])
    assert (found.high == INF) == (accepted[-1] == grid[-1])


@pytest.mark.parametrize("never", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(3))
def test_at_the_ratio_neither_side_leads(seed, never):
    rng = np.random.default_rng(seed)
    variant, baseline = rng.uniform(3, 39, (2, 9))
    variant[rng.random(9) < never] = baseline[rng.random(9) < never] = INF

    def lead(log_theta):
        gaps = [gap for gap, _ in laid_out(math.exp(log_theta), variant, baseline, 40.0)]
        return math.fsum(gaps)

    root = optimize.brentq(lead, -3, 3, xtol=1e-13)
    found = compare(variant, baseline, horizon=40)
    assert found.ratio == pytest.approx(math.exp(root), rel=1e-6)


@pytest.mark.parametrize("paired", [True, False])
def test_once_all_arrived_that_will_the_epochs_that_follow_change_nothing(paired):
    rng = np.random.default_rng(8)
    variant, baseline = np.ceil(np.exp(0.3 * rng.standard_normal((2, 30))) * [[12.0], [20.0]])
    variant[:12] = baseline[28:] = INF
    found = [compare(variant, baseline, horizon=h, paired=paired) for h in (300, 450, 600)]
    assert np.nanmax(np.where(np.isinf(baseline), 0, baseline)) < 60
    for one in found[1:]:
        assert one == found[0]


# --- Verdicts -----------------------------------------------------------------------


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", [6, 10])
def test_always_against_never_helps_without_an_upper_end(n, paired):
    variant = times(n, scale=12.0)
    found = compare(variant, [INF] * n, horizon=60, paired=paired)
    assert found.outcome == "helps"
    assert found.ratio == found.high == INF
    assert found.low > 2
    mirrored = compare([INF] * n, variant, horizon=60, paired=paired)
    assert (mirrored.outcome, mirrored.ratio, mirrored.low) == ("hurts", 0.0, 0.0)


@pytest.mark.parametrize("paired", [True, False])
def test_never_against_never_is_undecided(paired):
    found = compare([INF] * 8, [INF] * 8, horizon=30, paired=paired)
    assert (found.outcome, found.low, found.high) == ("undecided", 0.0, INF)
    assert math.isnan(found.ratio)
    assert found.seeds_needed is None
    assert found.censored == (8 if paired else 16)


@pytest.mark.parametrize(
    ("epochs", "horizon"),
    [
        *(([20, 22, 24, 21, 23, 20], 30), ([3.5, 4.25, 9.0], 30)),
        # Of so long a range not even the smallest part is as narrow as what rounding leaves.
        *(([7.3] * 3, 1e300), ([7.3, 8.1, 9.7], 1e300)),
    ],
)
def test_pairs_that_agree_make_no_difference(epochs, horizon):
    found = compare(epochs, epochs, horizon=horizon)
    assert (found.outcome, found.ratio) == ("no difference", pytest.approx(1))
    assert found.low < 1 < found.high
    # Nothing distinguishes the sides.
    assert found.low == pytest.approx(1 / found.high, rel=1e-4)


@pytest.mark.parametrize(
    ("epochs", "possible"),
    [
        # "2" is more than 1 and at most 2: up to twice as fast, however many seeds there are.
        *(([2] * 3, 2), ([2] * 10, 2), ([2] * 1000, 2), ([1, 1, 2, 1], 1.25)),
        *(([7] * 6, 7 / 6), ([5, INF, INF], 1.25)),
    ],
)
def test_whole_epochs_that_agree_may_still_hide_a_difference(epochs, possible):
    found = compare(epochs, epochs, horizon=30)
    assert found.outcome == ("undecided" if possible >= 1.25 else "no difference")
    assert found.low <= 1 / possible * 1.001
    assert found.high >= possible * 0.999
    if len(epochs) >= 10:
        assert found.high == pytest.approx(possible, rel=1e-3)


@pytest.mark.parametrize("horizon", [9, 12, 400])
@pytest.mark.parametrize(
    ("variant", "baseline"), [(2, 2), (2, 4), (3, 4), (4, 4), (8, 8), (1, 2), (1, 1), (1, 8)]
)
def test_whole_epochs_alone_bound_the_ratio_not_the_horizon(variant, baseline, horizon):
    found = compare([variant] * 12, [baseline] * 12, horizon=horizon)
    # Variants came after variant − 1, at variant or before; so did baselines. Whoever comes
    # in the first epoch may have come as soon as one likes.
    most = baseline / (variant - 1) if variant > 1 else INF
    least = (baseline - 1) / variant
    assert found.high == pytest.approx(most, rel=1e-3)
    assert found.low == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("slow", "quick"), [(10, 4), (10, 9), (10, 10)])
def test_an_arrival_in_the_last_epoch_is_one(slow, quick, paired):
    # Default targets are what baselines reach at their ends.
    found = compare([slow] * 8, [quick] * 8, horizon=slow, paired=paired)
    assert found.ratio == pytest.approx(quick / slow, rel=1e-6)
    assert compare([quick] * 8, [slow] * 8, horizon=slow, paired=paired).ratio == pytest.approx(
        slow / quick, rel=1e-6
    )


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("ratio", [9.0, 1.0])
def test_fewer_than_three_seeds_never_decide(n, ratio):
    variant = np.array([10.0, 10.1])[:n]
    found = compare(variant, ratio * variant, horizon=100)
    assert (found.outcome, found.low, found.high) == ("undecided", 0.0, INF)
    assert found.ratio == pytest.approx(ratio)
    assert found.seeds_needed == 5


def test_outcomes_follow_the_interval():
    near = times(30, spread=0.05)
    assert compare(near * 1.01, near[::-1], horizon=FAR).outcome == "no difference"
    assert compare(near * 1.01, near[::-1], horizon=FAR, margin=1.001).outcome == "undecided"
    assert compare(near / 2, near[::-1], horizon=FAR).outcome == "helps"
    assert compare(near * 2, near[::-1], horizon=FAR).outcome == "hurts"


def test_seeds_needed_decide_when_they_are_there():
    rng = np.random.default_rng(3)
    decided, foreseen = 0, 0
    for _ in range(60):
        found = compare(rng.lognormal(3, 0.3, 5), rng.lognormal(3.3, 0.3, 5), horizon=FAR)
        if found.seeds_needed is not None:
            assert found.outcome == "undecided"
            assert found.seeds_needed > 5
            foreseen += 1
            more = found.seeds_needed
            later = compare(rng.lognormal(3, 0.3, more), rng.lognormal(3.3, 0.3, more), horizon=FAR)
            decided += later.outcome != "undecided"
    # Planned for 80%, from five seeds' noisy guess of the effect: well above a coin's toss.
    assert decided > 0.6 * foreseen > 6


def test_one_step_of_whole_epochs_needs_six_pairs():
    # 5 pairs all one epoch apart happen by chance in 2 of 32 studies.
    assert compare([3] * 5, [4] * 5, horizon=30).outcome == "undecided"
    assert compare([3] * 6, [4] * 6, horizon=30).outcome == "helps"


def test_pairs_that_each_lost_one_member_need_as_many_as_the_sign_test():
    # Which was sooner is seen, by how much is not: 5 the same way happen in 2 of 32 studies.
    arrives = [10.5, 11.2, 12.1, 10.3, 9.9, 10.0, 11.0, 12.0, 11.5]
    assert compare(arrives[:5], [INF] * 5, horizon=60).outcome == "undecided"
    assert compare(arrives[:5], [INF] * 5, horizon=60).seeds_needed == 6
    assert compare(arrives[:6], [INF] * 6, horizon=60).outcome == "helps"
    strict = {"horizon": 60, "confidence": 1 - 0.05 / 9}
    assert compare(arrives[:8], [INF] * 8, **strict).outcome == "undecided"  # 2 of 256
    assert compare(arrives[:8], [INF] * 8, **strict).seeds_needed == 9
    assert compare(arrives, [INF] * 9, **strict).outcome == "helps"
    # Also where all arrivals are equal, and there is no distance to be seen.
    assert compare([10] * 6, [INF] * 6, horizon=60).outcome == "helps"


def test_whole_epochs_leave_room_for_where_within_the_epoch_it_was():
    whole = compare([3, 4, 3, 4, 3, 4], [7, 8, 8, 7, 7, 8], horizon=30)
    exact = compare(
        np.array([3, 4, 3, 4, 3, 4]) + 1e-9, np.array([7, 8, 8, 7, 7, 8]) + 1e-9, horizon=30
    )
    assert whole.ratio == pytest.approx(exact.ratio)
    assert whole.low <= exact.low * 1.000001
    assert whole.high > exact.high * 1.01


# --- Properties ---------------------------------------------------------------------

epoch = st.floats(0.5, 29.5).map(lambda value: value + 0.0123)
maybe = st.one_of(epoch, epoch, epoch, st.just(INF))
pairs = st.lists(st.tuples(maybe, maybe), min_size=3, max_size=12)


def unequal(some):
    """Without exact ties, at which float arithmetic may break either way."""
    seen = [x for pair in some for x in pair if math.isfinite(x)]
    assume(len(set(seen)) == len(seen))
    return np.array(some).T


def same(one, other):
    assert (one.ratio, one.low, one.high) == pytest.approx(
        (other.ratio, other.low, other.high), rel=1e-4, nan_ok=True
    )


@settings(max_examples=60, deadline=None)
@given(pairs, st.floats(0.1, 20), st.booleans())
def test_the_unit_of_time_does_not_matter(some, unit, paired):
    variant, baseline = unequal(some)
    one = compare(variant, baseline, horizon=30, paired=paired)
    other = compare(variant * unit, baseline * unit, horizon=30 * unit, paired=paired)
    assert one.ratio == pytest.approx(other.ratio, rel=1e-6, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(pairs, st.booleans())
def test_exchanging_the_sides_inverts_the_ratio(some, paired):
    variant, baseline = unequal(some)
    one = compare(variant, baseline, horizon=30, paired=paired)
    other = compare(baseline, variant, horizon=30, paired=paired)
    with np.errstate(divide="ignore"):
        inverse = 1 / np.array([other.ratio, other.high, other.low])
    assert (one.ratio, one.low, one.high) == pytest.approx(tuple(inverse), rel=1e-4, nan_ok=True)
    flip = {"helps": "hurts", "hurts": "helps"}
    assert one.outcome == flip.get(other.outcome, other.outcome)


@settings(max_examples=60, deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_seeds_does_not_matter(some, random):
    shuffled = random.sample(some, len(some))
    same(
        compare(*unequal(some), horizon=30),
        compare(*np.array(shuffled).T, horizon=30),
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=8),
    st.integers(3, 6),
    st.booleans(),
)
def test_any_whole_epochs_give_an_interval_around_the_ratio(some, horizon, paired):
    values = np.array(some, dtype=float).T
    values[values > horizon] = INF
    found = compare(*values, horizon=horizon, paired=paired)
    assert math.isnan(found.ratio) or found.low <= found.ratio <= found.high
    assert found.low >= 0
    if found.outcome == "helps":
        assert found.low > 1
    if found.outcome == "hurts":
        assert found.high < 1
    if found.outcome != "undecided":
        assert found.seeds_needed is None
    elif found.seeds_needed is not None:
        assert found.seeds_needed > len(some)


# --- Refusals -----------------------------------------------------------------------

GOOD = [10.0, 11.0, 12.0]


@pytest.mark.parametrize(
    ("variant", "baseline", "options", "message"),
    [
        (
            GOOD,
            GOOD[:2],
            {},
            "variant_epochs has 3 values and baseline_epochs 2; expected equally "
            "many, the same seed at the same position; try paired=False",
        ),
        (
            [10.0, math.nan, 12.0],
            GOOD,
            {},
            "variant_epochs[1] is nan; expected a number; try float('inf') for never reached",
        ),
        (GOOD, [10.0, 0.0, 12.0], {}, "baseline_epochs[1] is 0; expected epochs above 0"),
        (
            GOOD,
            [10.0, 11.0, -3.0],
            {},
            "baseline_epochs[2] is -3; expected epochs above 0; try counting epochs from 1",
        ),
        (
            [0.2, 0.7],
            [0.2, 0.3],
            {"horizon": 0.5},
            "variant_epochs[1] is 0.7; expected at most the horizon, 0.5; try horizon=0.7",
        ),
        (
            GOOD,
            [10.0, 31.0, 45.0],
            {},
            "baseline_epochs[1] is 31; expected at most the horizon, 30; try horizon=45",
        ),
        ([], [], {}, "variant_epochs has shape (0,); expected one dimension"),
        ([GOOD], GOOD, {}, "variant_epochs has shape (1, 3); expected one dimension"),
        (["soon"], [3.0], {}, "variant_epochs is ['soon']; expected a flat sequence of numbers"),
        ([[1.0], [1.0, 2.0]], GOOD, {}, "expected a flat sequence of numbers"),
        (GOOD, GOOD, {"horizon": 0}, "horizon is 0; expected a finite number above 0"),
        (GOOD, GOOD, {"horizon": INF}, "horizon is inf; expected a finite number above 0"),
        (GOOD, GOOD, {"horizon": math.nan}, "horizon is nan"),
        *((GOOD, GOOD, {"confidence": wrong}, "above 0 and below 1") for wrong in (0, 1, 1.5)),
        (GOOD, GOOD, {"margin": 1.0}, "margin is 1; expected a finite ratio above 1"),
        (GOOD, GOOD, {"margin": INF}, "margin is inf; expected a finite ratio above 1"),
        (GOOD, GOOD, {"margin": math.nan}, "margin is nan"),
        (
            GOOD,
            GOOD,
            {"confidence": 95},
            "confidence is 95; expected a fraction above 0 and below 1; try confidence=0.95",
        ),
    ],
)
def test_refusals_say_what_arrived_and_what_to_type(variant, baseline, options, message):
    with pytest.raises(SpecError, match=re.escape(message)) as caught:
        compare(variant, baseline, **{"horizon": 30, **options})
    assert isinstance(caught.value, UsageError)
    assert "; try " in str(caught.value)


def test_inputs_are_not_changed():
    variant, baseline = np.array([10.0, INF, 12.0]), np.array([20.0, 21.0, INF])
    before = variant.copy(), baseline.copy()
    compare(variant, baseline, horizon=30)
    np.testing.assert_array_equal((variant, baseline), before)


def test_a_horizon_may_be_a_part_of_an_epoch():
    assert compare([0.2, 0.25], [0.4, 0.5], horizon=0.5, paired=False).ratio == pytest.approx(2)


@pytest.mark.parametrize(
    ("paired", "total", "censored"), [(True, "paired|3", 2), (False, "unpaired|6", 3)]
)
def test_it_says_how_it_was_computed(paired, total, censored):
    found = compare([9, INF, INF], [20, 21, INF], horizon=30, paired=paired)
    kind, number = total.split("|")
    assert found.method == f"{kind} censored t test, inverted, over {number}"
    assert found.censored == censored
