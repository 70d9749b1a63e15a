"""In a grid a variant learns where it learns soonest, and arrives where it arrives soonest."""

import math

import numpy as np
import pytest

from normwise.analysis import compare, summarise
from normwise.domain import Condition, RunKey, RunRecord, Target

TARGET, EPOCHS, SEEDS = Target.parse("val_accuracy>=0.8"), 30, 14
NEVER, EXAMPLES = EPOCHS + 1, 500
JUDGING = range(1, SEEDS, 2)
# Each seed's luck, which choosing and judging seeds have alike.
LUCK = [0, 0, 1, 1, 0, 1, 2, 1, 1, 2, 0, 0, 1, 1]


def curve(arrives):
    return tuple(np.where(np.arange(1, EPOCHS + 1) >= arrives, 0.9, 0.5).tolist())


def runs(variant, own, learned=None, *, size=32, rate=0.1, seeds=range(SEEDS), depth=None):
    """At one point: epochs of the first seed, or of each; others by their luck later."""
    made = []
    for seed in seeds:
        curves = {"val_accuracy": curve(_of(own, seed))}
        if learned is not None:
            curves["population_val_accuracy"] = curve(_of(learned, seed))
        key = RunKey(variant, seed, f"{size}-{rate}-{depth}")
        made.append(RunRecord(key, rate, curves, batch_size=size, depth=depth))
    return made


def _of(arrives, seed):
    return arrives[seed] if isinstance(arrives, list) else arrives + LUCK[seed]


def judged(arrives):
    return [_of(arrives, seed) for seed in JUDGING]


def found(*groups, **options):
    records = [run for group in groups for run in group]
    return summarise("x", records, TARGET, **{"examples": EXAMPLES, **options})


def variant(summary, name):
    return next(one for one in summary.variants if one.name == name)


NONE = [*runs("none", 20, size=4), *runs("none", 26, size=100)]
# It arrives where it learns slowly; where it learns at once, an epoch has five steps.
LATE = [*runs("after", 23, 22, size=4), *runs("after", NEVER, 3, size=100)]
REMEDY = [
    *runs("after:momentum=auto", 22, 22, size=4),
    *runs("after:momentum=auto", 4, 3, size=100),
]


def test_what_it_learns_is_asked_where_it_learns_soonest_on_the_seeds_that_judge():
    summary = found(NONE, LATE)
    late, [one] = variant(summary, "after"), summary.comparisons
    assert late.condition == Condition(0.1, None, 4)
    assert late.lag.point == late.learns_at == Condition(0.1, None, 100)
    expected = compare(judged(3), judged(20), horizon=EPOCHS)
    ratio = one.learning_ratio
    assert (ratio.value, ratio.low, ratio.high) == (expected.ratio, expected.low, expected.high)
    assert one.learning_outcome == "helps"
    assert one.epochs_ratio.value == compare(judged(23), judged(20), horizon=EPOCHS).ratio
    assert late.lag.learned.value == np.median(judged(3))


def test_lag_lies_between_where_it_learns_and_where_it_arrives():
    lag = variant(found(NONE, LATE), "after").lag
    assert lag.decides
    assert lag.epochs.value == 20  # of every seed: 23 + luck, less 3 + luck
    assert (lag.steps, lag.momentum) == (5, 0.99)


def test_half_of_the_seeds_choose_where_it_learns_and_do_not_judge_it():
    """At size 100 those that choose learn at once, and those that judge late."""
    split = [2 if seed % 2 == 0 else 28 for seed in range(SEEDS)]
    grid = [*runs("after", 23, 22, size=4), *runs("after", NEVER, split, size=100)]
    lag = variant(found(NONE, grid), "after").lag
    assert (lag.point.batch_size, lag.learned.value, lag.decides) == (100, 28, False)


def test_a_baseline_learns_where_it_learns_soonest_too():
    other = [*runs("before", 12, 12, size=4), *runs("before", 25, 25, size=100)]
    [one] = found(LATE, other, baseline="after").comparisons
    assert one.learning_ratio.value == compare(judged(12), judged(3), horizon=EPOCHS).ratio
    assert one.epochs_ratio.value == compare(judged(12), judged(23), horizon=EPOCHS).ratio


def test_where_both_are_best_at_one_point_it_stays_there():
    grid = [*runs("after", 17, 4, size=4), *runs("after", 25, 9, size=100)]
    summary = found(NONE, grid)
    late, [one] = variant(summary, "after"), summary.comparisons
    assert late.lag.point is None
    assert late.learns_at == late.condition == Condition(0.1, None, 4)
    assert one.learning_ratio.value == compare(judged(4), judged(20), horizon=EPOCHS).ratio
    assert "point" not in next(
        body["lag"] for body in summary.to_json()["variants"] if body["name"] == "after"
    )
    assert "batch size" not in summary.verdict


