"""Variant and seed, read from how people name folders, files and runs."""

import pytest

from normwise.errors import DataError
from normwise.runs.run_names import by_pattern, named

SEEDS, VARIANTS = (0, 3, 12), ("none", "bn_before", "ln2")


@pytest.mark.parametrize(
    "form",
    [
        "{v}/{s}", "{v}-seed{s}", "{v}_seed_{s}", "{v}_{s}", "{s}/{v}", "{v}/seed={s}/history",
        "logs/{v}/version_{s}/metrics", "Seed{s}-{v}", "{v}_trial{s}", "{v}.run3.seed{s}", "{s}_{v}",
        "exp7/{v}-s{s}", "{v}-seed{s}-final", "{v}/{s}/history", "2024/{v}/{s}/log",
    ],
)  # fmt: skip
def test_usual_names_say_both(form):
    names = [form.format(v=variant, s=seed) for variant in VARIANTS for seed in SEEDS]
    found = named(names)
    assert [int(one.seed) for one in found] == [seed for _ in VARIANTS for seed in SEEDS]
    ends = {".run3": ".run3", "-final": "/-final"}
    rest = next((end for end in ends if end in form), "")
    said = [one.variant.replace(rest, "").rstrip("/") if rest else one.variant for one in found]
    assert said == [variant for variant in VARIANTS for _ in SEEDS]


def test_without_a_number_each_name_is_a_variant():
    assert [one.variant for one in named(["logs/none", "logs/bn"])] == ["none", "bn"]
    assert {one.seed for one in named(["logs/none", "logs/bn"])} == {None}


def test_one_variant_keeps_a_name():
    assert {one.variant for one in named(["logs/bn/0", "logs/bn/1"])} == {"bn"}


def test_a_pattern_says_it_otherwise():
    [found] = by_pattern("{}/{variant}/lr{learning_rate}_{seed}.csv", ["x/bn/lr0.1_s3.csv"])
    assert (found.variant, found.seed, found.others) == ("bn", "s3", {"learning_rate": "0.1"})


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{seed}.csv", r"names seed; expected \{variant\}"),
        ("{variant}/{variant}.csv", "at most once"),
        ("{variant}/{colour}.csv", "names variant, colour"),
        ("{variant}/{seed}.log", r"'bn/3.csv' is not of the pattern"),
    ],
)
def test_a_pattern_that_does_not_fit_is_one_message(pattern, message):
    with pytest.raises(DataError, match=message):
        by_pattern(pattern, ["bn/3.csv"])
