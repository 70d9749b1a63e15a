"""The numbers of a summary, worked out by hand or by SciPy."""

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from normwise.analysis import (
    ablation,
    best_point,
    default_target,
    in_whole_rounds,
    median_epochs,
    subsets_to_try,
    summarise,
)
from normwise.analysis._gaffke import gaffke_interval
from normwise.analysis._mean import mean_estimate, restricted_mean
from normwise.analysis._median import _between
from normwise.analysis._order import typical
from normwise.analysis._range import range_gain, working_range
from normwise.analysis._stopping import early_stopping
from normwise.domain import RunKey, RunRecord, Target
from normwise.errors import SpecError

INF = math.inf
TARGET = Target.parse("val_accuracy>=0.8")
LOSS = Target.parse("val_loss<=0.4")


def student(values, confidence):
    """The interval of a mean, by SciPy."""
    return stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))


def ends(estimate):
    return estimate.low, estimate.high


def losses(values, *, variant="none", seed=0, rate=0.1, initializer=None, batch_size=None, **more):
    place = RunKey(variant, seed, f"{rate} {initializer} {batch_size}")
    curves = {"val_loss": tuple(values)}
    return RunRecord(
        place, rate, curves, initializer=initializer, batch_size=batch_size, **more
    )  # fmt: skip


@pytest.mark.parametrize("confidence", [0.5, 0.8])
def test_every_interval_has_the_confidence_that_was_asked_for(record, confidence):
    arrivals = {"none": [20, 24, 22, 27, 25], "after": [9, 12, 11, 15, 10]}
    finals = {"none": [0.90, 0.93, 0.91, 0.92, 0.96], "after": [0.91, 0.90, 0.94, 0.93, 0.92]}
    records = [
        dataclasses.replace(run, curves=run.curves | {"val_loss": tuple(-1.0 * min(at, seed) for at in range(30))})
        for name in arrivals
        for seed, (epoch, final) in enumerate(zip(arrivals[name], finals[name], strict=True))
        for run in [record(name, seed, epoch, high=final)]
    ]  # fmt: skip
    found = summarise("by hand", records, TARGET, confidence=confidence, patience=3)
    assert (found.study, found.target, found.rounds) == ("by hand", TARGET, ())
    for one in found.variants:
        epochs, final = arrivals[one.name], finals[one.name]
        assert ends(one.final["val_accuracy"]) == gaffke_interval(final, (0, 1), confidence)
        assert ends(one.final["val_loss"]) == (-INF, INF)
        assert one.final_median["val_accuracy"] == typical(final, confidence)
        times = one.epochs_to_target
        assert ends(times.restricted_mean) == gaffke_interval(epochs, (0, 30), confidence)
        assert times.median == median_epochs(epochs, horizon=30, confidence=confidence)
        # val_loss improves as many times as the seed says: stopped three epochs later.
        stopped = [4, 5, 6, 7, 8]
        assert ends(one.early_stopping.epochs) == gaffke_interval(stopped, (0, 30), confidence)
        assert one.early_stopping.final.value == pytest.approx(0.5)
    [compared] = found.comparisons
    saved = np.subtract(arrivals["none"], arrivals["after"])
    gained = np.subtract(finals["after"], finals["none"])
    assert ends(compared.epochs_saved) == gaffke_interval(saved, (-30, 30), confidence)
    assert ends(compared.final_difference) == gaffke_interval(gained, (-1, 1), confidence)
    assert compared.ending.difference == typical(gained, confidence)
    assert compared.seeds is None


def test_a_run_that_diverges_at_its_end_has_no_final_value(record):
    runs = [record("none", seed, 9, high=0.85 + seed / 100) for seed in range(4)]
    wild = dataclasses.replace(runs[3], diverged_at=30)  # its curve may look fine
    [none] = summarise("x", [*runs[:3], wild], TARGET).variants
    assert none.final["val_accuracy"].value == pytest.approx(np.mean([0.85, 0.86, 0.87]))
    assert none.final["val_accuracy"].censored == 1