def test_where_the_seeds_that_judge_did_not_train_that_point_it_stays_where_it_arrives():
    """As in a grid that was pruned by an earlier version."""
    choosing = [run for run in LATE if run.batch_size == 4 or run.key.seed % 2 == 0]
    lag = variant(found(NONE, choosing), "after").lag
    assert (lag.point, lag.learned.value) == (None, np.median(judged(22)))


def test_statistics_that_an_epoch_suffices_for_where_it_learns_do_not_lag():
    """Whatever makes it arrive late: at that point an epoch has more steps than they need."""
    grid = [*runs("after", 23, 22, size=100), *runs("after", NEVER, 3, size=4)]
    assert variant(found(NONE, grid, examples=1196), "after").lag.decides is False  # 299 steps
    assert variant(found(NONE, grid, examples=1192), "after").lag.decides is True


def test_the_verdict_says_that_statistics_hide_it_and_names_both_points():
    summary = found(NONE, LATE)
    said = summary.verdict
    assert "hurts" not in said
    assert said.startswith("Normalisation helps learning here, and its statistics hide it: ")
    assert (
        ": at batch size 100 statistics with momentum 0.99 hide it (they need about 300 steps, an "
        "epoch has 5), and at batch size 4 it arrives in 24 epochs; try `after:momentum=auto` "
        "(0.55), or `normwise recalibrate`."
    ) in said
    ratio = compare(judged(3), judged(20), horizon=EPOCHS).ratio
    assert summary.headline == (
        f"After the activation: learns {ratio:.2g}× sooner; lagging statistics hide it"
    )


def test_what_arrives_nowhere_is_said_to():
    never = [*runs("after", NEVER, 22, size=4), *runs("after", NEVER, 3, size=100)]
    for run in never[:SEEDS]:  # They end better there.
        run.curves["val_accuracy"] = (0.7,) * EPOCHS
    said = found(NONE, never).verdict
    assert "has 5), and at batch size 4 it does not arrive; try" in said


def test_a_remedy_is_named_with_the_momentum_it_has_where_it_was_trained():
    said = found(NONE, LATE, REMEDY).verdict
    assert "; `after:momentum=auto` (0.55) arrives in 5 epochs at batch size 100, or" in said


def test_a_variant_and_its_remedy_at_different_points_are_told_with_them():
    grid = [*runs("after", 17, 3, size=4), *runs("after", 25, 9, size=100)]
    remedy = [*runs("after:momentum=auto", 9, 9, size=4), *REMEDY[SEEDS:]]
    said = found(NONE, grid, remedy).verdict
    assert "hide it until epoch 18 at batch size 4 (they need about 300 steps, an" in said
    assert "an epoch has 125); `after:momentum=auto` (0.55) arrives in 5 epochs at batch" in said


def test_a_remedy_whose_two_points_differ_has_no_number_for_where_it_arrives():
    remedy = [
        *runs("after:momentum=auto", 8, 8, size=4),
        *runs("after:momentum=auto", 9, 7, size=100),
    ]
    said = found(NONE, LATE, remedy).verdict
    assert "; `after:momentum=auto` arrives in 9 epochs at batch size 4, or" in said


@pytest.mark.parametrize(
    ("axis", "values", "words"),
    [
        ("rate", (0.01, 0.1), ("learning rate 0.01", "learning rate 0.1")),
        ("depth", (1, 3), ("depth 1", "depth 3")),
    ],
)
def test_points_are_named_by_the_axes_in_which_they_differ(axis, values, words):
    first, second = ({axis: value} for value in values)
    none = [*runs("none", 20, **first), *runs("none", 26, **second)]
    late = [*runs("after", 23, 22, **first), *runs("after", NEVER, 3, **second)]
    said = found(none, late).verdict
    assert f": at {words[1]} statistics with momentum 0.99 hide it (" in said
    assert f", and at {words[0]} it arrives in 24 epochs" in said


def test_of_runs_from_elsewhere_the_points_are_named():
    late = [
        *runs("bn", 23, 22, rate=0.01),
        *runs("bn", NEVER, 3, rate=0.1),
    ]
    none = [*runs("none", 20, rate=0.01), *runs("none", 26, rate=0.1)]
    said = found(none, late, elsewhere=True, examples=None).verdict
    assert ": at learning rate 0.1 its moving statistics hide it, and at learning rate 0.01" in said


def test_no_lag_is_decided_in_five_percent_of_grids_at_most():
    """Of three points either arrival is of one distribution, so that chance chooses two of them."""
    rng = np.random.default_rng(11)
    wrong, studies = 0, 60
    for _ in range(studies):
        luck = rng.standard_normal(SEEDS)
        grid = []
        for size in (4, 32, 100):
            shared, *each = rng.standard_normal((3, SEEDS))
            own, learned = (
                np.ceil(12 * np.exp(0.2 * (luck + shared + one))).tolist() for one in each
            )
            grid += runs("after", own, learned, size=size)
        lag = variant(found(NONE, grid), "after").lag
        wrong += lag.decides
    assert wrong <= 0.05 * studies + 2 * math.sqrt(0.05 * 0.95 * studies)
