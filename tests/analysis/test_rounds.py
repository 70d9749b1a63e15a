"""Looking again and again: what was decided stays, and errors do not add up."""

import dataclasses
import functools

import numpy as np
import pytest

from normwise import analysis
from normwise.analysis import compare, summarise
from normwise.analysis._rounds import decide_in_rounds
from normwise.domain import RunKey, Target

TARGET = Target.parse("val_accuracy>=0.8")
SLOW = [24, 25, 27, 25, 26, 24, 25, 27, 25, 26, 24, 25]
FAST = [15, 16, 17, 16, 17, 15, 16, 17, 16, 17, 15, 16]


def test_one_round_is_holms_procedure(study):
    records = study(none=SLOW, after=FAST, before=[e + 1 for e in SLOW])
    at_once = summarise("x", records, TARGET)
    assert summarise("x", records, TARGET, rounds=[12]).to_json() == at_once.to_json()


def test_what_is_decided_stays_decided(study):
    turned = FAST[:4] + [40 - epoch for epoch in FAST[4:]]
    found = summarise("x", study(none=SLOW, after=turned), TARGET, rounds=[4, 8, 12])
    [one] = found.comparisons
    at_once = compare(turned[:4], SLOW[:4], horizon=30, confidence=1 - 0.05 / 3)
    assert (one.outcome, one.seeds) == ("helps", 4)
    assert (one.epochs_ratio.low, one.confidence) == (at_once.low, pytest.approx(1 - 0.05 / 3))
    assert found.rounds == (4, 8, 12)


def test_the_errors_of_a_look_are_shared_by_what_is_still_open(study):
    open_ = [20, 31, 18, 35, 22, 28, 19, 33, 24, 27, 20, 30]
    found = summarise("x", study(none=SLOW, after=FAST, before=open_), TARGET, rounds=[6, 12])
    after, before = found.comparisons
    assert (after.seeds, after.confidence) == (6, pytest.approx(1 - 0.025 / 2))
    assert (before.seeds, before.confidence) == (12, pytest.approx(1 - 0.025))


def test_what_an_earlier_look_found_alike_keeps_its_place(study):
    open_ = [20, 31, 18, 35, 22, 28, 19, 33, 24, 27, 20, 30]
    records = study(none=SLOW, after=SLOW[::-1], before=open_)
    after, before = summarise("x", records, TARGET, rounds=[6, 12]).comparisons
    assert (after.outcome, after.seeds) == ("no difference", 6)
    assert (before.seeds, before.confidence) == (12, pytest.approx(1 - 0.025 / 2))


def test_a_round_that_is_not_whole_is_not_looked_at(study):
    records = study(none=SLOW, after=[20, 31, 18, 35, 22, 28])
    found = summarise("x", records, TARGET, rounds=[6, 12])
    assert found.comparisons[0].seeds == 6


def test_who_gets_no_more_seeds_holds_back_nobody_and_keeps_the_place():
    asked = []

    def look(name, seeds, confidence):
        asked.append((name, seeds, round(confidence, 4)))
        outcome = "helps" if (name, seeds) == ("goes on", 20) else "undecided"
        return dataclasses.replace(compare(SLOW, SLOW, horizon=30), outcome=outcome)

    found = decide_in_rounds(look, {"stays": 5, "goes on": 20}, [5, 10, 20], 0.95)
    level = round(1 - 0.05 / 3 / 2, 4)
    assert asked == [
        ("stays", 5, level),
        ("goes on", 5, level),
        ("goes on", 10, level),
        ("goes on", 20, level),
    ]
    assert [(one.seeds, one.decision.outcome) for one in found.values()] == [
        (5, "undecided"),
        (20, "helps"),
    ]


def test_no_look_has_more_seeds_than_the_baseline(study):
    wide = [20, 31, 18, 35, 22, 28, 19, 33, 24, 27, 20, 30]
    found = summarise("x", study(none=SLOW[:6], after=wide), TARGET, rounds=[6, 12])
    assert found.comparisons[0].seeds == 6


def test_a_round_that_was_broken_off_is_left_out(record):
    runs = [record("none", s, 20) for s in range(9)] + [record("after", s, 10) for s in range(6)]
    kept = analysis.in_whole_rounds(runs, [3, 6, 12])
    assert [(r.key.variant, r.key.seed) for r in kept] == [
        (name, seed) for name in ("none", "after") for seed in range(6)
    ]
    # In a grid a round is whole once it is at every point.
    other = [
        dataclasses.replace(r, learning_rate=9.0, key=RunKey("none", r.key.seed, "b"))
        for r in runs[:4]
    ]
    assert len(analysis.in_whole_rounds(runs[:9] + other, [3, 6, 12])) == 3 + 3


def test_repeated_looks_tell_nothing_apart_from_itself_too_often():
    """Four looks at two samples of one distribution: at most 5% of studies may decide."""
    rounds, studies = (5, 10, 20, 40), 400
    draws = np.random.default_rng(0).lognormal(3.0, 0.3, (studies, 2, rounds[-1]))
    wrong = naive = 0
    for variant, baseline in draws:
        look = functools.partial(_look, np.ceil(variant), np.ceil(baseline))
        found = decide_in_rounds(look, {"itself": rounds[-1]}, rounds, 0.95)["itself"]
        wrong += found.decision.outcome in ("helps", "hurts")
        naive += any(look("", seeds, 0.95).outcome in ("helps", "hurts") for seeds in rounds)
    # 400 fair studies at 5% show more than 29 errors one time in fifty.
    assert wrong <= 29
    # Looking as often at 95% does mislead, or this test could not fail.
    assert naive > 29


def test_whoever_gets_more_seeds_errors_do_not_add_up():
    """Three equals, of which only those go on that lead after the first look."""
    rounds, studies, wrong = (4, 8, 16, 32), 200, 0
    draws = np.random.default_rng(15).lognormal(3.0, 0.3, (studies, 4, rounds[-1]))
    for baseline, *variants in draws:
        leads = [np.log(one[:4]).mean() < np.log(baseline[:4]).mean() for one in variants]
        trained = {number: rounds[3 * lead] for number, lead in enumerate(leads)}
        found = decide_in_rounds(functools.partial(_one, variants, baseline), trained, rounds, 0.95)
        wrong += any(one.decision.outcome in ("helps", "hurts") for one in found.values())
    assert wrong <= 0.05 * studies + 2 * (0.05 * 0.95 * studies) ** 0.5


def _one(variants, baseline, number, seeds, confidence):
    return _look(variants[number], baseline, "", seeds, confidence)


def _look(variant, baseline, _name, seeds, confidence):
    return compare(variant[:seeds], baseline[:seeds], horizon=200, confidence=confidence)