def test_the_final_value_is_that_of_the_last_epoch():
    runs = [losses([0.9, 0.5, 0.3 + seed / 10], seed=seed) for seed in range(2)]
    [none] = summarise("x", runs, LOSS).variants
    assert none.final["val_loss"].value == pytest.approx(0.35)


def test_a_metric_that_some_runs_lack_is_of_those_that_have_it():
    runs = [losses([0.9, 0.3], seed=seed) for seed in range(3)]
    more = {"val_loss": (0.9, 0.3), "val_auc": (0.5, 0.75)}
    runs[2] = dataclasses.replace(runs[2], curves=more)
    [none] = summarise("x", runs, LOSS).variants
    assert (none.final["val_auc"].value, none.final["val_auc"].n) == (0.75, 1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.7], (0.7, 1, 0)), ([0.7, math.nan], (0.7, 1, 1)), ([INF, math.nan], (math.nan, 0, 2))],
)
def test_a_mean_counts_what_it_is_of(values, expected):
    found = mean_estimate(values)
    assert (found.value, found.n, found.censored) == pytest.approx(expected, nan_ok=True)
    assert found.method == f"mean with Student's t interval over {expected[1]} replicas"
    assert mean_estimate([1, 2]).method == "mean with Student's t interval over 2 replicas"
    assert mean_estimate([1, 2, 4]).value == pytest.approx(7 / 3)  # whole numbers, too


def test_a_restricted_mean_stays_within_the_run():
    found = restricted_mean([1, 30, INF], horizon=30, confidence=0.95)
    assert (found.value, ends(found)) == (61 / 3, gaffke_interval([1, 30, 30], (0, 30), 0.95))
    assert (found.censored, found.n) == (1, 3)
    assert found.method == (
        "restricted mean over 3 replicas with Gaffke's interval for values from 0 to 30"
    )
    usual = restricted_mean([10, 12, 15], horizon=30)
    assert ends(usual) == gaffke_interval([10, 12, 15], (0, 30), 0.95)


def test_a_median_says_what_it_is_of():
    found = median_epochs([4, 5, 9, 7, 8, 6], horizon=30)
    assert (found.n, found.method) == (
        6, "Kaplan-Meier median with order-statistic interval over 6 replicas",
    )  # fmt: skip


