"""Summaries of hand-made studies, and the sentence each of them ends in."""

import dataclasses
import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest

from normwise import analysis
from normwise.analysis import compare, default_target, summarise
from normwise.analysis._gaffke import gaffke_interval
from normwise.analysis._mean import bounded_mean
from normwise.domain import EpochTimes, ProgramKey, RunKey, RunRecord, SoloCheck, Target
from normwise.errors import SpecError, UnknownNameError

INF = math.inf
TARGET = Target.parse("val_accuracy>=0.8")
SLOW = [24, 25, 27, 25, 26]
FAST = [15, 16, 17, 16, 17]


def test_a_study_in_which_normalisation_helps(study):
    arrivals = {"none": SLOW * 2, "after": FAST * 2, "before": [25, 24, 26, 25, 27] * 2}
    found = summarise("circles", study(**arrivals), TARGET)
    assert [v.name for v in found.variants] == ["none", "after", "before"]
    assert found.variants[0].epochs_to_target.median.value == 25
    assert found.variants[1].epochs_to_target.reached == 10
    assert [c.outcome for c in found.comparisons] == ["helps", "no difference"]
    ratio, direct = (
        found.comparisons[0].epochs_ratio,
        compare(FAST * 2, SLOW * 2, horizon=30, confidence=0.975),
    )
    assert (ratio.value, ratio.low, ratio.high, ratio.n) == (
        direct.ratio,
        direct.low,
        direct.high,
        10,
    )
    assert found.recommended == "after"
    assert found.verdict == (
        "Normalisation helps here: `after` reaches val_accuracy>=0.8 in 16 epochs instead "
        f"of 25, {ratio.value:.3g} times sooner ({ratio.low:.3g} to {ratio.high:.3g}), and "
        "ends no worse.\n`before` makes no difference."
    )


def test_the_summary_is_plain_json(study):
    found = summarise("c", study(none=[INF] * 3, after=[INF] * 3), TARGET)
    found = dataclasses.replace(
        found, solo_check=SoloCheck("after", 1, 2e-7), environment={"jax": "0.9"}
    )
    body = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert body["comparisons"][0]["epochs_ratio"] == {"value": None, "low": 0.0, "high": None}
    assert (body["solo_check"]["seed"], body["environment"]) == (1, {"jax": "0.9"})


def test_pairs_are_seeds_that_both_have(record):
    records = [record("none", seed, epoch) for seed, epoch in enumerate([20, 21, 22, 23, 28])]
    records += [record("after", seed, 10 + seed) for seed in (4, 2, 1, 9)]
    ratio = summarise("x", records, TARGET).comparisons[0].epochs_ratio
    expected = compare([14, 12, 11], [28, 22, 21], horizon=30)
    assert (ratio.value, ratio.low, ratio.n) == (expected.ratio, expected.low, 3)


def test_variants_that_share_no_seed_are_compared_as_two_samples(record):
    records = [record("none", seed, epoch) for seed, epoch in enumerate(SLOW)]
    records += [record("after", 100 + seed, epoch) for seed, epoch in enumerate(FAST)]
    ratio = summarise("x", records, TARGET).comparisons[0].epochs_ratio
    assert ratio.value == compare(FAST, SLOW, horizon=30, paired=False).ratio
    assert ratio.n == 10
    assert "unpaired" in ratio.method


def test_a_few_shared_seeds_of_many_are_no_pairs(record):
    """Nine replicas of each side would be left out for the sake of one pair."""
    records = [record("none", seed, 20 + seed % 5) for seed in range(10)]
    records += [record("after", 9 + seed, 10 + seed % 5) for seed in range(10)]
    found = summarise("x", records, TARGET).comparisons[0]
    assert (found.epochs_ratio.n, found.outcome) == (20, "helps")
    assert found.epochs_ratio.method.startswith("unpaired")


