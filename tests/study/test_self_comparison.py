"""A network against itself: trained for real, told apart by luck alone."""

import dataclasses

import pytest

from normwise import analysis
from normwise.domain import RunKey, Target
from normwise.study import Study

STUDIES, SEEDS = 40, 10
TARGET = Target.parse("val_accuracy>=0.8")


@pytest.fixture(scope="module")
def comparisons():
    """Forty studies of the circles network without normalisation and its double.

    Each side has seeds of its own: those that share a seed train alike to the last digit.
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
    for study in range(STUDIES):
        dealt = []
        for side, name in enumerate(("none", "itself")):
            first = (2 * study + side) * SEEDS
            dealt += [
                dataclasses.replace(run, key=RunKey(name, run.key.seed - first, run.key.setting))
                for run in records[first : first + SEEDS]
            ]
        found += analysis.summarise("itself", dealt, TARGET).comparisons
    return found


def test_a_network_is_hardly_ever_told_apart_from_itself(comparisons):
    assert len(comparisons) == STUDIES
    decided = [one for one in comparisons if one.outcome in ("helps", "hurts")]
    # At an error rate of 5% more than four of forty come up in one of twenty runs like this.
    assert len(decided) <= 4


def test_the_sides_do_differ_by_luck(comparisons):
    ratios = [one.epochs_ratio.value for one in comparisons]
    assert len(set(ratios)) > STUDIES / 2
    assert min(ratios) < 0.95
    assert max(ratios) > 1.05
    # The truth is 1, and intervals are to hold it.
    assert sum(one.epochs_ratio.low <= 1 <= one.epochs_ratio.high for one in comparisons) >= 36