@pytest.mark.parametrize("n", range(2, 13))
@pytest.mark.parametrize("confidence", [0.4, 0.5, 0.7, 0.9, 0.95])
def test_the_interval_of_few_replicas_is_hettmansperger_and_sheathers(n, confidence):
    """Their equation, with SciPy's binomial, wherever two neighbouring intervals enclose it."""

    def covers(rank):
        return 1 - 2 * stats.binom.cdf(rank - 1, n, 0.5)

    wide = [rank for rank in range(1, n // 2 + 1) if covers(rank) >= confidence]
    found = median_epochs(np.arange(1, n + 1), horizon=100, confidence=confidence)
    if covers(1) < confidence - 0.0125:
        assert ends(found) == (0, INF)
        return
    rank = max(wide, default=1)
    weight = 0.0
    if wide and 2 * rank < n - 1:
        part = (covers(rank) - confidence) / (covers(rank) - covers(rank + 1))
        weight = (n - rank) * part / (rank + (n - 2 * rank) * part)
    assert ends(found) == pytest.approx((rank + weight, n + 1 - rank - weight))


def test_early_stopping_says_what_it_would_have_saved():
    curves = [[0.9, 0.5, 0.6, 0.7, 0.4, 0.3], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [0.3] * 6]
    runs = [
        dataclasses.replace(run, curves=run.curves | {"val_accuracy": tuple(np.arange(6) / 10)})
        for run in (losses(curve, seed=seed) for seed, curve in enumerate(curves))
    ]
    found = early_stopping(runs, "val_accuracy", 2)
    assert (found.patience, found.monitor) == (2, "val_loss")
    # Stopped after epochs 4, 6 and 3; restored from epochs 2, 6 and 1.
    assert ends(found.epochs) == gaffke_interval([4, 6, 3], (0, 6), 0.95)
    assert ends(found.final) == gaffke_interval([0.1, 0.5, 0.0], (0, 1), 0.95)
    half = early_stopping(runs, "val_accuracy", 2, 0.5)
    assert ends(half.epochs) == gaffke_interval([4, 6, 3], (0, 6), 0.5)
    assert ends(half.final) == gaffke_interval([0.1, 0.5, 0.0], (0, 1), 0.5)


RATES = (0.01, 0.1, 1.0)


def over_rates(arrived, *, rates=RATES, **more):
    """A run at each rate that the seed arrives at, or does not."""
    return [
        losses([0.9, 0.1 if rate in there else 0.8], seed=seed, rate=rate, **more)
        for seed, there in enumerate(arrived)
        for rate in rates
    ]


def test_a_working_range_has_students_interval_and_room_for_the_spacing():
    arrived = [(0.1, 1.0), (0.1,), (1.0, 10.0), (0.1, 1.0, 10.0)]
    runs = over_rates(arrived, rates=(0.01, 0.1, 1.0, 10.0, 100.0))
    least = np.array([1.0, 0.0, 1.0, 2.0])
    found = working_range(runs, LOSS)
    assert found.value == np.mean(least + 1)
    assert found.method == (
        "decades of learning rates, censored by the grid's spacing, "
        "mean with Student's t interval over 4 replicas"
    )
    for confidence in (0.5, 0.95):
        low, _ = student(least, confidence)
        _, high = student(least + 2, confidence)
        assert ends(working_range(runs, LOSS, confidence)) == pytest.approx((max(low, 0), high))


def test_alike_replicas_leave_a_spacing_at_each_end_in_doubt():
    rates = (0.01, 0.1, 1.0, 10.0)
    alike = over_rates([(0.1, 1.0)] * 5, rates=rates)
    assert ends(working_range(alike, LOSS)) == pytest.approx((1, 3))
    assert ends(range_gain(alike, alike, LOSS)) == pytest.approx((-2, 2))
    narrow = over_rates([(0.1,)] * 5, rates=rates)
    assert ends(range_gain(alike, narrow, LOSS)) == pytest.approx((-1, 3))
    # One may lie between two rates at none of which a replica arrives.
    assert ends(working_range(over_rates([()] * 5, rates=rates), LOSS)) == pytest.approx((0, 1))


def test_a_range_that_reaches_an_end_of_the_grid_is_open():
    inner, below, above = [(0.1,)] * 3, [(0.01, 0.1)] * 3, [(0.1, 1.0)] * 3
    assert ends(working_range(over_rates(below), LOSS)) == pytest.approx((1, math.inf))
    assert ends(working_range(over_rates(above), LOSS)) == pytest.approx((1, math.inf))
    assert ends(working_range(over_rates([*inner, *below]), LOSS))[1] == math.inf
    gain = range_gain(over_rates(above), over_rates(inner), LOSS)
    assert ends(gain) == pytest.approx((-1, math.inf))
    assert ends(range_gain(over_rates(inner), over_rates(above), LOSS))[0] == -math.inf


def test_a_working_range_is_the_mean_over_initialisers_and_batch_sizes():
    wide, narrow = [(0.01, 0.1, 1.0)] * 2, [(0.01,)] * 2
    runs = [
        *over_rates(wide, initializer="he_normal", batch_size=8),
        *over_rates(narrow, initializer="zeros", batch_size=8),
        *over_rates(narrow, initializer="he_normal", batch_size=16),
        *over_rates(narrow, initializer="zeros", batch_size=16),
    ]
    assert working_range(runs, LOSS).value == pytest.approx((2 + 3 * 0.5) / 4)


def test_a_pruned_grid_has_no_working_range():
    runs = over_rates([(0.01, 0.1)] * 4)
    for left_out in (0.01, 1.0):
        pruned = [r for r in runs if r.key.seed < 2 or r.learning_rate != left_out]
        assert working_range(pruned, LOSS) is None
        assert range_gain(runs, pruned, LOSS) is None
    assert working_range([r for r in runs if r.learning_rate == 1], LOSS) is None


def test_what_halving_stopped_tells_of_no_working_range():
    # Of all points alike, as where the point that was chosen is hopeless and no seed judges it.
    runs = over_rates([(0.01, 0.1)] * 4)
    assert working_range(runs, LOSS) is not None
    stopped = [dataclasses.replace(runs[-1], stopped_at=2)]
    assert working_range([*runs[:-1], *stopped], LOSS) is None
    assert range_gain([*runs[:-1], *stopped], runs, LOSS) is None


def test_a_range_is_gained_seed_by_seed():
    rates = (0.001, 0.01, 0.1, 1.0, 10.0)
    ours = over_rates([(0.01, 0.1, 1.0), (0.1, 1.0), (0.01, 0.1, 1.0)], rates=rates)
    theirs = over_rates([(0.01,), (0.1,), (0.01, 0.1)], rates=rates)
    gains = np.array([2.0, 1.0, 1.0])
    for confidence in (0.5, 0.95):
        low, _ = student(gains - 2, confidence)
        _, high = student(gains + 2, confidence)
        found = range_gain(ours, theirs, LOSS, confidence)
        assert (found.value, *ends(found)) == pytest.approx((gains.mean(), low, high))
    others = [dataclasses.replace(r, key=RunKey("none", r.key.seed + 9, "b")) for r in theirs]
    assert range_gain(ours, others, LOSS) is None


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_a_summary_passes_on_where_a_variant_stands_and_its_range(confidence):
    theirs = [(0.01, 0.1), (0.1,), (0.1, 1.0), (0.1,)]
    ours = [(0.1,), (0.01, 0.1, 1.0), (0.1,), (0.1, 1.0)]
    more = {"rates": (0.001, *RATES, 10.0), "initializer": "zeros", "batch_size": 8}
    runs = [*over_rates(theirs, **more), *over_rates(ours, variant="after", **more)]
    found = summarise("x", runs, LOSS, confidence=confidence)
    assert {(one.initializer, one.batch_size) for one in found.variants} == {("zeros", 8)}
    theirs, ours = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.0, 2.0, 0.0, 1.0])
    _, high = student(theirs + 2, confidence)
    assert found.variants[0].working_range.high == pytest.approx(high)
    (low, _), (_, high) = (student(ours - theirs + end, confidence) for end in (-2, 2))
    assert ends(found.comparisons[0].range_gain) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("target", "best", "name"),
    [("val_loss<=0.1", 0.2, "after"), ("val_loss>=0.99", 0.9, "none")],
)
def test_the_value_that_came_nearest_is_named(target, best, name):
    runs = [losses([0.9, 0.5, 0.4], seed=seed) for seed in range(3)]
    runs += [losses([0.8, 0.2, 0.3], variant="after", seed=seed) for seed in range(3)]
    words = summarise("x", runs, Target.parse(target)).verdict
    assert f"the best value is {best}, by `{name}`; try --target" in words


