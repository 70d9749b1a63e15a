"""Whatever is typed is read as it is meant or refused: no other error, and no other reading."""

import itertools
import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normwise.commands.study import seconds_of
from normwise.domain import Target, Variant
from normwise.errors import SpecError, UsageError
from normwise.spec import Spec, optimizer_parts


def attempt(read, *given):
    """What is read, or ``None``; and the message of a refusal."""
    try:
        return read(*given), ""
    except UsageError as error:
        return None, str(error)


def near(*words):
    """Texts made of a grammar's own words, mostly in the wrong order, and any other text."""
    return st.one_of(st.text(), st.lists(st.sampled_from(words) | st.text(max_size=2)).map("".join))


NUMBERS = ("0", "1", "-", ".", "e", "9e999", "nan", "inf", "_", "٣", " ")
NAMES = (
    "momentum",
    "center",
    "epsilon",
    "ghost",
    "norm",
    "only",
    "drop_before",
    "drop_after",
    "renorm",
)
VALUES = ("", "true", "false", "layer", "zscore", "2", "1+2", "0.5", "-0.0", "1e-400", *NUMBERS)
SHARES = st.floats(0, 1).map(repr) | st.sampled_from(VALUES)
OPTIONS = st.one_of(
    st.tuples(st.sampled_from(("momentum", "epsilon", "drop_before", "drop_after")), SHARES),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)),
).map("=".join)
PLACES = st.lists(
    st.sampled_from(("before", "after", "input", " after ", "none")), min_size=1, max_size=2
)
# In the right order, so that many of them are variants.
ORDERLY = st.tuples(PLACES.map("+".join), st.lists(OPTIONS, max_size=2).map(",".join)).map(":".join)
VARIANTS = st.one_of(ORDERLY, ORDERLY, near("none", "after", "+", ":", ",", "=", *NAMES, *VALUES))


@example("after:momentum=-0.0")
@example("after:momentum=1.0")
@given(VARIANTS)
def test_a_variant_reads_and_is_written_as_one_that_reads_the_same(text):
    variant, refusal = attempt(Variant.parse, text)
    if refusal:
        assert "; " in refusal
    else:
        assert Variant.parse(variant.name) == variant
        assert Variant.parse(variant.name).name == variant.name
        assert "=-" not in variant.name  # −0 is 0
        assert 0 <= variant.momentum < 1
        assert 0 < variant.epsilon < math.inf


TARGETS = st.tuples(
    st.just("loss"), st.sampled_from((">=", " <= ", "=")), st.floats().map(repr) | st.just("9e999")
)


@given(TARGETS.map("".join) | near("val_loss", "accuracy", ">=", "<=", "<", ">", "=", *NUMBERS))
def test_a_target_has_a_metric_and_a_finite_value(text):
    target, refusal = attempt(Target.parse, text)
    if refusal:
        assert "try 'val_accuracy>=0.8'" in refusal
    else:
        metric, _, value = text.partition(target.relation)
        assert (target.metric, target.value) == (metric.strip(), float(value))
        assert math.isfinite(target.value)


RATES = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(near(":", *NUMBERS))
def test_a_learning_rate_is_positive_or_refused(text):
    spec, refusal = attempt(
        Spec.make, {"model": "circles", "data": "circles", "learning_rate": text}
    )
    if refusal:
        assert "learning_rate" in refusal
    else:
        assert all(0 < rate < math.inf for rate in spec.learning_rate)


@given(RATES, RATES, st.integers(-2, 40))
def test_a_range_goes_from_its_first_to_its_last_in_equal_factors(first, last, count):
    settings = {
        "model": "circles",
        "data": "circles",
        "learning_rate": f"{first!r}:{last!r}:{count}",
    }
    try:
        rates = Spec.make(settings).learning_rate
    except SpecError:
        # Closer than the six digits that are kept, or smaller than has six digits.
        steps = (math.log(last) - math.log(first)) / max(count - 1, 1)
        assert first >= last or count < 2 or steps < 3e-6 or first < 1e-300
        return
    assert len(rates) == count
    assert (rates[0], rates[-1]) == pytest.approx((first, last), rel=1e-5)
    steps = [math.log(after) - math.log(before) for before, after in itertools.pairwise(rates)]
    if first > 1e-300:
        assert steps == pytest.approx([steps[0]] * (count - 1), abs=2e-5, rel=1e-5)


def test_the_longest_range_takes_no_time():
    settings = {"model": "circles", "data": "circles", "learning_rate": "1e-200:1e200:100000"}
    started = time.monotonic()
    assert len(Spec.make(settings).learning_rate) == 100_000
    assert time.monotonic() - started < 20  # it would be minutes, were each compared with each


@given(near("h", "m", "s", *NUMBERS))
def test_a_duration_is_positive_or_refused(text):
    seconds, refusal = attempt(seconds_of, text)
    if refusal:
        assert "try --budget 10m" in refusal
    else:
        assert 0 < seconds < math.inf


@given(near("sgd", ":", ",", "=", "momentum", "true", *NUMBERS))
def test_an_optimisers_options_are_finite_or_refused(text):
    parts, refusal = attempt(optimizer_parts, text)
    if refusal:
        assert "try 'sgd:momentum=0.9'" in refusal
    else:
        assert all(math.isfinite(value) for value in parts[1].values())