def test_differences_of_other_seeds_hold_both_means(record):
    """Each mean's interval is asked for half of the error."""
    records = [record("none", seed, epoch) for seed, epoch in enumerate(SLOW)]
    records += [record("after", 100 + seed, epoch) for seed, epoch in enumerate(FAST[:4])]
    saved = summarise("x", records, TARGET).comparisons[0].epochs_saved
    slow, fast = bounded_mean(SLOW, (0, 30), 0.975), bounded_mean(FAST[:4], (0, 30), 0.975)
    assert (saved.low, saved.high) == (slow.low - fast.high, slow.high - fast.low)
    assert saved.value == pytest.approx(np.mean(SLOW) - np.mean(FAST[:4]))
    assert saved.n == 9


def test_runs_that_were_stopped_early_count_as_not_reaching(record):
    """Where a horizon is given; each then ends with its own last value."""
    records = [record("none", s, 25, epochs=30) for s in range(4)]
    records += [record("none", 4, 25, epochs=12)]
    records += [record("after", s, 10, epochs=20) for s in range(5)]
    none, after = summarise("x", records, TARGET, horizon=30).variants
    assert (none.epochs_to_target.reached, none.epochs_to_target.censored) == (4, 1)
    assert none.final["val_accuracy"].n == 5
    assert after.epochs_to_target.restricted_mean.value == 10
    assert none.epochs_to_target.restricted_mean.value == pytest.approx((4 * 25 + 30) / 5)


def test_a_point_is_not_better_for_being_stopped_early(record):
    """A run that was stopped in epoch 5 has not arrived, another does in epoch 20."""
    runs = [record("none", s, 25, rate=0.1, epochs=5) for s in range(4)]
    runs += [record("none", s, 20, rate=0.3, setting="b") for s in range(4)]
    assert analysis.best_point(runs, TARGET).learning_rate == 0.3


def test_another_baseline_can_be_named(record):
    records = [record(name, s, 10 + s) for name in ("none", "after") for s in range(3)]
    found = summarise("x", records, TARGET, baseline="after")
    assert [(one.variant, one.baseline) for one in found.comparisons] == [("none", "after")]
    assert default_target(records, baseline="after").metric == "val_accuracy"


def test_what_was_trained_elsewhere_gets_no_option_of_a_study(record):
    records = [record(name, s, INF) for name in ("none", "after") for s in range(3)]
    assert "more --epochs than 30" in summarise("x", records, TARGET).verdict
    assert "or more epochs than 30" in summarise("x", records, TARGET, elsewhere=True).verdict


def test_seconds_scale_with_the_time_an_epoch_takes(study):
    # As older journals say it: a single figure.
    alone = {
        ProgramKey("none", None): EpochTimes((0.1,)),
        ProgramKey("after", None): EpochTimes((0.3,)),
    }
    found = summarise("x", study(none=SLOW, after=FAST), TARGET, times=alone, price=36.0)
    assert [v.seconds_per_epoch for v in found.variants] == pytest.approx([0.1, 0.3])
    epochs, seconds = found.comparisons[0].epochs_ratio, found.comparisons[0].seconds_ratio
    assert (seconds.value, seconds.low, seconds.high) == pytest.approx(
        (epochs.value / 3, epochs.low / 3, epochs.high / 3)
    )
    median = found.variants[1].epochs_to_target.median.value
    assert found.variants[1].seconds_to_target.value == pytest.approx(0.3 * median)
    assert found.variants[1].cost.value == pytest.approx(0.003 * median)
    assert "but in seconds only" in found.verdict


def test_unknown_seconds_are_not_made_up(study):
    found = summarise("x", study(none=SLOW, after=FAST), TARGET)
    assert math.isnan(found.variants[0].seconds_per_epoch)
    assert math.isnan(found.comparisons[0].seconds_ratio.value)
    assert "seconds" not in found.verdict


def test_the_restricted_mean_counts_who_never_arrives_as_the_whole_run(study):
    found = summarise("x", study(none=[20, 25, INF], after=[10, 10, 12]), TARGET)
    mean = found.variants[0].epochs_to_target.restricted_mean
    assert mean.value == pytest.approx((20 + 25 + 30) / 3)
    saved = found.comparisons[0].epochs_saved
    bounds = gaffke_interval([10, 15, 18], (-30, 30), 0.95)
    assert (saved.value, saved.low, saved.high) == pytest.approx((43 / 3, *bounds))