def test_the_target_that_is_suggested_is_reached_by_a_typical_replica_and_not_by_the_best_alone():
    finals = [0.5, 0.6, 0.61, 0.62, 0.9]
    runs = [losses([0.95, one], seed=s) for s, one in enumerate(finals)]
    runs += [losses([0.95, one + 0.05], variant="after", seed=s) for s, one in enumerate(finals)]
    words = summarise("x", runs, Target.parse("val_loss<=0.1")).verdict
    assert "the best value is 0.5, by `none`; try --target 'val_loss<=0.61', where a typ" in words
    again = summarise("x", runs, Target.parse("val_loss<=0.61"))
    assert [one.epochs_to_target.reached for one in again.variants] == [3, 1]


def test_noise_is_taken_off_the_target_that_is_suggested():
    noise = np.random.default_rng(5).normal(0, 0.01, (6, 60))
    runs = [losses((0.5 + jumps).tolist(), seed=s) for s, jumps in enumerate(noise)]
    words = summarise("x", runs, Target.parse("val_loss<=0.1")).verdict
    suggested = Target.parse(re.search(r"--target '([^']+)'", words)[1])
    assert 0.51 < suggested.value < 0.55
    assert summarise("x", runs, suggested).variants[0].epochs_to_target.reached == 6


def test_where_all_diverge_at_last_no_target_is_suggested():
    runs = [losses([0.5, math.nan], seed=s, diverged_at=2) for s in range(3)]
    words = summarise("x", runs, Target.parse("val_loss<=0.1")).verdict
    assert "0.5, by `none`, and none ends with a finite one: try a smaller --learning-rate" in words


