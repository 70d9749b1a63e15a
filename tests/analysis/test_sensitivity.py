"""How much a variant depends on an axis: figures by hand, by SciPy, and in simulated studies."""

import dataclasses
import math
import random
import statistics

import pytest
from scipy import stats

from normwise.analysis import summarise
from normwise.domain import Condition, RunKey, RunRecord, Target

TARGET, HORIZON = Target.parse("val_loss<=0.5"), 40
NEVER = math.inf


def run(variant, seed, epoch, **point):
    """A run that arrives at that epoch."""
    condition = Condition(**{"learning_rate": 0.1, **point})
    curve = tuple(0.1 if at >= epoch else 1.0 for at in range(1, HORIZON + 1))
    return RunRecord(
        RunKey(variant, seed, str(condition)),
        condition.learning_rate,
        {"val_loss": curve},
        initializer=condition.initializer,
        batch_size=condition.batch_size,
        depth=condition.depth,
    )


def over(axis, epochs, variant="none", **rest):
    """Runs of a variant: value of the axis to the epochs of its seeds."""
    return [
        run(variant, seed, epoch, **{axis: value}, **rest)
        for value, own in epochs.items()
        for seed, epoch in enumerate(own)
    ]


def found(records, variant="none"):
    """What is said of a variant, by axis."""
    summary = summarise("x", records, TARGET)
    [own] = [one for one in summary.variants if one.name == variant]
    return {one.axis: one for one in own.sensitivity or ()}


FOUR = {
    "a": [4, 4, 4, 4, 4, 4, 4, 4, 4, 4],
    "b": [8, 8, 8, 10, 8, 12, 8, 8, 8, 6],
    "c": [30, 20, 30, 20, 30, 24, 30, 16, 30, 12],
    "d": [6, NEVER, 6, NEVER, 6, 6, 6, 6, 6, 6],
}


def test_values_stand_beside_each_other():
    own = found(over("initializer", FOUR))["initializer"]
    assert [(p.value, p.reached, p.replicas, p.arrives) for p in own.points] == [
        ("a", 10, 10, True), ("b", 10, 10, True), ("c", 10, 10, True), ("d", 8, 10, True),
    ]  # fmt: skip
    assert [p.epochs.value for p in own.points] == [4, 8, 27, 6]
    # Two of ten seeds arrive at three values of four.
    assert own.arrived.value == pytest.approx(0.95)
    # Even seeds chose a and c; of the odd ones: 5, 5, 6, 4 and 3 times as long.
    assert (own.slowdown.value, own.slowdown.low, own.slowdown.high) == (5, 3, 6)
    assert own.arrived_gain is own.slowdown_ratio is None


def test_the_share_has_the_interval_of_clopper_and_pearson_where_seeds_arrive_everywhere_or_never():
    epochs = [5, 5, 5, NEVER, 5, 5, NEVER, 5, 5, 5]
    own = found(over("batch_size", {16: epochs, 32: epochs}))["batch_size"]
    exact = stats.binomtest(8, 10).proportion_ci(0.95, method="exact")
    assert (own.arrived.low, own.arrived.high) == pytest.approx((exact.low, exact.high))


def test_against_the_baseline_seeds_are_pairs():
    theirs = {"a": [10] * 10, "b": [20, 30] * 5, "c": [NEVER] * 10}
    ours = {"a": [5] * 10, "b": [5, 6] * 5, "c": [6, 5] * 5}
    records = [*over("initializer", theirs), *over("initializer", ours, "after")]
    own = found(records, "after")["initializer"]
    assert own.arrived_gain.value == pytest.approx(1 / 3)
    # The baseline never arrives at its slowest: at least 40 / 10 times as long as at its quickest;
    # the variant's slowest by the even seeds is c, where the odd ones take as long as at a.
    assert own.slowdown_ratio.value == math.inf
    assert own.slowdown_ratio.low == pytest.approx(4)
    ratios = [point.epochs_ratio for point in own.points]
    assert ratios[0].value == pytest.approx(2)
    assert (ratios[2].value, ratios[2].low > 1) == (math.inf, True)


def test_a_value_stands_at_the_best_of_the_other_axes_for_the_seeds_that_chose_it():
    # At depth 2 the even seeds choose the rate 0.1, which the odd ones judge.
    records = [
        *over("learning_rate", {0.1: [5, 9] * 5, 1.0: [7, 2] * 5}, depth=2),
        *over("learning_rate", {0.1: [20, 20] * 5, 1.0: [12, 11] * 5}, depth=10),
    ]
    own = found(records)
    assert list(own) == ["learning_rate", "depth"]
    assert [(p.value, p.epochs.value, p.replicas) for p in own["depth"].points] == [
        (2, 9, 5), (10, 11, 5),
    ]  # fmt: skip
    assert own["depth"].slowdown.value == pytest.approx(11 / 9)


@pytest.mark.parametrize("what", ["one point", "stopped", "incomplete"])
def test_nothing_is_said_where_points_do_not_say_where_they_arrive(what):
    records = over("initializer", FOUR)
    if what == "one point":
        records = records[:10]
    elif what == "stopped":
        records[-1] = dataclasses.replace(records[-1], stopped_at=3)
    else:
        records = records[:-1]
    assert found(records) == {}


