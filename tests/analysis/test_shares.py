"""Shares that never arrive, against published intervals and the likelihood itself."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import optimize, stats

from normwise.analysis import compare, summarise
from normwise.analysis._never_words import never_words
from normwise.analysis._shares import never_arrives, never_difference
from normwise.domain import Comparison, EpochsToTarget, Estimate, Target, VariantSummary

INF = math.inf


def variant(name):
    times = EpochsToTarget(Estimate(9, 8, 10), Estimate(9, 8, 10), 30, 0, 0)
    return VariantSummary(name, 30, {}, times, math.nan, 0.1)


def compared(name, outcome, ratio):
    found = Estimate(ratio, ratio / 2, 2 * ratio)
    return Comparison(name, "none", outcome, found, found)


def pairs(both, ours, theirs, neither):
    """Epochs of pairs of which so many lost both members, one, or none."""
    lost = [(INF, INF)] * both + [(INF, 9.0)] * ours + [(9.0, INF)] * theirs
    return zip(*lost, *[(9.0, 9.0)] * neither, strict=True)


def likeliest(more, less, n, difference):
    """The chance of "only the baseline lost", by maximising the likelihood of all pairs."""

    def loss(share):
        chances = (share + difference, share, 1 - 2 * share - difference)
        return -sum(
            k * math.log(p)
            for k, p in zip((more, less, n - more - less), chances, strict=True)
            if k
        )

    low, high = max(0.0, -difference), (1 - difference) / 2
    inside = (high - low) * 1e-9
    return optimize.minimize_scalar(
        loss, bounds=(low + inside, high - inside), method="bounded", options={"xatol": 1e-12}
    ).x


@pytest.mark.parametrize(
    ("more", "less", "n"), [(12, 2, 50), (7, 1, 21), (1, 3, 12), (5, 0, 20), (0, 0, 1)]
)
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_a_difference_of_pairs_ends_where_the_score_test_rejects(more, less, n, confidence):
    found = never_difference(
        *pairs(0, more, less, n - more - less), paired=True, confidence=confidence
    )
    assert found.value == pytest.approx((more - less) / n)
    z = stats.norm.ppf(0.5 + confidence / 2)
    for end, wanted in ((found.low, z), (found.high, -z)):
        share = likeliest(more, less, n, end)
        variance = n * (2 * share + end * (1 - end))
        score = (more - less - n * end) / math.sqrt(variance)
        assert score == pytest.approx(wanted, abs=1e-4)


def test_airways_before_and_after_a_transplantation():
    """Bentur 2009 by Tango's interval, as in Fagerland, Lydersen & Laake (2017), chapter 8."""
    found = never_difference(*pairs(1, 1, 7, 12), paired=True)
    assert (found.low, found.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize(("lost", "interval"), [((56, 48), (0.0524, 0.3339)), ((9, 3), None)])
def test_a_difference_of_two_samples_is_newcombes(lost, interval):
    """56 of 70 against 48 of 80 is the first example of his paper."""
    sizes = (70, 80) if interval else (10, 10)
    sides = [[INF] * k + [9.0] * (n - k) for k, n in zip(lost, sizes, strict=True)]
    found = never_difference(*sides, paired=False)
    if interval:
        assert (found.low, found.high) == pytest.approx(interval, abs=5e-5)
    turned = never_difference(*sides[::-1], paired=False)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (5, 0), (0, 5), (5, 5), (3, 3)])
def test_all_or_none_lost_stays_within_what_can_be(ours, theirs, paired):
    sides = [[INF] * k + [9.0] * (5 - k) for k in (ours, theirs)]
    found = never_difference(*sides, paired=paired)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize("chances", [(0.1, 0.1), (0.5, 0.2), (0.7, 0.7)])
@pytest.mark.parametrize("paired", [True, False])
def test_they_hold_the_truth(chances, paired):
    draw = np.random.default_rng(int(100 * chances[1])).random((500, 2, 12))
    epochs = np.where(draw < np.reshape(chances, (2, 1)), INF, 9.0)
    held = [
        one.low <= chances[0] - chances[1] <= one.high
        for ours, theirs in epochs
        for one in [never_difference(ours, theirs, paired=paired)]
    ]
    assert np.mean(held) >= 0.95 - 3 * 0.0097


def test_a_share_is_clopper_and_pearsons():
    found = never_arrives([INF] * 12 + [9.0] * 18)
    ends = stats.beta.ppf([0.025, 0.975], [12, 13], [19, 18])
    assert (found.low, found.high) == pytest.approx(tuple(ends))
    assert (found.value, found.n, found.censored) == (0.4, 30, 12)
    for lost in (0, 1, 5):
        one = never_arrives([INF] * lost + [9.0] * (5 - lost), 0.9)
        ends = stats.binomtest(lost, 5).proportion_ci(0.9, "exact")
        assert (one.low, one.high) == pytest.approx((ends.low, ends.high))


def test_a_summary_says_how_many_never_arrive_and_how_fast_the_others_are(study):
    slow = [20, 22, 24, 21, 23, 25, 20, 22, 26, 21]
    fast = [10, 11, 12, INF, 11, 12, INF, 11, 13, INF]
    found = summarise("x", study(none=slow, after=fast), Target.parse("val_accuracy>=0.8"))
    none, after = found.variants
    assert none.never is None
    assert (after.never.value, after.never.low) == (0.3, pytest.approx(0.0667, abs=1e-4))
    [one] = found.comparisons
    assert one.never_difference.value == pytest.approx(0.3)
    arrive = [i for i in range(10) if fast[i] < INF]
    alone = compare([fast[i] for i in arrive], [slow[i] for i in arrive], horizon=30)
    assert (one.learners_ratio.value, one.learners_ratio.n) == (alone.ratio, 7)
    assert one.learners_ratio.low == alone.low
    body = found.to_json()
    assert body["comparisons"][0]["learners_ratio"]["value"] == alone.ratio


def test_one_that_helps_and_credibly_never_arrives_more_often_says_so_at_once():
    table = {
        name: dataclasses.replace(variant(name), seeds=30, never=never_arrives(epochs))
        for name, epochs in (("none", [9.0] * 30), ("after", [INF] * 12 + [9.0] * 18))
    }
    more = never_difference([INF] * 12 + [9.0] * 18, [9.0] * 30, paired=True)
    helps = dataclasses.replace(compared("after", "helps", 2.0), never_difference=more)
    words = ", but credibly more often never: 12 of 30 replicas, of `none` 0 of 30"
    assert never_words(table, helps) == words
    for other in (
        dataclasses.replace(helps, outcome="hurts"),
        dataclasses.replace(helps, never_difference=None),
        dataclasses.replace(helps, never_difference=dataclasses.replace(more, low=0.0)),
    ):
        assert never_words(table, other) == ""
