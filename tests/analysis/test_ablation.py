"""Which layers matter: found again where the truth was put in."""

from itertools import combinations

import pytest

from normwise import analysis
from normwise.domain import Target

TARGET = Target.parse("val_accuracy>=0.8")


@pytest.fixture
def train(record):
    """Runs of a subset: each layer of `worth` that is kept saves that many epochs."""

    def make(kept, worth, start=28):
        saved = sum(gain for number, gain in enumerate(worth, 1) if number in kept)
        return [
            record("after", seed, start - saved + jitter) for seed, jitter in enumerate((-1, 0, 1))
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
        ((10, 0, 0), ("layer1",)),
        ((0, 6, 6), ("layer2", "layer3")),
        ((5, 5, 5), ("layer1", "layer2", "layer3")),
        ((0, 0, 0), ()),
    ],
)
def test_the_fewest_of_few_layers_are_found_among_all_subsets(worth, kept, train):
    runs, found = try_all(3, worth, train)
    assert set(runs) == {s for n in range(4) for s in combinations((1, 2, 3), n)}
    assert found.kept == kept
    assert [len(step.layers) for step in found.tried] == [3, 2, 2, 2, 1, 1, 1, 0]


def test_of_many_layers_one_after_another_is_left_out(train):
    runs, found = try_all(7, (0, 0, 9, 0, 0, 9, 0), train)
    assert found.kept == ("layer3", "layer6")
    # All, none, seven of six, six of five, …, until one more costs too much.
    assert len(runs) == 2 + 7 + 6 + 5 + 4 + 3 + 2


def test_leaving_out_stops_where_all_matter(train):
    runs, found = try_all(6, (3, 3, 3, 3, 3, 3), train)
    assert len(runs) == 2 + 6
    assert len(found.kept) == 6


def test_a_subset_that_does_better_than_all_sets_the_standard(train):
    # A layer that does harm: without it the replicas arrive sooner.
    _, found = try_all(2, (8, -6), train)
    assert found.kept == ("layer1",)


def test_where_nobody_arrives_the_end_decides_and_no_layer_matters(record):
    runs = {
        kept: [record("after", seed, 99.0, low=0.5 + 0.1 * len(kept)) for seed in range(3)]
        for kept in [(1,), ()]
    }
    found = analysis.ablation("after", ["only"], runs, TARGET)
    assert found.kept == ()
    assert found.tried[0].restricted_mean.value == 30