def test_values_that_are_alike_are_not_told_apart_by_the_luck_of_the_slowest():
    draw = random.Random(20).gauss
    held, naive, repetitions = 0, 0, 400
    for _ in range(repetitions):
        epochs = {
            value: [math.ceil(12 * math.exp(draw(0, 0.15))) for _ in range(10)] for value in "abcd"
        }
        slowdown = found(over("initializer", epochs))["initializer"].slowdown
        held += slowdown.low <= 1 <= slowdown.high
        ratios = [max(own) / min(own) for own in zip(*epochs.values(), strict=True)]
        naive += statistics.median(ratios) > 1.15
        assert slowdown.n == 5
    # Five seeds enclose the median in 93.75% of studies; with ties in whole epochs, more.
    assert 0.91 * repetitions <= held <= repetitions
    assert naive > 0.9 * repetitions


def test_the_json_has_it_beside_what_it_had():
    body = summarise("x", over("depth", {2: [5] * 4, 10: [9] * 4}), TARGET).to_json()
    [sensitivity] = body["variants"][0]["sensitivity"]
    assert sensitivity["axis"] == "depth"
    assert [point["value"] for point in sensitivity["points"]] == [2, 10]
    assert sensitivity["slowdown"]["value"] == 1.8
    alone = summarise("x", over("depth", {2: [5] * 4}), TARGET).to_json()
    assert "sensitivity" not in alone["variants"][0]


def ending_at(values, variant="none", metric="val_accuracy", diverged=()):
    """Runs over initialisers: each to the final values of its seeds."""
    return [
        RunRecord(
            RunKey(variant, seed, name),
            0.1,
            {metric: (0.5, end)},
            diverged_at=2 if (name, seed) in diverged else None,
            initializer=name,
        )
        for name, own in values.items()
        for seed, end in enumerate(own)
    ]


# Even seeds find c best and a worst; the odd ones say how far apart these two are.
ENDS = {
    "a": [0.1, 0.2, 0.1, 0.1, 0.1, 0.3, 0.1, 0.2, 0.1, 0.2],
    "b": [0.5, 0.9, 0.5, 0.9, 0.5, 0.9, 0.5, 0.9, 0.5, 0.9],
    "c": [0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.8, 0.9],
}


def of_ends(records, variant="none", target="val_accuracy>=0.6"):
    summary = summarise("x", records, Target.parse(target))
    [own] = [one for one in summary.variants if one.name == variant]
    [sensitivity] = own.sensitivity
    return sensitivity


def test_how_far_apart_values_end_is_said_by_the_seeds_that_did_not_choose_them():
    own = of_ends(ending_at(ENDS))
    # 0.6, 0.7, 0.5, 0.5 and 0.7.
    assert own.end_spread.value == pytest.approx(0.6)
    assert (own.end_spread.low, own.end_spread.high) == pytest.approx((0.5, 0.7))
    assert own.end_spread.n == 5
    assert [point.end.value for point in own.points] == pytest.approx([0.1, 0.7, 0.8])
    assert own.end_spread_saved is None


def test_a_variant_that_ends_alike_everywhere_is_less_apart_than_the_baseline():
    steady = {name: [0.8 + 0.01 * (seed % 3) for seed in range(10)] for name in "abc"}
    records = [*ending_at(ENDS), *ending_at(steady, "after")]
    own = of_ends(records, "after")
    assert own.end_spread.value == 0
    assert own.end_spread_saved.value == pytest.approx(0.6)
    assert of_ends(records).end_spread_saved is None


def test_of_a_loss_less_is_better():
    losses = {"a": [2.0] * 10, "b": [0.5] * 10}
    own = of_ends(ending_at(losses, metric="val_loss"), target="val_loss<=1")
    assert own.end_spread.value == pytest.approx(1.5)
    assert [point.end.value for point in own.points] == [2.0, 0.5]


def test_what_diverged_ends_worse_than_anything():
    everywhere = {("a", seed) for seed in range(10)}
    own = of_ends(ending_at(ENDS, diverged=everywhere))
    assert own.points[0].end.value == -math.inf
    assert own.end_spread.value == math.inf
    falling = ending_at(ENDS, metric="val_loss", diverged=everywhere)
    assert of_ends(falling, target="val_loss<=0.6").points[0].end.value == math.inf


def test_ends_that_are_alike_are_not_told_apart_by_the_luck_of_the_best():
    draw = random.Random(21).gauss
    held, naive, repetitions = 0, 0, 400
    for _ in range(repetitions):
        ends = {value: [0.8 + draw(0, 0.05) for _ in range(12)] for value in "abcd"}
        spread = of_ends(ending_at(ends)).end_spread
        held += spread.low <= 0 <= spread.high
        medians = [statistics.median(own) for own in ends.values()]
        naive += max(medians) - min(medians) > 0.02
    # Six seeds enclose the median in 96.9% of studies.
    assert 0.94 * repetitions <= held
    assert naive > 0.7 * repetitions