def test_diverged_replicas_count_as_never_arriving(record, study):
    records = study(after=FAST)
    records += [record("none", s, 25, diverged_at=4 if s < 2 else None) for s in range(5)]
    found = summarise("x", records, TARGET)
    times = found.variants[1].epochs_to_target
    assert (times.reached, times.censored, times.diverged) == (3, 0, 2)
    final = found.variants[1].final["val_accuracy"]
    assert (final.n, final.censored, final.value) == (3, 2, pytest.approx(0.9))
    assert found.comparisons[0].epochs_ratio.censored == 2
    assert found.verdict.endswith(".\nDiverged: 2 of 5 replicas of `none`.")


def test_runs_of_unequal_length_are_followed_to_the_shortest(record):
    records = [record("none", s, 25, epochs=40) for s in range(5)]
    records += [record("after", s, 10 + s, epochs=20) for s in range(5)]
    found = summarise("x", records, TARGET)
    assert found.variants[0].epochs_to_target.reached == 0
    assert found.comparisons[0].epochs_ratio.value == INF


def test_each_variant_stands_at_its_own_best_rate(record):
    records = [record("none", s, e, rate=0.1) for s, e in enumerate(SLOW)]
    records += [record("none", s, e - 8, rate=0.3, setting="b") for s, e in enumerate(SLOW)]
    records += [record("after", s, e, rate=0.1, setting="b") for s, e in enumerate(FAST)]
    none, after = summarise("x", records, TARGET).variants
    # Of SLOW, less 8, seeds 1 and 3 judge.
    assert (none.learning_rate, none.epochs_to_target.median.value, none.seeds) == (0.3, 17, 2)
    assert (after.learning_rate, after.epochs_to_target.median.value, after.seeds) == (0.1, 16, 5)


def test_a_rate_is_judged_on_seeds_that_did_not_choose_it(record):
    # Even seeds, which choose, are lucky at 0.1.
    records = [record("none", s, 10 if s % 2 == 0 else 20, rate=0.1) for s in range(6)]
    records += [record("none", s, 15, rate=0.3, setting="b") for s in range(6)]
    [none] = summarise("x", records, TARGET).variants
    assert none.learning_rate == 0.1
    assert none.epochs_to_target.median.value == 20


def test_seeds_that_judge_do_not_choose(record):
    # By all seeds, 0.3 would be chosen: 15 epochs against 20.
    records = [record("none", s, 10 if s % 2 == 0 else 30, rate=0.1) for s in range(6)]
    records += [record("none", s, 15, rate=0.3, setting="b") for s in range(6)]
    [none] = summarise("x", records, TARGET).variants
    assert (none.learning_rate, none.epochs_to_target.median.value, none.seeds) == (0.1, 30, 3)


@pytest.mark.parametrize("better", [0.1, 0.3])
@pytest.mark.parametrize("relation", [">=", "<="])
def test_of_points_that_arrive_alike_the_one_that_ends_better_is_chosen(record, relation, better):
    runs = [
        record("none", s, 12, rate=rate, setting=str(rate), high=0.95 if rate == better else 0.9)
        for s in range(2)
        for rate in (0.1, 0.3)
    ]
    target = TARGET
    if relation == "<=":
        runs, target = [mirrored(run) for run in runs], MIRRORED
    assert analysis.best_point(runs, target).learning_rate == better


MIRRORED = Target.parse("val_error<=0.2")


def mirrored(run):
    """Accuracy as error."""
    error = tuple(1 - value for value in run.curves["val_accuracy"])
    return dataclasses.replace(run, curves={"val_error": error})


