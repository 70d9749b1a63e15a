"""Which layers matter: found again where the truth was put in."""

import math
from itertools import combinations

import numpy as np
import pytest

from normwise import analysis
from normwise.domain import Ablation, Target
from normwise.domain.plain import plain

TARGET = Target.parse("val_accuracy>=0.8")


@pytest.fixture
def train(record):
    """Runs of a subset: each layer of `worth` that is kept saves that many epochs."""

    def make(kept, worth, start=45):
        saved = sum(gain for number, gain in enumerate(worth, 1) if number in kept)
        return [
            record("after", seed, start - saved + jitter, epochs=60)
            for seed, jitter in enumerate((-1, 0, 1) * 3)
        ]

    return make


def try_all(layers, worth, train):
    runs = {}
    for round_ in analysis.subsets_to_try(layers, runs, TARGET):
        runs.update({kept: train(kept, worth) for kept in round_})
    names = [f"layer{number}" for number in range(1, layers + 1)]
    return runs, analysis.ablation("after", names, runs, TARGET)


@pytest.mark.parametrize(
    ("worth", "kept"),
    [
        ((20, 0, 0), ("layer1",)),
        ((0, 11, 11), ("layer2", "layer3")),
        ((8, 8, 8), ("layer1", "layer2", "layer3")),
        ((0, 0, 0), ()),
    ],
)
def test_the_fewest_of_few_layers_are_found_among_all_subsets(worth, kept, train):
    runs, found = try_all(3, worth, train)
    assert set(runs) == {s for n in range(4) for s in combinations((1, 2, 3), n)}
    assert found.kept == kept
    assert [len(step.layers) for step in found.tried] == [3, 2, 2, 2, 1, 1, 1, 0]


def test_of_many_layers_one_after_another_is_left_out(train):
    runs, found = try_all(7, (0, 0, 12, 0, 0, 12, 0), train)
    assert found.kept == ("layer3", "layer6")
    # All, none, seven of six, six of five, …, until one more costs too much.
    assert len(runs) == 2 + 7 + 6 + 5 + 4 + 3 + 2


def test_leaving_out_stops_where_all_matter(train):
    runs, found = try_all(6, (5, 5, 5, 5, 5, 5), train)
    assert len(runs) == 2 + 6
    assert len(found.kept) == 6


def test_a_subset_that_does_better_than_all_sets_the_standard(train):
    # A layer that does harm: without it the replicas arrive sooner.
    _, found = try_all(2, (15, -12), train)
    assert found.kept == ("layer1",)


def test_where_nobody_arrives_all_layers_stay_and_it_is_open(record):
    runs = {
        kept: [record("after", seed, 99.0, low=0.5 + 0.1 * len(kept)) for seed in range(9)]
        for kept in [(1,), ()]
    }
    found = analysis.ablation("after", ["only"], runs, TARGET)
    assert (found.kept, found.is_open) == (("only",), True)
    assert found.tried[0].restricted_mean.value == 30


def arrivals(**epochs):
    """Of layers `a` and `b` the subsets that are named, with the epochs at which they arrive."""
    kept = {"both": (1, 2), "a": (1,), "b": (2,), "none": ()}
    return {kept[name]: found for name, found in epochs.items()}


SLOW = [50, 52, 51, 53, 49, 50, 52, 51, 53]
FAST = [20, 22, 21, 23, 19, 20, 22, 21, 23]


@pytest.mark.parametrize(
    ("single", "kept", "is_open"),
    [
        (FAST, ("a",), False),
        # It is as good on average, by seeds that say nothing of each other.
        ([12, 36, 12, 36, 12, 36, 12, 36, 12], ("a", "b"), True),
        # Two of nine never arrive.
        ([*FAST[:7], math.inf, math.inf], ("a", "b"), True),
        (SLOW, ("a", "b"), False),
    ],
)
def test_a_layer_is_left_out_only_where_that_is_shown(record, single, kept, is_open):
    tried = arrivals(both=FAST, a=single, b=SLOW, none=SLOW)
    runs = {
        subset: [record("after", seed, at, epochs=60) for seed, at in enumerate(found)]
        for subset, found in tried.items()
    }
    found = analysis.ablation("after", ["a", "b"], runs, TARGET)
    assert (found.kept, found.is_open) == (kept, is_open)
    read = Ablation.from_json(plain(found))
    assert (read.kept, read.is_open, read.margin) == (kept, is_open, 1.25)


def test_a_margin_says_what_is_as_good(record):
    tried = arrivals(both=FAST, a=[at * 1.5 for at in FAST], none=SLOW)
    runs = {
        subset: [record("after", seed, at, epochs=60) for seed, at in enumerate(found)]
        for subset, found in tried.items()
    }
    assert analysis.ablation("after", ["a", "b"], runs, TARGET).kept == ("a", "b")
    assert analysis.ablation("after", ["a", "b"], runs, TARGET, margin=2.0).kept == ("a",)


def test_a_layer_that_matters_is_seldom_left_out(record):
    """Eight subsets; without layer 1, they take 1.3 times the epochs."""
    rng = np.random.default_rng(5)
    subsets = [kept for size in range(4) for kept in combinations((1, 2, 3), size)]
    lost = []
    for _ in range(25):
        shared = rng.standard_normal(5)
        runs = {}
        for kept in subsets:
            luck = 0.15 * shared + 0.13 * rng.standard_normal(5)
            epochs = np.ceil((1.0 if 1 in kept else 1.3) * 20 * np.exp(luck))
            runs[kept] = [record("after", s, at, epochs=60) for s, at in enumerate(epochs)]
        lost.append("a" not in analysis.ablation("after", list("abc"), runs, TARGET).kept)
    assert np.mean(lost) <= 0.05
