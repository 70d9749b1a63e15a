"""Learning is told apart from lag: two ratios, each as sure as promised; which lag decides."""

import math

import numpy as np
import pytest

from normwise.analysis import compare, summarise
from normwise.analysis._median import median_difference
from normwise.domain import RunKey, RunRecord, Target

TARGET = Target.parse("val_accuracy>=0.8")
SLOW = [24, 25, 27, 25, 26, 24]
OWN, LEARNED = [16, 17, 15, 16, 18, 17], [3, 3, 4, 2, 3, 3]
EPOCHS = 30


def run(variant, seed, arrives, learned=None, *, rate=0.1, size=32, epochs=EPOCHS):
    """A run that steps over the target in epoch ``arrives``, and by population in ``learned``."""
    steps = np.arange(1, epochs + 1)
    curves = {"val_accuracy": tuple(np.where(steps >= arrives, 0.9, 0.5).tolist())}
    if learned is not None:
        seen = np.where(steps >= learned, 0.9, 0.5)
        curves["population_val_accuracy"] = tuple(seen.tolist())
    key = RunKey(variant, seed, f"{rate}-{size}")
    return RunRecord(key, rate, curves, batch_size=size)


def runs(variant, arrives, learned=None, **options):
    learned = learned or [None] * len(arrives)
    return [
        run(variant, seed, *each, **options)
        for seed, each in enumerate(zip(arrives, learned, strict=True))
    ]


def lag_of(summary, name):
    return next(one.lag for one in summary.variants if one.name == name)


def found(*groups, **options):
    return summarise("x", [one for group in groups for one in group], TARGET, **options)


def test_the_learning_ratio_is_that_of_the_arrivals_by_population_statistics():
    one = found(runs("none", SLOW), runs("after", OWN, LEARNED)).comparisons[0]
    expected = compare(LEARNED, SLOW, horizon=EPOCHS)
    ratio = one.learning_ratio
    assert (ratio.value, ratio.low, ratio.high) == (expected.ratio, expected.low, expected.high)
    assert one.epochs_ratio.value == compare(OWN, SLOW, horizon=EPOCHS).ratio
    assert (one.outcome, one.learning_outcome, one.learning_confidence) == ("helps", "helps", 0.95)


def test_a_baseline_with_moving_statistics_is_timed_by_population_statistics_too():
    one = found(runs("after", OWN, LEARNED), runs("before", SLOW, SLOW)).comparisons[0]
    assert one.learning_ratio.value == compare(SLOW, LEARNED, horizon=EPOCHS).ratio


def test_without_such_curves_nothing_is_said():
    summary = found(runs("none", SLOW), runs("after", OWN))
    assert summary.comparisons[0].learning_ratio is None
    body = summary.to_json()
    assert not [key for key in body["comparisons"][0] if key.startswith("learning")]
    assert all("lag" not in variant for variant in body["variants"])


def test_a_run_of_which_some_epochs_lack_it_is_timed_by_its_own_statistics():
    """Its first epochs were trained with --no-population."""
    part = runs("after", OWN, LEARNED)
    for run_ in part:
        curve = run_.curves["population_val_accuracy"]
        run_.curves["population_val_accuracy"] = (math.nan, math.nan, *curve[2:])
    summary = found(runs("none", SLOW), part, examples=500)
    assert summary.comparisons[0].learning_ratio is None
    assert lag_of(summary, "after") is None


def test_the_two_families_are_decided_apart():
    """Of two variants, one helps by its own arrivals alone, both by what they have learned."""
    wide = [20, 31, 18, 35, 22, 28]
    summary = found(runs("none", SLOW), runs("after", OWN, LEARNED), runs("before", wide, LEARNED))
    after, before = summary.comparisons
    # Told apart first, `after` leaves `before` the whole error; learned, both leave at once.
    assert (after.confidence, before.confidence) == (0.975, 0.95)
    assert after.learning_confidence == before.learning_confidence == 0.975


def test_what_is_learned_is_asked_with_the_seeds_that_there_are():
    """One variant is decided on arriving in the first look, its learning is open, and stays so."""
    none, wide = SLOW * 2, [20, 31, 18, 35, 22, 28] * 2
    sooner = [12, 29, 14, 25, 15, 30, 13, 18, 12, 16, 14, 17]
    summary = found(
        runs("none", none),
        runs("after", OWN, wide[:6]),
        runs("before", wide, sooner),
        rounds=[6, 12],
    )
    after, before = summary.comparisons
    assert [(one.outcome, one.seeds) for one in (after, before)] == [
        ("helps", 6),
        ("undecided", 12),
    ]
    level = 1 - 0.025 / 2  # `after` keeps its place among the ratios of learning.
    expected = compare(sooner, none, horizon=EPOCHS, confidence=level)
    assert compare(sooner[:6], SLOW, horizon=EPOCHS, confidence=level).outcome == "undecided"
    assert (before.learning_outcome, before.learning_seeds) == (expected.outcome, 12)
    assert before.learning_outcome == "helps"
    assert (before.learning_ratio.low, before.learning_ratio.n) == (expected.low, 12)
    assert before.learning_confidence == pytest.approx(level)
    assert (after.learning_outcome, after.learning_seeds) == ("undecided", 6)
    assert (
        found(runs("none", none), runs("after", none, none)).comparisons[0].learning_seeds is None
    )


