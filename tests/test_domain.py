import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normwise.domain import (
    Comparison,
    EpochsToTarget,
    Estimate,
    RunKey,
    RunRecord,
    SoloCheck,
    Summary,
    Target,
    Variant,
    VariantSummary,
    derive_seed,
)
from normwise.errors import SpecError, UnknownNameError, VariantError

PLACES = st.lists(st.sampled_from(["input", "before", "after"]), min_size=1, unique=True)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "center": st.booleans(),
        "scale": st.booleans(),
        "bias": st.booleans(),
        "renorm": st.booleans() | st.just("auto") | st.integers(2, 10**6),
        "ghost": st.integers(2, 10**6),
        "momentum": st.floats(0, 1, exclude_max=True) | st.just("auto"),
        "epsilon": st.floats(0, 1e6, exclude_min=True),
        "norm": st.sampled_from(["batch", "layer", "group", "rms"]),
        "drop_before": st.floats(0, 1, exclude_max=True),
        "drop_after": st.floats(0, 1, exclude_max=True),
    },
)


def text_of(places, options):
    values = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in options.items()
    }
    return "+".join(places) + ":" + ",".join(f"{name}={value}" for name, value in values.items())


@given(PLACES, OPTIONS)
def test_the_name_of_a_variant_reads_back_as_the_same_variant(places, options):
    variant = Variant.parse(text_of(places, options))
    assert set(variant.places) == set(places)
    assert all(getattr(variant, name) == value for name, value in options.items())
    assert Variant.parse(variant.name) == variant
    assert Variant.parse(variant.name).name == variant.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("none", "none"),
        (" after ", "after"),
        ("after:", "after"),
        ("after+input", "input+after"),
        ("after + before + input", "input+before+after"),
        ("after:momentum=0.9,scale=false", "after:scale=false,momentum=0.9"),
        ("after: momentum = 0.9 ", "after:momentum=0.9"),
        ("after:renorm", "after:renorm=true"),
        ("after:center=true,momentum=0.99,norm=batch", "after"),
        ("after:momentum=-0", "after:momentum=0"),
        ("after: momentum = auto", "after:momentum=auto"),
        ("after:momentum=0.9999999", "after:momentum=0.9999999"),
        ("before:epsilon=1e-5", "before:epsilon=1e-05"),
        ("input:norm=zscore", "input:norm=zscore"),
        ("none:drop_after=0.30", "none:drop_after=0.3"),
        ("none:drop_after=0", "none"),
        ("before:ghost=016", "before:ghost=16"),
        ("before:ghost=0", "before"),
        ("after:drop_after=.5,drop_before=0.25", "after:drop_before=0.25,drop_after=0.5"),
    ],
)
def test_one_plan_has_one_name(text, name):
    assert Variant.parse(text).name == name
    assert str(Variant.parse(text)) == name


