"""What an epoch takes, what it takes against another's, and what is saved: intervals that hold."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from normwise.analysis import summarise
from normwise.analysis._pace import LEAST_ROUNDS, epoch_seconds, epoch_seconds_ratio
from normwise.analysis._saving import cost_saved
from normwise.domain import EpochTimes, Estimate, ProgramKey, Target

INF = math.inf
TARGET = Target.parse("val_accuracy>=0.8")
SLOW, FAST = [20, 25, 22, 28, 24, 21], [10, 12, 11, 14, 12, 10]


def rounds(walls, calm=None):
    return EpochTimes(tuple(walls), tuple(walls), tuple(calm or [True] * len(walls)))


def test_the_interval_is_students_on_logarithms():
    ours, theirs = [1.0, 1.1, 0.9, 1.3, 1.0], [0.5, 0.6, 0.4, 0.6, 0.7]
    found = epoch_seconds_ratio(rounds(ours), rounds(theirs), 0.9)
    logs = np.log(theirs) - np.log(ours)
    low, high = stats.t.interval(0.9, 4, logs.mean(), stats.sem(logs))
    assert (found.value, found.low, found.high) == pytest.approx(
        (np.exp(logs.mean()), np.exp(low), np.exp(high))
    )
    alone = epoch_seconds(rounds(ours), 0.9)
    assert alone.value == pytest.approx(stats.gmean(ours))
    assert alone.n == 5


def test_rounds_on_a_busy_machine_do_not_count():
    ours = rounds([1.0, 9.0, 1.0, 1.0, 1.0, 1.0], [1, 0, 1, 1, 1, 1])
    theirs = rounds([2.0, 2.0, 8.0, 2.0, 2.0, 2.0], [1, 1, 0, 1, 1, 1])
    found = epoch_seconds_ratio(ours, theirs, 0.95)
    assert (found.value, found.low, found.high, found.n) == pytest.approx((2.0, 2.0, 2.0, 4))


def test_a_machine_that_was_busy_all_the_time_tells_nothing():
    few = [1] * (LEAST_ROUNDS - 1) + [0, 0, 0]
    busy = rounds([1.0, 2.0, 1.0, 3.0, 1.0, 2.0], few)
    found = epoch_seconds_ratio(rounds([1.0] * 6), busy, 0.95)
    assert math.isnan(found.value)
    assert math.isnan(epoch_seconds(busy, 0.95).low)
    assert epoch_seconds(busy, 0.95).value == busy.seconds


def test_a_single_figure_has_no_interval():
    assert epoch_seconds(EpochTimes((1.0,)), 0.95) is None
    assert epoch_seconds_ratio(EpochTimes((1.0,)), rounds([1.0] * 6), 0.95) is None
    assert epoch_seconds_ratio(None, rounds([1.0] * 6), 0.95) is None


def noise(draw, kind):
    """Of a round's log ratio: what differs between the two models while the machine was free."""
    if kind == "normal":
        return draw.gauss(0, 0.05)
    if kind == "bursts":  # one of the two is interrupted in a fifth of the rounds
        return draw.gauss(0, 0.02) + (draw.random() < 0.2) * draw.choice([-1, 1]) * draw.random()
    return draw.choice([-1, 1]) * 0.03 * draw.expovariate(1)


@pytest.mark.parametrize("kind", ["normal", "bursts", "peaked"])
def test_the_epochs_ratio_covers_the_truth(kind):
    draw, hits, studies = random.Random(7), 0, 1500
    for _ in range(studies):
        load = [math.exp(draw.gauss(0, 0.5)) for _ in range(6)]  # slows both alike
        ours = rounds([1.2 * own for own in load])
        theirs = rounds([own * math.exp(noise(draw, kind)) for own in load])
        found = epoch_seconds_ratio(ours, theirs, 0.95)
        hits += found.low <= 1 / 1.2 <= found.high
    assert hits / studies >= 0.935


@pytest.mark.parametrize(("spread", "own"), [(0.05, 0.2), (0.2, 0.2), (0.3, 0.05)])
def test_the_product_of_two_ratios_covers_the_truth(spread, own):
    """Each of its factors has Student's interval: of ten seeds, and of six rounds."""
    draw, hits, studies = np.random.Generator(np.random.MT19937(3)), 0, 3000

    def estimate(sample):
        half = stats.t.ppf(0.975, sample.shape[1] - 1) * stats.sem(sample, axis=1)
        mean = sample.mean(axis=1)
        return zip(np.exp(mean), np.exp(mean - half), np.exp(mean + half), strict=True)

    epochs = estimate(draw.normal(math.log(2.0), own, (studies, 10)))
    paces = estimate(draw.normal(math.log(0.7), spread, (studies, 6)))
    for epoch, pace in zip(epochs, paces, strict=True):
        found = Estimate(*epoch).times(Estimate(*pace))
        hits += found.low <= 1.4 <= found.high
    assert 0.94 <= hits / studies <= 0.975


def test_what_has_no_bound_keeps_none():
    pace = Estimate(0.5, 0.4, 0.8)
    assert Estimate(INF, 3.0, INF).times(pace).low == pytest.approx(1.2)
    assert math.isinf(Estimate(2.0, 1.0, INF).times(pace).high)
    assert Estimate(0.0, 0.0, 0.5).times(pace).high == pytest.approx(0.4)
    assert Estimate(2.0, 0.0, 3.0).times(pace).low == 0
    unknown = Estimate(2.0, 1.0, 3.0).times(Estimate(0.5, math.nan, math.nan))
    assert (unknown.value, math.isnan(unknown.low), math.isnan(unknown.high)) == (1.0, True, True)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_what_is_saved_covers_the_truth(scale):
    draw, hits, studies = np.random.Generator(np.random.MT19937(5)), 0, 3000

    def estimates(mean, deviation):
        sample = draw.normal(mean, deviation, (studies, 10))
        half = stats.t.ppf(0.975, 9) * stats.sem(sample, axis=1)
        means = sample.mean(axis=1)
        return [Estimate(*one) for one in np.stack([means, means - half, means + half], axis=1)]

    pairs = zip(estimates(50, 4), estimates(20, 4 * scale), strict=True)
    for baseline, variant in pairs:
        found = cost_saved(baseline, variant)
        hits += found.low <= 30 <= found.high
    assert 0.94 <= hits / studies <= 0.975