@pytest.mark.parametrize(
    ("own", "learned", "examples", "decides"),
    [
        (OWN, LEARNED, 500, True),  # 16 steps an epoch, 0.99 needs 298
        (OWN, LEARNED, None, True),  # steps that no one knows
        (OWN, LEARNED, 600 * 32, False),  # an epoch suffices: whatever it is, it is no lag
        (OWN, LEARNED, 298 * 32, True),  # 298.07
        (OWN, LEARNED, 299 * 32, False),
        (OWN, OWN, 500, False),
        ([10, 10, 11, 10, 11, 10], [9, 9, 10, 9, 10, 9], 500, False),  # an epoch, within the margin
        (OWN, [2, 30, 5, 30, 3, 30], 500, False),  # as the median says, but who knows
        ([math.inf] * 6, LEARNED, 500, True),
    ],
)
def test_when_lag_decides(own, learned, examples, decides):
    summary = found(runs("none", SLOW), runs("after", own, learned), examples=examples)
    assert lag_of(summary, "after").decides is decides


def test_what_lag_says_of_steps():
    summary = found(
        runs("none", SLOW),
        runs("after", OWN, LEARNED),
        runs("after:momentum=auto", LEARNED, LEARNED),
        examples=500,
    )
    lag, auto = lag_of(summary, "after"), lag_of(summary, "after:momentum=auto")
    assert (lag.momentum, lag.steps) == (0.99, 16)
    assert lag.steps_needed == pytest.approx(298.07, abs=0.01)
    assert auto.momentum == pytest.approx(0.05 ** (1 / 16))
    assert not auto.decides
    assert (lag.learned.value, lag.epochs.value) == (3.0, 14.0)
    assert lag_of(summary, "none") is None
    # The remedy takes no part in what is asked of the others.
    assert lag == lag_of(
        found(runs("none", SLOW), runs("after", OWN, LEARNED), examples=500), "after"
    )


def test_momentum_that_an_epoch_suffices_for_has_no_lag_that_decides():
    summary = found(runs("none", SLOW), runs("after:momentum=0.5", OWN, LEARNED), examples=500)
    assert not lag_of(summary, "after:momentum=0.5").decides


@pytest.mark.parametrize(("steps", "decides"), [(370, True), (374, False), (10_000, False)])
def test_a_momentum_above_keras_own_lags_where_an_epoch_has_fewer_steps(steps, decides):
    """ln 0.05 / ln 0.992 = 373 steps, more than those that 0.99 needs."""
    groups = runs("none", SLOW), runs("after:momentum=0.992", OWN, LEARNED)
    summary = found(*groups, examples=steps * 32)
    assert lag_of(summary, "after:momentum=0.992").decides is decides
    assert ("statistics" in summary.verdict) is decides


def test_runs_from_elsewhere_say_no_momentum():
    summary = found(runs("none", SLOW), runs("my bn", OWN, LEARNED), elsewhere=True)
    lag = lag_of(summary, "my bn")
    assert (lag.decides, lag.momentum, lag.steps_needed) == (True, None, None)


@pytest.mark.parametrize("n", [6, 11, 30])
@pytest.mark.parametrize("horizon", [200.0, 24.0])
def test_the_interval_of_the_median_lag_holds_it(n, horizon):
    """Own arrivals around 22 and those by population around 9: 13 epochs in the median."""
    rng = np.random.default_rng(n)
    held = []
    for soon, extra in zip(*rng.standard_normal((2, 1200, n)), strict=True):
        sooner = 9 * np.exp(0.2 * soon)
        late = sooner + 13 + 2 * extra
        sides = [np.where(side > horizon, math.inf, side) for side in (late, sooner)]
        one = median_difference(*sides, horizon=horizon)
        held.append(one.low <= 13 <= one.high)
    assert 0.9375 - 0.018 <= np.mean(held) <= 0.99
    # Cut off, it may be wider than it needs to be, and never narrower.