def test_the_baseline_is_none():
    assert Variant().name == "none"
    assert Variant().is_baseline
    assert not Variant.parse("input").is_baseline
    assert not Variant.parse("none:drop_after=0.3").is_baseline
    assert Variant.parse("none:drop_after=0").is_baseline


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "befor",
            "unknown place in .* 'befor'; expected one of none, before, .*; did you mean 'before'?",
        ),
        ("AFTER", "unknown place in variant 'AFTER': 'AFTER'.*did you mean 'after'?"),
        (
            "",
            "unknown place in variant '': ''; expected one of none, before, .*; take one of these",
        ),
        (
            "after:momntum=0.5",
            "unknown option in .*: 'momntum'; expected one of center, .*; did you mean 'momentum'?",
        ),
        ("after:norm=laier", "unknown norm in .*: 'laier'; expected .*; did you mean 'layer'"),
    ],
)
def test_an_unknown_name_in_a_variant_offers_the_nearest(text, message):
    with pytest.raises(UnknownNameError, match=message):
        Variant.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("after+after", "'after\\+after' names a place twice; expected .* once; try 'after'"),
        ("none+after", "'none\\+after' joins 'none' with a place; .*; try 'after'"),
        ("none+none", "'none\\+none' joins 'none' with a place; .*; try 'none'"),
        ("none:scale=false", "sets options on 'none'.*; try 'after:scale=false'"),
        ("after:scale=maybe", "has 'scale=maybe'; expected true or false; try 'scale=false'"),
        ("after:scale,scale=false", "sets an option twice; expected each at most once"),
        (
            "after:momentum=1",
            "'momentum=1'; expected .* at least 0 and below 1, or auto; try 'momentum=0.9'",
        ),
        ("after:momentum=-0.1", "'momentum=-0.1'; expected a number at least 0 and below 1"),
        ("after:momentum=nan", "'momentum=nan'; expected a number at least 0 and below 1, or auto"),
        ("after:momentum", "has 'momentum'; expected a number at least 0 and below 1"),
        ("after:epsilon=0", "has 'epsilon=0'; expected a number above 0; try 'epsilon=1e-5'"),
        ("after:epsilon=inf", "has 'epsilon=inf'; expected a number above 0"),
        ("none:drop_before=0.3", "sets options on 'none'.*, or drop_after alone"),
        ("none:drop_after=0.3,scale=false", "sets options on 'none'.*, or drop_after alone"),
        ("after:drop_before=1", "'drop_before=1'; expected .* below 1; try 'drop_before=0.3'"),
        ("after:drop_after", "'drop_after'; expected a number at least 0 .*'drop_after=0.3'"),
        ("after:norm=zscore", "norm=zscore at 'after'; .* at 'input' alone; try 'input:norm=zsc"),
        ("input+before:norm=mean", "norm=mean at 'input\\+before'; .*; try 'input:norm=mean'"),
        ("none:norm=mean", "sets options on 'none'"),
        ("after:renorm=1", "'renorm=1'; expected true, .*, at least 2, or auto; try 'renorm=auto'"),
        ("after:renorm=soon", "'renorm=soon'; expected true, false, the steps until its clips"),
        ("after:ghost=1", "'ghost=1'; expected .*, at least 2, .*; try 'ghost=16'"),
        ("after:ghost", "'ghost'; expected the number of examples in a ghost batch"),
        ("after:ghost=2.5", "'ghost=2.5'; expected"),
        ("none:ghost=16", "sets options on 'none'"),
    ],
)
def test_a_variant_that_contradicts_itself_says_what_to_write(text, message):
    with pytest.raises(VariantError, match=message):
        Variant.parse(text)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("val_accuracy>=0.8", Target("val_accuracy", ">=", 0.8)),
        (" val_loss <= 4e-1 ", Target("val_loss", "<=", 0.4)),
        ("loss<=-1", Target("loss", "<=", -1.0)),
    ],
)
def test_a_target_is_metric_relation_and_value(text, target):
    assert Target.parse(text) == target
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize(
    "text",
    ["", "foo", "val_accuracy", "val_accuracy>0.8", "val_accuracy==0.8", ">=0.8", "a>=b", "a>=",
     "a>=1e999", "a>=nan", "a>=inf", "a>=1-1", "a b>=1", "a>=1 and b>=2"],
)  # fmt: skip
def test_a_target_that_does_not_parse_shows_one_that_does(text):
    with pytest.raises(SpecError) as caught:
        Target.parse(text)
    assert str(caught.value) == (
        f"target {text!r} does not parse; expected METRIC>=VALUE or METRIC<=VALUE; "
        f"try 'val_accuracy>=0.8'"
    )


@pytest.mark.parametrize(
    ("text", "value", "reached"),
    [
        ("a>=0.8", 0.8, True),
        ("a>=0.8", 0.79, False),
        ("a<=0.8", 0.8, True),
        ("a<=0.8", 0.81, False),
        ("a>=0.8", math.nan, False),
        ("a<=0.8", math.nan, False),
        ("a>=0.8", math.inf, True),
        # What single precision makes of 7 of 10, and of one part in a million less.
        ("a>=0.7", float(np.float32(0.7)), True),
        ("a<=0.1", float(np.float32(0.1)), True),
        ("a>=0.7", 0.6999993, False),
        ("a<=0.7", 0.7000007, False),
    ],
)
def test_a_target_is_reached_at_its_value_and_never_by_nan(text, value, reached):
    assert Target.parse(text).is_reached(value) is reached


@pytest.mark.parametrize(
    ("value", "at_least", "at_most"),
    [
        (44 / 60, "0.7333", "0.7334"),
        (2 / 3, "0.6666", "0.6667"),
        (float(np.float32(0.7)), "0.7", "0.7"),
        (float(np.float32(0.9999)), "0.9999", "0.9999"),
        (0.96875, "0.9687", "0.9688"),
        (-0.98765, "-0.9877", "-0.9876"),
        (1234567.0, "1234000", "1235000"),
        (1.23456e-5, "1.234e-05", "1.235e-05"),
        (0.0, "0", "0"),
        (100.0, "100", "100"),
    ],
)
def test_a_target_is_written_in_four_digits_at_most(value, at_least, at_most):
    found = [Target("a", relation, value) for relation in (">=", "<=")]
    assert [target.number for target in found] == [at_least, at_most]
    assert [str(target) for target in found] == [f"a>={at_least}", f"a<={at_most}"]


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([">=", "<="]))
@example(1.7970001071095532e308, "<=")
def test_a_target_typed_as_it_is_written_is_reached_by_what_reached_it(value, relation):
    assert Target.parse(str(Target("a", relation, value))).is_reached(value)