def test_what_never_arrives_saves_at_least_what_is_known():
    never, known = Estimate(INF, 10.0, INF), Estimate(4.0, 3.0, 6.0)
    saved = cost_saved(never, known)
    assert (saved.value, saved.low, saved.high) == (INF, 4.0, INF)
    lost = cost_saved(known, never)
    assert (lost.value, lost.low, lost.high) == (-INF, -INF, -4.0)
    busy = cost_saved(Estimate(4.0, math.nan, math.nan), known)
    assert math.isnan(busy.value)


def summary(study, ours, theirs, **settings):
    times = {ProgramKey("none", None): theirs, ProgramKey("after", None): ours}
    return summarise("x", study(none=SLOW, after=FAST), TARGET, times=times, **settings)


def test_an_uncertain_epoch_makes_seconds_less_certain(study):
    wobbly = rounds([1.0, 1.4, 0.8, 1.1, 1.2, 0.9])
    sure = summary(study, rounds([1.0] * 6), rounds([1.0] * 6)).comparisons[0]
    found = summary(study, wobbly, rounds([1.0] * 6)).comparisons[0]
    pace, epochs, seconds = found.epoch_seconds_ratio, found.epochs_ratio, found.seconds_ratio
    assert sure.seconds_ratio == sure.epochs_ratio
    assert seconds.value == pytest.approx(epochs.value * pace.value)
    for end in ("low", "high"):
        sides = (getattr(one, end) / one.value for one in (epochs, pace))
        squares = sum(math.log(side) ** 2 for side in sides)
        assert math.log(getattr(seconds, end) / seconds.value) ** 2 == pytest.approx(squares)


def test_the_verdict_says_that_an_epoch_takes_about_as_long(study):
    near = rounds([1.0, 1.1, 0.95, 1.0, 1.05, 0.9])
    assert "times in seconds (an epoch takes about as long)" in summary(
        study, near, rounds([1.0] * 6)
    ).verdict  # fmt: skip
    longer = summary(study, rounds([1.3] * 6), rounds([1.0] * 6)).verdict
    assert "times in seconds" in longer
    assert "about as long" not in longer


def test_the_verdict_has_the_ratio_of_an_epoch_that_the_seconds_are_of(study):
    """In each round that both share an epoch takes three times as long; the means of all lie further apart."""
    ours = rounds([3.0, 3.0, 3.0, 3.0, 9.0, 9.0, 9.0])
    theirs = rounds([1.0] * 7, [1, 1, 1, 1, 0, 0, 0])
    found = summary(study, ours, theirs)
    none, after = (one.seconds_per_epoch for one in found.variants)
    assert after / none != pytest.approx(3, rel=0.1)
    assert ", since an epoch takes 3 times as long" in found.verdict


def test_the_verdict_says_where_seconds_are_open(study):
    found = summary(study, rounds([1.8, 2.4, 2.2, 1.6, 2.8, 2.1]), rounds([1.0] * 6))
    ratio = found.comparisons[0].seconds_ratio
    assert ratio.low < 1 < ratio.high
    assert f" (open: {ratio.low:.2g} to {ratio.high:.2g})" in found.verdict


def test_the_verdict_says_that_a_busy_machine_cannot_tell(study):
    busy = rounds([1.0, 5.0, 2.0, 9.0, 1.0, 4.0], [False] * 6)
    found = summary(study, busy, rounds([1.0] * 6), price=36.0)
    assert ", in seconds it cannot be told (busy machine)" in found.verdict
    [compared] = found.comparisons
    assert math.isnan(compared.seconds_ratio.value)
    assert math.isnan(compared.cost_saved.value)
    assert found.to_json()["comparisons"][0]["seconds_ratio"]["value"] is None


def test_what_is_saved_in_money(study):
    found = summary(study, rounds([0.2] * 6), rounds([0.1] * 6), price=36.0)
    [base, variant], [compared] = found.variants, found.comparisons
    assert compared.cost_saved.value == pytest.approx(base.cost.value - variant.cost.value)
    assert "cost_saved" not in summary(study, rounds([1.0] * 6), rounds([1.0] * 6)).to_json()["comparisons"][0]  # fmt: skip


def test_what_early_stopping_saves(record):
    run = record("none", 0, INF)
    losses = (0.9, 0.5, 0.6, 0.7, *[0.4] * (run.epochs - 4))
    runs = [type(run)(run.key, run.learning_rate, {**run.curves, "val_loss": losses})]
    times = {ProgramKey("none", None): rounds([2.0] * 6)}
    [found] = summarise("x", runs, TARGET, times=times, price=1800.0, patience=2).variants
    stop = found.early_stopping
    assert stop.epochs_saved.value == run.epochs - 4
    # Of a single value x from 0 on, a mean below x times 2.5% is what chance alone rules out.
    assert stop.epochs_saved.low == pytest.approx(0.025 * (run.epochs - 4))
    assert stop.seconds_saved.value == pytest.approx(2.0 * (run.epochs - 4))
    assert stop.cost_saved.value == pytest.approx(run.epochs - 4)
    [alone] = summarise("x", runs, TARGET, patience=2).variants
    assert alone.early_stopping.seconds_saved is None