@pytest.mark.parametrize(
    ("finals", "recommended", "ending"),
    [
        ([0.91, 0.895, 0.92, 0.899, 0.91], "after", "ends no worse"),
        ([0.91, 0.92, 0.91, 0.93, 0.92], "after", "and ends better"),
        ([0.85, 0.86, 0.85, 0.84, 0.85], "none", "but ends worse"),
        ([0.91, 0.85, 0.91, 0.93, 0.92], "none", "but its end is open"),
    ],
)
def test_errors_are_judged_as_accuracies_are(record, study, finals, recommended, ending):
    records = study(none=SLOW * 2)
    pairs = zip(FAST * 2, finals * 2, strict=True)
    records += [record("after", s, e, high=final) for s, (e, final) in enumerate(pairs)]
    ours = summarise("x", records, TARGET, end_margin=0.01)
    mirror = [mirrored(run) for run in records]
    theirs = summarise("x", mirror, MIRRORED, end_margin=0.01)
    for found in (ours, theirs):
        assert found.recommended == recommended
        assert ending in found.verdict
    mine, other = ours.comparisons[0], theirs.comparisons[0]
    assert (mine.outcome, mine.epochs_ratio) == (other.outcome, other.epochs_ratio)
    gain, loss = mine.final_difference, other.final_difference
    assert gain.value == pytest.approx(-loss.value)
    assert (loss.low, loss.high) == (-INF, INF)  # an error has no bounds that its name says
    gain, loss = mine.ending.difference, other.ending.difference
    assert (gain.value, gain.low, gain.high) == pytest.approx((-loss.value, -loss.high, -loss.low))


def test_seeds_needed_count_those_that_choose(record):
    noisy = [20, 26, 18, 23, 27, 19, 24, 21, 25, 22]

    def rates(variant, epochs):
        there = [record(variant, s, e) for s, e in enumerate(epochs)]
        return there + [record(variant, s, INF, rate=0.3, setting="b") for s in range(len(epochs))]

    def of(records):
        return summarise("x", records, TARGET).comparisons[0].seeds_needed

    grid = rates("none", noisy) + rates("after", noisy[::-1])
    judges = [run for run in grid if run.learning_rate == 0.1 and run.key.seed % 2]
    assert of(grid) == 2 * of(judges)


def test_the_working_range_is_in_decades(record):
    rates = [10.0**power for power in range(-5, 3)]
    # From 0.01 to 0.1 and half of each decade beside it; `after` from 0.0001 to 1.
    records = [
        record(name, s, 20 if low <= rate <= high else INF, rate=rate, setting=str(rate))
        for name, low, high in (("none", 0.01, 0.1), ("after", 0.0001, 1.0))
        for s in range(4)
        for rate in rates
    ]
    found = summarise("x", records, TARGET)
    assert [variant.working_range.value for variant in found.variants] == [2.0, 5.0]
    gain = found.comparisons[0].range_gain
    assert (gain.value, gain.low, gain.high, gain.n) == pytest.approx((3.0, 1.0, 5.0, 4))
    assert "works over 5 decades of learning rates instead of 2 (wider by 1 to 5)" in found.verdict
    body = found.to_json()
    assert body["variants"][0]["working_range"] == pytest.approx({"value": 2, "low": 1, "high": 3})
    wider = [run for run in records if run.learning_rate <= 1]
    assert "works over at least 4.5 decades" in summarise("x", wider, TARGET).verdict
    one_rate = summarise("x", [run for run in records if run.learning_rate == 1], TARGET).to_json()
    assert "range_gain" not in one_rate["comparisons"][0]
    assert "working_range" not in one_rate["variants"][0]


def test_a_clearly_worse_ending_is_said_and_not_recommended(record, study):
    records = study(none=SLOW * 2)
    records += [record("after", s, e, high=0.85 - s / 1000) for s, e in enumerate(FAST * 2)]
    found = summarise("x", records, TARGET)
    assert found.comparisons[0].outcome == "helps"
    assert found.recommended == "none"
    assert found.verdict.endswith(", but ends worse, at 0.8455 instead of 0.9.")


