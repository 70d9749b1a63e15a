"""The gap between training and validation: by hand, by SciPy, and in words."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from normwise.analysis import summarise
from normwise.domain import RunKey, RunRecord, Target
from normwise.report import study_page

TARGET = Target.parse("val_accuracy>=0.6")
DRAW = np.random.default_rng(3)
SEEDS = 12


def runs(variant, training, validation, population=None, accuracy=0.9):
    """Replicas that end at these losses."""
    return [
        RunRecord(
            RunKey(variant, seed, "a"),
            0.1,
            {
                "loss": (2.0, training[seed]),
                "val_loss": (2.0, validation[seed]),
                "accuracy": (0.1, 1.0),
                "val_accuracy": (0.1, accuracy),
                **({"population_val_loss": (2.0, population[seed])} if population else {}),
            },
        )
        for seed in range(SEEDS)
    ]


PLAIN = runs("none", DRAW.uniform(0.01, 0.02, SEEDS), DRAW.uniform(0.3, 0.4, SEEDS))
NORMED = runs(
    "after", DRAW.uniform(0.01, 0.02, SEEDS), DRAW.uniform(0.2, 0.3, SEEDS), accuracy=0.95
)


def found(records, variant):
    summary = summarise("x", records, TARGET)
    [own] = [one for one in summary.variants if one.name == variant]
    return {one.metric: one for one in own.overfitting or ()}


def gaps(records):
    return np.array([run.curves["val_loss"][-1] - run.curves["loss"][-1] for run in records])


def test_the_gap_is_the_median_seed_by_seed_with_the_interval_of_the_sign_test():
    own = found(PLAIN, "none")["loss"]
    low, high = stats.quantile_test(gaps(PLAIN), p=0.5).confidence_interval(0.95)
    assert own.gap.value == pytest.approx(np.median(gaps(PLAIN)))
    assert (own.gap.low, own.gap.high) == pytest.approx((low, high))
    assert own.gap_saved is None


def test_against_the_baseline_seeds_are_pairs():
    own = found([*PLAIN, *NORMED], "after")
    differences = gaps(PLAIN) - gaps(NORMED)
    assert own["loss"].gap_saved.value == pytest.approx(np.median(differences))
    # Of a score more is better, and its gap has the same sign.
    assert own["accuracy"].gap.value == pytest.approx(0.05)
    assert own["accuracy"].gap_saved.value == pytest.approx(0.05)


def test_lag_of_moving_statistics_is_no_overfitting():
    lagging = runs("after", [0.1] * SEEDS, [9.0] * SEEDS, population=[0.2] * SEEDS)
    assert found(lagging, "after")["loss"].gap.value == pytest.approx(0.1)


@pytest.mark.parametrize("what", ["no training", "no validation", "not finite"])
def test_nothing_is_said_of_runs_that_lack_a_part(what):
    changed = []
    for run in PLAIN:
        curves = dict(run.curves)
        if what == "not finite":
            curves |= {"loss": (1.0, math.nan), "accuracy": (1.0, math.nan)}
        else:
            prefix = what == "no validation"
            gone = [n for n in curves if n.startswith("val_l") == prefix and n != "val_accuracy"]
            curves = {n: v for n, v in curves.items() if n not in gone}
        changed.append(dataclasses.replace(run, curves=curves))
    assert "loss" not in found(changed, "none")


def test_replicas_that_diverged_are_left_out():
    lost = dataclasses.replace(PLAIN[0], diverged_at=2)
    assert found([lost, *PLAIN[1:]], "none")["loss"].gap.n == SEEDS - 1


def page_of(*records):
    flat = [record for some in records for record in some]
    return study_page(summarise("x", flat, TARGET), flat, settings={}, preview=None)


def test_a_large_gap_stands_among_the_answers_and_a_small_one_among_the_notes():
    large = page_of(PLAIN, NORMED)
    assert "Overfitting" in {section.title for section in large.body}
    words = " ".join(large.section("Overfitting").in_words)
    value = np.median(gaps(PLAIN) - gaps(NORMED))
    assert f"smaller than none's by +{value:.3f}" in words
    assert words.count("training to validation") == 2
    small = page_of(runs("none", [0.3] * SEEDS, [0.31] * SEEDS))
    assert "Overfitting" in {section.title for section in small.details}
    assert "Overfitting" not in {section.title for section in small.body}