def test_where_nothing_is_finite_there_is_no_best_value():
    runs = [losses([math.nan] * 2, seed=s, diverged_at=1) for s in range(3)]
    assert "none shows a finite val_loss" in summarise("x", runs, LOSS).verdict


def test_the_default_target_of_a_grid_is_that_of_its_best_point():
    finals = {0.1: [0.5, 0.6, 0.4], 0.2: [0.3, 0.2, 0.9], 0.3: [0.1, 0.7, 0.8]}
    runs = [
        losses([0.9, final], seed=seed, rate=rate)
        for rate, own in finals.items()
        for seed, final in enumerate(own)
    ]
    assert default_target(runs, "val_loss") == Target("val_loss", "<=", 0.3)
    rising = [
        dataclasses.replace(run, curves={"val_accuracy": run.curves["val_loss"]}) for run in runs
    ]
    assert default_target(rising, "val_accuracy") == Target("val_accuracy", ">=", 0.7)


def test_a_round_that_was_broken_off_first_is_all_there_is():
    runs = [losses([0.1], seed=seed) for seed in range(3)]
    assert in_whole_rounds(runs, [10, 20]) == runs
    assert [run.key.seed for run in in_whole_rounds(runs, [2, 5])] == [0, 1]


def test_an_ablation_says_what_each_subset_reaches():
    def runs(variant, arrivals):
        return [
            losses([0.3 if epoch >= at else 0.9 for epoch in range(1, 11)], variant=variant, seed=s)
            for s, at in enumerate(arrivals)
        ]

    tried = {
        (1, 2): ("after", [3, 4, 6]),
        (1,): ("after:only=1", [3, 5, 11]),
        (): ("none", [9, 9, 8]),
    }
    given = {kept: runs(*one) for kept, one in tried.items()}
    found = ablation("after", ["a", "b"], given, LOSS, confidence=0.5)
    assert (found.variant, found.layers) == ("after", ("a", "b"))
    assert [step.variant for step in found.tried] == ["after", "after:only=1", "none"]
    for step, (_, arrivals) in zip(found.tried, tried.values(), strict=True):
        reached = np.minimum(arrivals, 10)
        assert step.restricted_mean.value == pytest.approx(reached.mean())
        assert step.restricted_mean.censored == sum(at > 10 for at in arrivals)
        expected = gaffke_interval(reached.tolist(), (0, 10), 0.5)
        assert ends(step.restricted_mean) == pytest.approx(expected)
    # One that improves at its end, and one that turns back.
    turning = {(1,): [losses([0.9, 0.2, 0.3], seed=s) for s in range(2)]}
    turning[(1,)].append(losses([0.9, 0.2, 0.6], seed=2))
    [step] = ablation("after", ["a"], turning, LOSS, confidence=0.5).tried
    assert ends(step.final) == (-math.inf, math.inf)  # losses have no bounds
    assert (step.final.value, step.final.n) == (pytest.approx(0.4), 3)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300), st.floats(0, 1))
@example(1.0, 1e-17, 1.0)  # 1 + (1e-17 − 1) is 0
@example(0.22876222127045265, 1.3224933386080295, 1.0)  # rounds up
def test_a_share_of_the_way_never_leads_beyond_its_ends(start, end, share):
    assert min(start, end) <= _between(start, end, share) <= max(start, end)
    assert (_between(start, end, 0.0), _between(start, start, share)) == (start, start)


