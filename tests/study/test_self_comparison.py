"""A network against itself: trained for real, told apart by luck alone."""

import dataclasses

import numpy as np
import pytest

from normwise import analysis
from normwise.domain import RunKey, Target
from normwise.study import Study

# Eight hundred runs: they train for longer than they are compiled.
pytestmark = pytest.mark.as_shipped
STUDIES, SEEDS = 40, 10
# The runs are dealt out so often: forty studies alone are told apart from 5% by luck only.
DEALS = 10
TARGET = Target.parse("val_accuracy>=0.8")


@pytest.fixture(scope="module")
def comparisons():
    """Studies of the circles network without normalisation and its double, forty a deal.

    Each side has seeds of its own: those that share a seed train alike to the last digit.
    Twenty seconds: eight hundred runs of sixty epochs are trained, and four hundred studies judged.
    """
    records = (
        Study(
            "circles",
            "circles",
            variants=["none"],
            seeds=2 * SEEDS * STUDIES,
            epochs=60,
            optimizer="sgd:momentum=0.9",
            learning_rate=0.01,
        )
        .run()
        .records
    )
    found = []
    deals = np.random.default_rng(20261128)
    for _ in range(DEALS):
        for hands in deals.permutation(len(records)).reshape(STUDIES, 2, SEEDS):
            dealt = [
                dataclasses.replace(records[at], key=RunKey(name, seed, records[at].key.setting))
                for name, hand in zip(("none", "itself"), hands, strict=True)
                for seed, at in enumerate(hand)
            ]
            found += analysis.summarise("itself", dealt, TARGET).comparisons
    return found


def test_a_network_is_hardly_ever_told_apart_from_itself(comparisons):
    assert len(comparisons) == DEALS * STUDIES
    decided = [one for one in comparisons if one.outcome in ("helps", "hurts")]
    # At an error rate of 5% more than 29 of 400 come up in one of fifty runs like this.
    assert len(decided) <= 29


def test_the_sides_do_differ_by_luck(comparisons):
    ratios = [one.epochs_ratio.value for one in comparisons]
    assert len(set(ratios)) > DEALS * STUDIES / 2
    assert min(ratios) < 0.95
    assert max(ratios) > 1.05
    # The truth is 1, and intervals are to hold it.
    held = sum(one.epochs_ratio.low <= 1 <= one.epochs_ratio.high for one in comparisons)
    assert held >= DEALS * STUDIES - 29