# What these give is a contract: journals and results from before must stay valid.
GOLDEN = "97898a1c7445a3f1 1610380561 631197531"


def test_digests_and_seeds_are_the_same_in_every_process():
    code = (
        "from normwise.domain import RunKey, derive_seed;"
        "print(RunKey('after:momentum=0.9', 3, 'abc').digest,"
        " derive_seed(0, 'order'), derive_seed(7, 'dropout'))"
    )
    here = (
        RunKey("after:momentum=0.9", 3, "abc").digest,
        derive_seed(0, "order"),
        derive_seed(7, "dropout"),
    )
    there = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "1"},
    )
    assert " ".join(map(str, here)) == there.stdout.strip() == GOLDEN


@given(st.integers(0, 2**40), st.text(max_size=10))
def test_a_derived_seed_has_31_bits(seed, purpose):
    assert 0 <= derive_seed(seed, purpose) < 2**31


@pytest.mark.parametrize(
    "other",
    [RunKey("before", 0, "x"), RunKey("none", 1, "x"), RunKey("none", 0, "y")],
    ids=["variant", "seed", "setting"],
)
def test_every_part_of_a_key_changes_the_digest(other):
    assert RunKey("none", 0, "x").digest != other.digest


def test_a_record_knows_its_epochs():
    assert RunRecord(RunKey("none", 0, "x"), 0.1, {"loss": (1.0, 0.5)}).epochs == 2


def summary(solo_check=None):
    estimate = Estimate(2.0, 1.5, math.inf, n=10, censored=1, method="words", seed=0)
    return Summary(
        study="mine",
        target=Target("val_accuracy", ">=", 0.8),
        variants=(
            VariantSummary(
                name="none",
                seeds=10,
                final={"val_accuracy": Estimate(0.8, math.nan, 0.9)},
                epochs_to_target=EpochsToTarget(
                    Estimate(math.inf, 9.0, math.inf),
                    Estimate(18.0, 16.0, 20.0),
                    reached=4,
                    censored=5,
                    diverged=1,
                ),
                seconds_per_epoch=0.1,
                learning_rate=0.01,
            ),
        ),
        comparisons=(Comparison("after", "none", "helps", estimate, estimate),),
        verdict="it helps.",
        recommended="after",
        solo_check=solo_check,
        environment={"python": "3.11"},
        headline="It helps.",
    )


# `relation` is not in DESIGN.md: `normwise report` needs it to draw the target again.
CONTRACT = {
    "version": 1,
    "study": "mine",
    "target": {"metric": "val_accuracy", "relation": ">=", "value": 0.8},
    "variants": [
        {
            "name": "none",
            "seeds": 10,
            "final": {"val_accuracy": {"mean": 0.8, "low": None, "high": 0.9}},
            "epochs_to_target": {
                "median": None,
                "low": 9.0,
                "high": None,
                "reached": 4,
                "censored": 5,
                "diverged": 1,
            },
            "seconds_per_epoch": 0.1,
            "learning_rate": 0.01,
            "restricted_mean": {"value": 18.0, "low": 16.0, "high": 20.0},
        }
    ],
    "comparisons": [
        {
            "variant": "after",
            "baseline": "none",
            "outcome": "helps",
            "epochs_ratio": {"value": 2.0, "low": 1.5, "high": None},
            "seconds_ratio": {"value": 2.0, "low": 1.5, "high": None},
            "seeds_needed": None,
            "confidence": 0.95,
            "final_difference": None,
            "epochs_saved": None,
        }
    ],
    "verdict": "it helps.",
    "headline": "It helps.",
    "recommended": "after",
    "solo_check": {
        "variant": "none",
        "seed": 3,
        "max_relative_difference": 1e-6,
        "first_epoch_difference": 1e-7,
        "first_steps_difference": 1e-8,
        "first_steps": {"none": 1e-8, "after": 2e-8},
        "failed": [],
        "epochs_checked": 2,
        "epochs_trained": 5,
    },
    "environment": {"python": "3.11"},
}


def test_the_summary_in_json_is_the_contract():
    steps = {"none": 1e-8, "after": 2e-8}
    check = SoloCheck("none", 3, 1e-6, 1e-7, steps, epochs_checked=2, epochs_trained=5)
    assert summary(check).to_json() == CONTRACT
    assert SoloCheck.from_json(CONTRACT["solo_check"]) == check


def test_a_summary_without_a_solo_check_has_null():
    assert summary().to_json() == {**CONTRACT, "solo_check": None}
