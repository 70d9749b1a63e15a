"""Outcomes of single runs, and the default target."""

import math
import re

import pytest

from normwise.analysis import default_target, outcome
from normwise.domain import RunKey, RunRecord, Target
from normwise.errors import SpecError, UnknownNameError

ACCURACY = Target.parse("val_accuracy>=0.8")


def run(variant="none", seed=0, *, rate=0.1, diverged_at=None, **curves):
    return RunRecord(RunKey(variant, seed, "a"), rate, curves, diverged_at)


@pytest.mark.parametrize(
    ("target", "epoch"), [("loss<=0.5", 2), ("loss<=0.4", 3), ("val_accuracy>=0.8", 3)]
)
def test_the_first_epoch_that_meets_the_target_counts(target, epoch):
    record = run(loss=(0.9, 0.5, 0.3, 0.6), val_accuracy=(0.1, 0.7, 0.8, 0.2))
    found = outcome(record, Target.parse(target))
    assert (found.kind, found.epoch, found.remedy) == ("reached", epoch, "")


def test_a_run_that_diverges_before_the_target_says_which_rate_to_try():
    record = run(rate=0.3, diverged_at=2, val_accuracy=(0.5, math.nan, math.nan))
    found = outcome(record, ACCURACY)
    assert (found.kind, found.epoch) == ("diverged", math.inf)
    assert found.remedy.endswith("in epoch 2: try a learning rate below 0.3")


def test_a_run_that_diverges_after_the_target_has_reached_it():
    record = run(diverged_at=3, val_accuracy=(0.5, 0.85, math.nan))
    assert outcome(record, ACCURACY).epoch == 2


@pytest.mark.parametrize(
    ("target", "best"), [(ACCURACY, "0.7"), (Target.parse("val_accuracy<=0.1"), "0.5")]
)
def test_a_censored_run_offers_its_best_value(target, best):
    found = outcome(run(val_accuracy=(0.5, 0.7, 0.6)), target)
    assert (found.kind, found.epoch) == ("censored", math.inf)
    assert found.remedy == (
        f"train for more epochs than 3, or set the target to its best value: "
        f"'val_accuracy{target.relation}{best}'"
    )


def test_an_unknown_metric_offers_those_there_are():
    message = "unknown metric 'val_acuracy'; expected one of loss, val_accuracy; did you mean 'val_accuracy'?"
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        outcome(run(loss=(1.0,), val_accuracy=(0.5,)), Target.parse("val_acuracy>=0.8"))


@pytest.mark.parametrize(
    ("metric", "relation"),
    [("val_accuracy", ">="), ("val_auc", ">="), ("val_loss", "<="), ("val_mean_absolute_error", "<="),
     ("val_binary_crossentropy", "<="), ("mse", "<="), ("val_f1_score", ">="), ("recall", ">=")],
)  # fmt: skip
def test_the_default_target_is_what_the_baseline_ends_with(metric, relation):
    records = [run("after", 0, **{metric: (0.1, 9.0)})]
    records += [
        run("none", seed, **{metric: (0.2, last)}) for seed, last in enumerate([0.6, 0.9, 0.7])
    ]
    assert default_target(records, metric) == Target(metric, relation, 0.7)


def test_the_first_variant_is_the_baseline_if_there_is_no_none():
    records = [run("before", val_accuracy=(0.6,)), run("after", val_accuracy=(0.9,))]
    assert default_target(records).value == 0.6


def test_a_diverged_baseline_sets_no_target():
    nan = math.nan
    records = [run("none", s, diverged_at=2, val_accuracy=(0.1, nan), rate=0.5) for s in range(2)]
    message = "all 2 replicas of the baseline 'none' diverged, so it reaches no val_accuracy"
    with pytest.raises(SpecError, match=message) as caught:
        default_target(records)
    assert "try a learning rate below 0.5, or name a target" in str(caught.value)
    assert default_target([*records, run("none", 2, val_accuracy=(0.4,))]).value == 0.4


def test_what_diverges_at_once_may_be_no_number_before_it_trains():
    records = [run("none", s, diverged_at=1, val_accuracy=(math.nan,), rate=0.5) for s in range(2)]
    with pytest.raises(SpecError, match="diverged in the first epoch, so it reaches no") as caught:
        default_target(records)
    assert "below 0.5, look for NaN in what model.predict gives" in str(caught.value)


def test_the_default_target_needs_records_with_the_metric():
    with pytest.raises(SpecError, match="records is empty"):
        default_target([])
    with pytest.raises(
        UnknownNameError, match="unknown metric 'val_accuracy'; expected one of loss"
    ):
        default_target([run(loss=(0.5,))])