def test_where_only_seeds_that_chose_arrive_the_sentence_agrees_with_the_range(record):
    """Seeds 0 and 2 choose 0.1 and arrive there; 1 and 3 judge, and do not."""
    records = [
        record(
            name, seed, 5 if rate == 0.1 and seed % 2 == 0 else INF, rate=rate, setting=f"{rate}"
        )
        for name in ("none", "after")
        for rate in (0.01, 0.1)
        for seed in range(4)
    ]
    found = summarise("x", records, TARGET)
    assert [one.epochs_to_target.reached for one in found.variants] == [0, 0]
    # Of four seeds, two arrive at one end of a decade.
    assert [one.working_range.value for one in found.variants] == [0.25, 0.25]
    assert found.verdict == (
        "No variant reaches val_accuracy>=0.8 within 30 epochs on the seeds that judge, at the "
        "point of the grid that the others chose (of the other replicas 4 do): the best value is "
        "0.5, by `none`; try --target 'val_accuracy>=0.5', where a typical replica ends, or more "
        "--epochs than 30, or more --seeds."
    )


def test_a_working_range_ends_with_the_shortest_run_as_the_sentence_does(record):
    records = [
        record(name, seed, 25, rate=rate, setting=f"{rate}", epochs=epochs)
        for name, epochs in (("none", 20), ("after", 30))
        for rate in (0.01, 0.1)
        for seed in range(4)
    ]
    found = summarise("x", records, TARGET)
    assert found.verdict.startswith("No variant reaches val_accuracy>=0.8 within 20 epochs: the")
    assert [one.working_range.value for one in found.variants] == [0.0, 0.0]
    assert found.comparisons[0].range_gain.value == 0.0


@pytest.mark.parametrize(
    ("arrivals", "recommended", "sentence"),
    [
        ({"none": SLOW}, "none", r"There is only `none`: it reaches .* in 25 epochs; add"),
        ({"none": [INF] * 3, "after": [INF] * 3}, "none",
         r"No variant reaches val_accuracy>=0.8 within 30 epochs: the best value is 0.5, by "
         r"`none`; try --target 'val_accuracy>=0.5', where a typical replica ends, or more --epochs "
         r"than 30\."),
        ({"none": FAST, "after": SLOW}, "none",
         r"Normalisation hurts here: `after` .* in 25 epochs instead of 16, 0\.6\d+ times as fast"),
        ({"none": SLOW, "after": SLOW}, "none", "Normalisation makes no difference here: `after`"),
        ({"none": [10, 20, 30, 15, 25], "after": [9, 22, 26, 19, 15]}, "none",
         r"Undecided: `after` .*; about \d+ seeds would decide it\."),
        ({"none": [10], "after": [5]}, "none", r"Undecided: .* \(without bounds yet\)"),
        ({"none": [INF] * 6, "after": [*FAST, 16]}, "after",
         r"Normalisation helps here: .* where `none` does in 0 of 6 replicas, at least (1\.\d+) times sooner "
         r"\(\1 and up\)"),
        ({"before": SLOW * 2, "after": FAST * 2}, "after", "`after` helps here compared with `before`: `after`"),
        ({"none": SLOW * 2, "after": FAST * 2, "before": [5, 6, 5, 6, 5] * 2}, "before",
         r"Normalisation helps here: `before` .*\.\n`after` helps too \(1\.\d+ times\), and "
         r"ends no worse\."),
        ({"none": SLOW, "after": FAST, "before": [5, 6, 5, 6, 5]}, "none",
         r"Normalisation helps here: `before` .*, but its end is open \(at 0\.9 instead of 0\.9; "
         r"about \d+ seeds would settle it\), so `none` stays recommended\.\n`after` helps too"),
        ({"none": [14, 16, 15, 16], "after": [25, 26, 24, 25], "before": [14, 15, 15, 16]}, "none",
         r"Normalisation makes no difference here: `before` .*\.\n`after` hurts \(0\.\d+ times as fast\)"),
    ],
)  # fmt: skip
def test_verdicts_are_sentences(study, arrivals, recommended, sentence):
    found = summarise("x", study(**arrivals), TARGET)
    assert re.match(sentence, found.verdict), found.verdict
    assert found.verdict.endswith(".")
    assert "\n\n" not in found.verdict
    assert found.recommended == recommended