def test_no_lag_is_decided_in_five_percent_of_studies_at_most():
    """Three variants whose two arrivals are of one distribution, a pair sharing its luck."""
    rng = np.random.default_rng(3)
    wrong, studies = 0, 150
    for _ in range(studies):
        groups = [runs("none", SLOW * 2)]
        for name in ("after", "before", "input"):
            shared, own, other = rng.standard_normal((3, 12))
            arrive = [np.ceil(12 * np.exp(0.3 * (shared + one))).tolist() for one in (own, other)]
            groups.append(runs(name, *arrive))
        summary = found(*groups, examples=500, horizon=EPOCHS)
        wrong += any(one.lag and one.lag.decides for one in summary.variants)
    assert wrong <= 0.05 * studies + 2 * math.sqrt(0.05 * 0.95 * studies)


@pytest.mark.parametrize("arrival", ["own", "learned"])
def test_each_family_is_wrong_in_five_percent_of_studies_at_most(arrival):
    """Three variants that are the baseline's equals in one way, and truly sooner in the other."""
    rng = np.random.default_rng([7, arrival == "own"])
    wrong, studies = 0, 150
    for _ in range(studies):
        luck = rng.standard_normal(10)
        baseline, *equal = (
            np.ceil(12 * np.exp(0.3 * (0.7 * luck + 0.7 * rng.standard_normal(10)))).tolist()
            for _ in range(4)
        )
        sooner = [[max(1.0, epoch // 2) for epoch in each] for each in equal]
        order = (equal, sooner) if arrival == "own" else (sooner, equal)
        groups = [
            runs(name, *each)
            for name, *each in zip(("after", "before", "input"), *order, strict=True)
        ]
        summary = found(runs("none", baseline), *groups, horizon=EPOCHS)
        said = "outcome" if arrival == "own" else "learning_outcome"
        wrong += any(getattr(one, said) in ("helps", "hurts") for one in summary.comparisons)
    assert wrong <= 0.05 * studies + 2 * math.sqrt(0.05 * 0.95 * studies)


HIDE = (
    "statistics with momentum 0.99 hide it until epoch 16.5 (they need about 300 steps, an epoch "
)


def test_the_verdict_says_what_is_learned_what_arrives_and_what_to_do():
    said = found(runs("none", SLOW), runs("after", OWN, LEARNED), examples=500).verdict
    assert said.startswith("Normalisation helps here: `after` reaches val_accuracy>=0.8 in 16.5 ")
    expected = compare(LEARNED, SLOW, horizon=EPOCHS)
    assert (
        f"It learns {expected.ratio:.3g} times sooner ("
        f"{expected.low:.3g} to {expected.high:.3g}): {HIDE}has 16); try `after:momentum=auto` "
        f"(0.83), or `normwise recalibrate`." in said
    )


def test_the_verdict_is_about_the_remedy_where_that_was_trained():
    # Of two variants, seven seeds are the fewest that say how one ends.
    slow, own, learned = SLOW * 2, OWN * 2, LEARNED * 2
    remedy = runs("after:momentum=auto", learned, learned)
    summary = found(runs("none", slow), runs("after", own, learned), remedy, examples=500)
    assert summary.recommended == "after:momentum=auto"
    said = summary.verdict
    assert said.startswith("Normalisation helps here: `after:momentum=auto` reaches val_accuracy")
    assert ", arrives 1.53 times sooner (" in said
    assert (
        f"{HIDE}has 16); `after:momentum=auto` (0.83) arrives in 3 epochs, or `normwise recal"
        in said
    )


@pytest.mark.parametrize(
    "own", [[29, 30, 29, 30, 30, 29], [math.inf] * 6, [20, 31, 18, 35, 22, 28]]
)
def test_lag_is_not_called_learning(own):
    said = found(runs("none", SLOW), runs("after", own, LEARNED), examples=500).verdict
    assert said.startswith("Normalisation helps learning here, and its statistics hide it: `after`")
    assert "hurts" not in said


def test_lag_is_said_where_nothing_arrives():
    never = [math.inf] * 6
    said = found(runs("none", never), runs("after", never, LEARNED), examples=500).verdict
    assert said.startswith("No variant reaches val_accuracy>=0.8 within 30 epochs")
    assert "\n`after` learns in 3 epochs: statistics" in said
    assert "hide it to the end" in said


@pytest.mark.parametrize(
    ("variant", "examples"), [("after:momentum=0.5", 500), ("after", 600 * 32)]
)
def test_a_study_without_lag_says_nothing_of_it(variant, examples):
    said = found(runs("none", SLOW), runs(variant, OWN, LEARNED), examples=examples).verdict
    assert not any(word in said for word in ("learns", "statistics", "momentum=auto", "recalib"))


def test_of_runs_from_elsewhere_no_option_is_named():
    said = found(runs("none", SLOW), runs("bn", OWN, LEARNED), elsewhere=True).verdict
    assert "its moving statistics hide it until epoch 16.5; try a momentum that forgets" in said
    assert "auto" not in said
