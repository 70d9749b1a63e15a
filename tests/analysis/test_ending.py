"""How a variant ends: the sign test, divergence as the worst rank, margins, and how often it errs."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from normwise.analysis import summarise
from normwise.analysis._end_margin import default_end_margin
from normwise.analysis._end_power import seeds_for_ending
from normwise.analysis._ending import ending
from normwise.analysis._final import final_gain
from normwise.analysis._judged import Measures, judged_runs
from normwise.analysis._order import outer_rank, typical
from normwise.domain import RunKey, RunRecord, Target

INF = math.inf
TARGET = Target.parse("val_accuracy>=0.8")


def run(variant, seed, final, *, first=0.5, diverged=False):
    """Three epochs; `first` says whether it arrives at once."""
    key, curve = RunKey(variant, seed, "a"), (first, 0.85, final)
    if diverged:
        return RunRecord(key, 0.1, {"val_accuracy": (first, 0.85, math.nan)}, diverged_at=3)
    return RunRecord(key, 0.1, {"val_accuracy": curve})


def runs_of(variant, finals, *, first=0.5, start=0):
    """One run a final value; NaN for one that diverges."""
    return [
        run(variant, start + seed, final, first=first, diverged=math.isnan(final))
        for seed, final in enumerate(finals)
    ]


def study(ours, theirs, start=0, **options):
    """A variant that arrives in epoch 1 instead of 2, with these ends, against a baseline."""
    records = [*runs_of("none", theirs), *runs_of("after", ours, first=0.85, start=start)]
    return summarise("x", records, TARGET, **options)


def ending_of(ours, theirs, **options):
    [compared] = study(ours, theirs, **options).comparisons
    return compared.ending


@pytest.mark.parametrize("n", range(1, 45))
@pytest.mark.parametrize("confidence", [0.75, 0.95, 0.975, 1 - 0.05 / 9])
def test_the_rank_is_that_of_the_sign_test(n, confidence):
    """The largest whose interval a two-sided binomial test at this level does not reject."""
    error = 1 - confidence + 1e-12
    fine = [r for r in range(1, n // 2 + 1) if 2 * stats.binom.cdf(r - 1, n, 0.5) <= error]
    assert outer_rank(n, confidence) == max(fine, default=0)


def test_the_typical_value_is_the_median_between_two_order_statistics():
    values = [0.1, 0.9, 0.5, 0.4, 0.7, 0.6, 0.2, 0.3, 0.8, 1.0]
    found = typical(values, 0.95)
    assert (found.value, found.low, found.high, found.n) == (pytest.approx(0.55), 0.2, 0.9, 10)
    assert typical(values[:5]).low == -INF
    few = typical(values[:5], 0.95, 0.0125)
    assert (few.low, few.high) == (0.1, 0.9)
    # Where more replicas hold it anyway, the shortfall makes nothing narrower.
    assert typical(values, 0.95, 0.0125) == found
    assert math.isnan(typical([]).value)


def test_what_diverged_ranks_worst():
    found = typical([0.1, -INF, 0.3, -INF], 0.5)
    assert (found.value, found.low, found.high, found.censored) == (-INF, -INF, 0.3, 2)
    assert typical([0.1, -INF, 0.3]).value == 0.1
    assert typical([INF, 0.1]).value == 0.1


def test_a_final_gain_is_turned_and_divergence_is_minus_infinity():
    done = RunRecord(RunKey("none", 0, "a"), 0.1, {"loss": (0.9, 0.4), "accuracy": (0.5, 0.7)})
    assert final_gain(done, "loss", rising=False) == -0.4
    assert final_gain(done, "accuracy", rising=True) == 0.7
    lost = dataclasses.replace(done, diverged_at=2)
    assert final_gain(lost, "loss", rising=False) == -INF
    unmeasured = dataclasses.replace(done, curves={"loss": (math.nan, math.nan)})
    assert math.isnan(final_gain(unmeasured, "loss", rising=False))
    at_once = dataclasses.replace(unmeasured, diverged_at=1)
    assert final_gain(at_once, "loss", rising=False) == -INF
    silent = dataclasses.replace(done, curves={"loss": (0.9, INF)})
    assert final_gain(silent, "loss", rising=False) == -INF
    # Nothing is known of what was stopped, or not measured.
    assert math.isnan(final_gain(dataclasses.replace(done, stopped_at=1), "loss", rising=False))
    assert math.isnan(final_gain(done, "auc", rising=True))


LEVEL = [0.90, 0.91, 0.89, 0.90, 0.92, 0.88, 0.90]
BAD = [final - 0.03 for final in LEVEL]


@pytest.mark.parametrize(
    ("ours", "theirs", "outcome"),
    [
        ([final + 0.002 for final in LEVEL], LEVEL, "better"),
        (LEVEL, LEVEL, "no worse"),
        ([final - 0.005 for final in LEVEL], LEVEL, "no worse"),  # credibly, by less than matters
        (BAD, LEVEL, "worse"),
        ([*LEVEL[:6], 0.8], LEVEL, "open"),
        (LEVEL[:5], LEVEL[:5], "open"),  # five seeds bound no median at 95%
        (LEVEL[:6], LEVEL[:6], "no worse"),
        ([math.nan, *LEVEL[1:]], LEVEL, "open"),
        ([math.nan, *[final + 0.05 for final in LEVEL[1:]]], LEVEL, "open"),
        (LEVEL, [math.nan, *LEVEL[1:]], "no worse"),
        ([math.nan] * 7, LEVEL, "worse"),
        (LEVEL, [math.nan] * 7, "better"),
        ([math.nan] * 7, [math.nan] * 7, "no worse"),  # they end alike
    ],
)
def test_what_ends_how(ours, theirs, outcome):
    assert ending_of(ours, theirs).outcome == outcome


def test_a_margin_of_ones_own_decides():
    assert ending_of(BAD, LEVEL, end_margin=0.02).outcome == "worse"
    found = ending_of(BAD, LEVEL, end_margin=0.03)  # the same up to rounding
    assert (found.outcome, found.margin) == ("no worse", 0.03)
    assert ending_of([*LEVEL[:6], 0.8], LEVEL, end_margin=0.0).outcome == "open"


def test_more_divergence_is_said_and_never_recommended():
    found = study([math.nan, math.nan, *LEVEL[2:]] * 4, [math.nan, *LEVEL[1:]] * 4)
    [compared] = found.comparisons
    assert compared.outcome == "helps"
    one = compared.ending
    assert (one.diverged, one.replicas, one.baseline_diverged, one.baseline_replicas) == (
        8,
        28,
        4,
        28,
    )
    assert found.recommended == "none"
    assert (
        ", but diverges more often than `none` (8 of 28 replicas instead of 4 of 28), so `none` "
        "stays recommended" in found.verdict
    )
    rarer = study([math.nan, *LEVEL[1:]] * 4, [math.nan, math.nan, *LEVEL[2:]] * 4)
    assert rarer.recommended == "after"


def test_a_loss_is_judged_as_its_opposite():
    def turned(runs):
        return [
            dataclasses.replace(one, curves={"val_loss": tuple(1 - v for v in one.curves["val_accuracy"])})
            for one in runs
        ]  # fmt: skip

    ours = [final - 0.004 for final in LEVEL[:-1]] + [math.nan]
    runs = turned(runs_of("none", [*LEVEL[:-1], math.nan])) + turned(
        runs_of("after", ours, first=0.85)
    )
    found = summarise("x", runs, Target.parse("val_loss<=0.2"))
    [compared] = found.comparisons
    difference = compared.ending.difference
    assert difference.value == pytest.approx(0.004)
    assert (difference.low, difference.high) == (0.0, pytest.approx(0.004))
    # The baseline's median loss is 0.1, of seven with one that diverged; 2% of it are too few.
    assert compared.ending.margin == pytest.approx(0.02 * 0.1)
    none, after = found.variants
    assert none.final_median["val_loss"].value == pytest.approx(0.1)
    assert after.final_median["val_loss"].high == INF
    body = found.to_json()
    assert body["variants"][1]["final"]["val_loss"]["median"] == {
        "value": pytest.approx(0.104), "low": pytest.approx(0.084), "high": None,
    }  # fmt: skip
    assert body["comparisons"][0]["ending"]["outcome"] == "open"


def test_the_difference_of_other_seeds_is_that_of_the_medians():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0.95, 0.01, 12), rng.normal(0.85, 0.01, 14)
    one = ending_of(ours, theirs, start=100)
    mine, other = typical(ours, 0.975), typical(theirs, 0.975)
    assert (one.outcome, one.difference.n) == ("better", 26)
    assert one.difference.value == pytest.approx(np.median(ours) - np.median(theirs))
    assert (one.difference.low, one.difference.high) == (
        mine.low - other.high,
        mine.high - other.low,
    )
    few = ending_of(ours[:5], theirs[:5], start=100)
    assert (few.outcome, few.difference.low, few.difference.high) == ("open", -INF, INF)
    lost = ending_of([math.nan] * 12, theirs, start=100)
    assert (lost.outcome, lost.difference.value, lost.difference.high) == ("worse", -INF, -INF)
    gone = ending_of(ours, [math.nan] * 14, start=100)
    assert (gone.outcome, gone.difference.low) == ("better", INF)
    nobody = ending_of([math.nan] * 12, [math.nan] * 14, start=100)
    assert (nobody.outcome, nobody.difference.value) == ("open", 0.0)


@pytest.mark.parametrize(
    ("baseline", "bounds", "rising", "margin"),
    [
        (0.6, (0, 1), True, 0.01), (0.97, (0, 1), True, 0.006), (1.0, (0, 1), True, 0.0),
        (0.02, (-INF, 1), True, 0.01), (-0.5, (-INF, 1), True, 0.01),
        (60.0, (0, 100), True, 1.0), (97.0, (0, 100), True, 0.6),
        (0.35, (-INF, INF), False, 0.007), (3000.0, (-INF, INF), False, 60.0),
        (-2.0, (-INF, INF), False, 0.04), (30.0, (-INF, INF), True, 0.6),
        (0.1, (0, 1), False, 0.002), (INF, (-INF, INF), False, 0.0), (-INF, (0, 1), True, 0.0),
    ],
)  # fmt: skip
def test_the_default_margin_means_something_everywhere(baseline, bounds, rising, margin):
    assert default_end_margin(baseline, bounds, rising=rising) == pytest.approx(margin)


def test_the_level_is_shared_among_comparisons_and_looks():
    records = [one for name in ("none", "a", "b", "c") for one in runs_of(name, LEVEL * 2)]
    levels = [c.ending.confidence for c in summarise("x", records, TARGET).comparisons]
    assert levels == pytest.approx([1 - 0.05 / 3] * 3)
    looks = summarise("x", records, TARGET, rounds=(7, 14)).comparisons
    assert [c.ending.confidence for c in looks] == pytest.approx([1 - 0.05 / 6] * 3)


@pytest.mark.parametrize(("share", "confidence"), [(0.0, 0.95), (0.2, 0.95), (0.2, 0.975)])
def test_as_many_seeds_as_are_foreseen_settle_it(share, confidence):
    n = 10
    gains = [-1.0] * round(share * n) + [0.5] * (n - round(share * n))
    needed = seeds_for_ending(gains, 0.1, confidence)
    smoothed = (round(share * n) + 0.5) / (n + 1)

    def settles(seeds):
        # Few enough beyond the margin for the sign test: its p-value, by SciPy.
        few = [
            k for k in range(seeds // 2) if stats.binomtest(k, seeds, 0.5).pvalue <= 1 - confidence
        ]
        return bool(few) and stats.binom.cdf(max(few), seeds, smoothed) >= 0.8

    assert settles(needed)
    assert not any(settles(seeds) for seeds in range(n + 1, needed))


def test_what_cannot_be_foreseen_is_not():
    assert seeds_for_ending([], 0.1, 0.95) is None
    assert seeds_for_ending([-1.0, 1.0] * 5, 0.1, 0.95) is None
    # "Worse" may be what settles it.
    assert seeds_for_ending([-1.0] * 5, 0.1, 0.95) == seeds_for_ending([1.0] * 5, 0.1, 0.95)


def test_the_seeds_of_a_grid_count_those_that_choose():
    records = runs_of("none", LEVEL[:5]) + runs_of("after", [f - 0.009 for f in LEVEL[:5]])
    alone = summarise("x", records, TARGET).comparisons[0].ending.seeds_needed
    grid = [
        dataclasses.replace(
            one,
            key=RunKey(one.key.variant, 2 * one.key.seed + judges, f"{rate}"),
            learning_rate=rate,
            curves=one.curves if rate == 0.1 else {"val_accuracy": (0.1, 0.1, 0.1)},
        )
        for one in records
        for judges in (0, 1)
        for rate in (0.1, 0.3)
    ]
    assert summarise("x", grid, TARGET).comparisons[0].ending.seeds_needed == 2 * alone


# How often it errs. Seeds, spread and chances are drawn here, by NumPy's generator, and what is
# promised is at most 5%: a share of 500 may be 7.3% by chance (three standard errors).
MOST = 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def outcomes(ours, theirs, confidence=0.95):
    """How the variants of studies end, one a row; none is timed, which takes most of a summary."""
    measures = Measures(TARGET, 3, 1.25, None, confidence, {})
    return [
        ending(*(judged_runs("x", runs_of("x", row), TARGET) for row in rows), measures, confidence)
        .outcome
        for rows in zip(ours, theirs, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("n", [6, 10])
def test_what_ends_worse_is_rarely_said_to_end_no_worse(n):
    rng = np.random.default_rng(n)
    theirs, ours = rng.normal(0.90, 0.01, (500, n)), rng.normal(0.87, 0.01, (500, n))
    kinds = outcomes(ours, theirs)
    assert kinds.count("no worse") + kinds.count("better") <= 0.05 * 500
    assert kinds.count("worse") > 0.5 * 500


@pytest.mark.parametrize("n", [6, 10])
def test_what_diverges_in_three_of_ten_ends_no_worse_only_where_none_did(n):
    rng = np.random.default_rng(n)
    theirs = rng.normal(0.90, 0.005, (500, n))
    ours = np.where(rng.random((500, n)) < 0.3, math.nan, theirs + 0.001)
    kinds = np.array(outcomes(ours, theirs))
    lucky = ~np.isnan(ours).any(axis=1)
    assert set(kinds[lucky]) == {"better"}
    assert set(kinds[~lucky]) <= {"open", "worse"}


def test_of_nine_that_end_alike_some_is_told_apart_in_few_studies():
    rng = np.random.default_rng(9)
    size = (500, 10, 10)  # studies, the baseline and nine variants, seeds
    finals = np.where(rng.random(size) < 0.1, 0.5, rng.normal(0.9, 0.01, size))
    told = np.zeros(500, bool)
    for variant in range(1, 10):
        kinds = outcomes(finals[:, variant], finals[:, 0], 1 - 0.05 / 9)
        told |= np.isin(kinds, ["better", "worse"])
    assert told.mean() <= MOST