def test_what_cannot_be_summarised_is_refused(record, study):
    with pytest.raises(SpecError, match="records is empty; expected one record a replica"):
        summarise("x", [], TARGET)
    with pytest.raises(
        SpecError, match="variant 'none' has two records of seed 0, with settings 'a' and 'b'"
    ):
        summarise("x", [record(), record(setting="b")], TARGET)
    with pytest.raises(
        UnknownNameError, match="unknown metric 'val_auc'; expected one of val_accuracy"
    ):
        summarise("x", study(none=SLOW), Target.parse("val_auc>=0.8"))


def test_public_names_are_the_documented_ones():
    assert set(analysis.__all__) == {
        "RESOLUTION", "Decision", "GradientTrouble", "Subset", "Times", "ablation", "as_learned", "baseline_of", "best_point", "beyond_chance", "compare", "default_metric", "default_target",
        "first_over_last", "gradient_troubles", "higher_is_better", "in_whole_rounds", "judging_runs", "mean_estimate", "median_epochs", "outcome", "paired_seeds",
        "reaching", "rises_by_name", "rises_in_training", "runs_at_best", "split_seeds",
        "subsets_to_try", "summarise", "withheld",
    }  # fmt: skip
    assert all(getattr(analysis, name).__doc__ for name in analysis.__all__)


def test_importing_the_analysis_loads_no_framework():
    heavy = "{'jax', 'keras', 'pandas', 'scipy.stats'}"
    script = f"import sys, normwise.analysis; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_grid_of_depths_names_depths_and_the_seeds_that_judge(record):
    def at(name, seed, depth, epoch):
        return dataclasses.replace(record(name, seed, epoch, setting=f"{depth}"), depth=depth)

    arrivals = {("none", 3): 25, ("none", 6): 16, ("before", 3): 8, ("before", 6): 20}
    records = [
        at(name, seed, depth, epoch + seed % 2)
        for (name, depth), epoch in arrivals.items()
        for seed in range(10)
    ]
    found = summarise("x", records, TARGET)
    assert [one.seeds for one in found.variants] == [5, 5]
    assert (
        ": on the 5 seeds that judge, `before` (depth 3) reaches val_accuracy>=0.8 in 9 epochs "
        "instead of 17 of `none` (depth 6), "
    ) in found.verdict
    one_depth = summarise("x", [run for run in records if run.depth == 3], TARGET).verdict
    assert "depth" not in one_depth
    assert "that judge" not in one_depth


@pytest.mark.parametrize(
    ("end", "chance", "said"),
    [
        (0.5, 0.5, "0.5, by `none`, and none ends above chance (0.5): try more --epochs than 3 or"),
        (0.4, 0.5, "and none ends above chance (0.5): try more --epochs than 3 or another --learn"),
        (0.6, 0.5, "; try --target 'val_accuracy>=0.6', where a typical replica ends, or more"),
        (0.5, None, "; try --target 'val_accuracy>=0.5', where a typical replica ends, or more"),
    ],
)
def test_no_target_is_suggested_that_guessing_reaches(end, chance, said):
    records = [
        RunRecord(RunKey(name, seed, "a"), 0.1, {"val_accuracy": (0.5, 0.4, end)})
        for name in ("none", "after")
        for seed in range(4)
    ]
    found = summarise("s", records, Target.parse("val_accuracy>=0.9"), chance=chance)
    assert said in found.verdict
    assert ("--target" in found.verdict) == (chance is None or end > chance)


def test_a_loss_no_better_than_predicting_the_mean_is_no_target_either():
    records = [
        RunRecord(RunKey("none", seed, "a"), 0.1, {"val_loss": (1.5, 1.2, 1.1)})
        for seed in range(4)
    ]
    found = summarise("s", records, Target.parse("val_loss<=0.1"), chance=1.0)
    assert "and none ends below what predicting the mean gives (1): try more" in found.verdict
    assert "--target" not in found.verdict