def test_single_precision_is_widened_first():
    values = np.array([0.1, 0.2, 0.4], "float32")
    assert ends(mean_estimate(values)) == pytest.approx(
        student(values.astype("float64"), 0.95), rel=1e-12
    )


def test_points_whose_replicas_end_in_nothing_come_last():
    arrives = [0.9, 0.3]
    good = [losses([*arrives, 0.39], seed=s, rate=0.3) for s in range(2)]
    lost = [losses([*arrives, math.nan], seed=s, rate=0.1, diverged_at=3) for s in range(2)]
    assert best_point([*lost, *good], LOSS).learning_rate == 0.3
    # The last value counts, not the one before.
    turned = [losses([*arrives, 0.1, 0.8], seed=s, rate=0.1) for s in range(2)]
    steady = [losses([*arrives, 0.2, 0.2], seed=s, rate=0.3) for s in range(2)]
    assert best_point([*turned, *steady], LOSS).learning_rate == 0.3


def test_the_recommended_variant_is_told_first_though_another_is_faster(record):
    def arriving(variant, epochs, high):
        return [record(variant, s, epoch, high=high - s / 1000) for s, epoch in enumerate(epochs)]

    records = arriving("none", [24, 25, 27, 25, 26] * 2, 0.9)
    records += arriving("after", [8, 9, 10, 9, 8] * 2, 0.85)  # and ends worse
    records += arriving("before", [15, 16, 17, 16, 17] * 2, 0.95)
    found = summarise("x", records, TARGET)
    assert found.recommended == "before"
    assert found.verdict.startswith("Normalisation helps here: `before` reaches")
    # Said in the same breath, also of one that the sentence is not about.
    assert re.search(
        r"\n`after` helps too \(2\.\d+ times\), but ends worse, at 0\.8455 instead of 0\.8955\.$",
        found.verdict,
    )


def test_two_looks_are_two_rounds_and_a_wide_margin_makes_no_difference(record):
    slow, fast = [24, 25, 27, 25, 26, 24], [22, 23, 25, 23, 24, 22]
    records = [record("none", s, epoch) for s, epoch in enumerate(slow)]
    records += [record("after", s, epoch) for s, epoch in enumerate(fast)]
    found = summarise("x", records, TARGET, rounds=(3, 6), margin=3.0)
    assert found.rounds == (3, 6)
    assert found.comparisons[0].seeds == 3  # decided at the first look
    loud = summarise("x", records, TARGET, margin=1.01).comparisons[0]
    wide = summarise("x", records, TARGET, margin=20.0).comparisons[0]
    assert (loud.outcome, wide.outcome) == ("helps", "helps")
    alike = [record("after", s, epoch) for s, epoch in enumerate(reversed(slow))]
    both = [*records[:6], *alike]
    outcomes = [summarise("x", both, TARGET, margin=m).comparisons[0].outcome for m in (1.01, 3.0)]
    assert outcomes == ["undecided", "no difference"]


def test_all_subsets_of_four_layers_and_no_round_too_many_of_five():
    assert [len(tried) for tried in subsets_to_try(4, {}, LOSS)] == [16]
    runs = {}
    rounds = []
    for tried in subsets_to_try(5, runs, LOSS):
        rounds.append(tried)
        runs |= {kept: [losses([0.9, 0.3], seed=s) for s in range(3)] for kept in tried}
    # All do as well: one after another is left out, down to one.
    assert [len(kept) for tried in rounds for kept in tried[:1]] == [5, 4, 3, 2, 1]
    assert [len(tried) for tried in rounds] == [2, 5, 4, 3, 2]


def test_nothing_to_summarise_is_one_sentence():
    sentence = "^records is empty; expected one record a replica; try running the study first$"
    with pytest.raises(SpecError, match=sentence):
        summarise("x", [], TARGET)
