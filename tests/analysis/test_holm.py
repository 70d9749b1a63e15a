"""Holm's procedure against the adjusted probabilities of his paper."""

from dataclasses import dataclass

import numpy as np
import pytest

from normwise.analysis._holm import holm

DRAW = np.random.default_rng(1)


@dataclass(frozen=True)
class Answer:
    outcome: str


def decided(probabilities, confidence):
    def compare(name, level):
        return Answer("helps" if probabilities[name] <= 1 - level else "undecided")

    found = holm(list(probabilities), compare, confidence)
    assert list(found) == list(probabilities)
    return {name for name, (answer, _) in found.items() if answer.outcome == "helps"}


def rejected(probabilities, confidence):
    """In ascending order, each times the number that are left; the first that fails stops all."""
    ordered = sorted(probabilities, key=probabilities.get)
    adjusted = [probabilities[one] * (len(ordered) - i) for i, one in enumerate(ordered)]
    kept = np.maximum.accumulate(adjusted) <= 1 - confidence
    return {one for one, keep in zip(ordered, kept, strict=True) if keep}


@pytest.mark.parametrize("_", range(20))
def test_as_many_are_decided_as_holm_rejects(_):
    probabilities = {str(i): float(p) for i, p in enumerate(DRAW.beta(0.3, 4, 6))}
    assert decided(probabilities, 0.9) == rejected(probabilities, 0.9)


def test_each_decision_frees_confidence_for_the_rest():
    """0.04 is too much for one of three, or of two, at 95%, and little enough alone."""
    assert decided({"a": 0.01, "b": 0.02, "c": 0.04}, 0.95) == {"a", "b", "c"}
    assert decided({"a": 0.01, "b": 0.03, "c": 0.04}, 0.95) == {"a"}
    assert decided({"a": 0.02, "b": 0.02, "c": 0.02}, 0.95) == set()


def answering(outcomes):
    """Comparisons that find their outcome at up to a confidence, and are undecided above it."""

    def compare(name, level):
        outcome, most = outcomes[name]
        return Answer(outcome if level <= most else "undecided")

    return compare


def test_no_difference_keeps_its_place_in_the_family():
    """Only what helps or hurts makes room: with four it is 98.75%, and 98.33% once one left."""
    outcomes = {
        "alike": ("no difference", 0.99),
        "sooner": ("helps", 0.99),
        "lucky": ("helps", 0.98),
        "other": ("no difference", 0.984),
    }
    found = holm(list(outcomes), answering(outcomes), 0.95)
    assert {name: (one.outcome, round(level, 4)) for name, (one, level) in found.items()} == {
        "alike": ("no difference", 0.9875),
        "sooner": ("helps", 0.9875),
        "lucky": ("undecided", 0.9833),
        "other": ("no difference", 0.9833),
    }


def test_no_difference_of_an_earlier_look_keeps_its_place():
    lucky = {"lucky": ("helps", 0.97)}
    for alike, outcome in ((0, "helps"), (1, "undecided")):
        [(one, level)] = holm(["lucky"], answering(lucky), 0.95, unseen=alike).values()
        assert (one.outcome, level) == (outcome, 1 - 0.05 / (1 + alike))
