"""Where lag decides, the variant is trained with `momentum=auto`, too: planned without training."""

import dataclasses

import numpy as np
import pytest

from normwise.domain import Variant
from normwise.study.planners import planner_of
from normwise.study.question import Question
from tests.study.invented import question, segment, trained

EPOCHS, REMEDY = 20, "after:momentum=auto"
# Epochs at which the loss falls below the target: by own statistics, by population statistics.
NEVER = EPOCHS + 1
ARRIVE = {"none": (12, None), "after": (8, 2), REMEDY: (3, 2)}


def asking(**settings):
    made = question(**{"epochs": EPOCHS, "seeds": 6, "target": "val_loss<=0.5", **settings})
    return dataclasses.replace(made, examples=500)


def stepping(epoch):
    return np.where(np.arange(1, EPOCHS + 1) >= epoch, 0.1, 1.0)


def train(goals, ledger=None, arrive=ARRIVE):
    """A ledger in which these runs are as far as that, each with its luck of an epoch."""
    ledger = ledger or trained({}, None)
    for run, until in goals.items():
        first = ledger.epochs(run.key)
        own, learned = (
            arrive.get((run.key.variant, run.condition.learning_rate)) or arrive[run.key.variant]
        )
        luck = run.key.seed % 2
        values = [stepping(own + luck)[first:until]]
        curves = {"loss": np.float32(values), "val_loss": np.float32(values)}
        if learned is not None:
            seen = [stepping(learned + luck)[first:until]]
            curves["population_val_loss"] = np.float32(seen)
        if first < until:
            ledger.add(segment([run], first, values, curves=curves))
    return ledger


def complete(asked, arrive=ARRIVE):
    """The last plan, and all plans before it."""
    planner, ledger, plans = planner_of(asked), trained({}, None), []
    while not ledger.has((plan := planner.next(ledger)).goals):
        plans.append(plan)
        ledger = train(plan.goals, ledger, arrive)
    assert plan == planner_of(asked).next(ledger)
    return plan, plans, ledger


def runs_of(goals, name):
    return {(run.condition, run.key.seed): until for run, until in goals.items()
            if run.key.variant == name}  # fmt: skip


@pytest.mark.parametrize(
    "settings", [{}, {"learning_rate": (0.01, 0.1)}, {"learning_rate": (0.01, 0.1), "prune": True}]
)
def test_the_remedy_is_trained_on_the_seeds_and_points_of_its_variant(settings):
    plan, plans, _ = complete(asking(**settings))
    assert REMEDY not in {run.key.variant for run in plans[0].goals}
    assert runs_of(plan.goals, REMEDY) == runs_of(plan.goals, "after") != {}
    assert {run.variant for run in plan.goals} == {
        Variant(), Variant(("after",)), Variant.parse(REMEDY),
    }  # fmt: skip
    # An answer without it is an answer, if there is no time.
    assert (
        plans[-1].fallback
        == plans[-2].goals
        == {run: until for run, until in plan.goals.items() if run.key.variant != REMEDY}
    )


# It arrives where it learns slowly, and never where it learns at once.
LATE = {("after", 0.01): (14, 13), ("after", 0.1): (NEVER, 2)}
GRID = {"none": (12, None), **LATE, (REMEDY, 0.01): (13, 13), (REMEDY, 0.1): (3, 2)}


@pytest.mark.parametrize("prune", [False, True])
def test_in_a_grid_it_is_trained_where_the_variant_learns_and_where_it_arrives(prune):
    asked = asking(learning_rate=(0.01, 0.1), prune=prune, seeds=16)  # 8 judge two ends
    plan, _, ledger = complete(asked, GRID)
    runs = runs_of(plan.goals, "after")
    assert runs_of(plan.goals, REMEDY) == runs
    # Of two rates the one was to be stopped, but for what it has learned.
    assert set(runs.values()) == {EPOCHS}
    assert len(runs) == 32
    records = [ledger.record(run, plan.goals[run], EPOCHS) for run in asked.in_order(plan.goals)]
    summary = asked.summary(records)
    late = summary.variants[1]
    assert (late.condition.learning_rate, late.learns_at.learning_rate) == (0.01, 0.1)
    assert late.lag.decides
    assert summary.recommended == REMEDY


def test_a_variant_that_learns_and_never_shows_it_is_judged_in_a_pruned_grid():
    arrive = GRID | {("after", 0.01): (NEVER, 13)}
    asked = asking(learning_rate=(0.01, 0.1), prune=True, seeds=12)
    plan, _, _ = complete(asked, arrive)
    judging = {seed for _, seed in runs_of(plan.goals, "after") if seed % 2}
    assert judging == {1, 3, 5, 7, 9, 11}
    assert REMEDY in {run.key.variant for run in plan.goals}


@pytest.mark.parametrize(
    ("settings", "arrive"),
    [
        ({"remedy": False}, ARRIVE),
        ({"variants": ("none", "after", REMEDY)}, ARRIVE),  # trained anyway
        ({}, ARRIVE | {"after": (3, 3)}),
        ({"variants": ("none", "after:momentum=0.5")}, ARRIVE | {"after:momentum=0.5": (8, 2)}),
        ({"batch_size": 1}, ARRIVE),  # 500 steps an epoch
    ],
)
def test_where_there_is_no_lag_or_the_remedy_is_not_wanted_none_is_added(settings, arrive):
    asked = asking(**settings)
    plan, _, _ = complete(asked, arrive)
    assert {run.key.variant for run in plan.goals} == set(asked.spec.variants)


def test_the_remedy_of_a_remedy_is_not_trained():
    slow = "after:momentum=0.999"
    arrive = ARRIVE | {slow: (9, 2), REMEDY: (8, 2)}  # does not help
    plan, _, _ = complete(asking(variants=("none", "after", slow)), arrive)
    assert {run.key.variant for run in plan.goals} == {"none", "after", slow, REMEDY}


def test_in_the_order_of_a_study_it_follows_its_variant():
    asked = asking(variants=("none", "after", "before"))
    arrive = ARRIVE | {"before": (3, 3)}
    plan, _, _ = complete(asked, arrive)
    names = dict.fromkeys(run.key.variant for run in asked.in_order(plan.goals))
    assert list(names) == ["none", "after", REMEDY, "before"]


def test_it_is_compared_like_the_others_and_recommended_where_it_arrives_soonest():
    asked = asking(seeds=8)  # with fewer, nothing can be said of two variants' ends
    plan, _, ledger = complete(asked)
    records = [ledger.record(run, plan.goals[run], EPOCHS) for run in asked.in_order(plan.goals)]
    summary = asked.summary(records)
    assert [one.variant for one in summary.comparisons] == ["after", REMEDY]
    assert {one.confidence for one in summary.comparisons} == {0.975}
    assert summary.recommended == REMEDY


def test_rounds_go_on_until_the_remedy_is_decided_too():
    """At three looks: `after` helps at the first, its remedy is undecided there."""
    asked = asking(until_decided=True, seeds=4, max_seeds=16)
    planner, ledger = planner_of(asked), trained({}, None)
    first = planner.next(ledger).goals
    ledger = train(first, ledger, ARRIVE | {"after": (6, 2)})
    joined = planner.next(ledger)
    assert joined.fallback == first
    assert len(runs_of(joined.goals, REMEDY)) == 4
    # Far sooner for some seeds, later for others.
    for run in (run for run in joined.goals if run.key.variant == REMEDY):
        ledger = train({run: EPOCHS}, ledger, {REMEDY: (2 if run.key.seed < 2 else 18, 2)})
    further = planner.next(ledger).goals
    assert {len(runs_of(further, name)) for name in ("none", REMEDY)} == {8}
    assert len(runs_of(further, "after")) == 4


def reopening(run):
    """Arrivals of which a lag decides at the last of three looks only, after 4, 8 and 16 seeds."""
    odd, late = run.key.seed % 2, run.key.seed >= 6
    own, learned = {
        "none": (12 + odd, None),
        "after": ((5, 6, 7, 8)[run.key.seed % 4], None),
        "before": ((5, 5), (20, 20), (10, 4), (18, 8))[2 * late + odd],
        "before:momentum=auto": (3, 3) if run.key.seed >= 4 else (2 + 16 * odd, 3),
    }[run.key.variant]
    return {run.key.variant: (own - odd, learned and learned - odd)}  # The luck is added again.


def test_who_is_reopened_by_a_remedy_that_joins_last_gets_all_seeds():
    asked = asking(variants=("none", "after", "before"), until_decided=True, seeds=4, max_seeds=16)
    planner, ledger, plans = planner_of(asked), trained({}, None), []
    while not ledger.has((plan := planner.next(ledger)).goals):
        plans.append(plan)
        for run, until in plan.goals.items():
            ledger = train({run: until}, ledger, reopening(run))
    *_, further, joined, reopened = plans
    seeds = [len(runs_of(one.goals, "after")) for one in (further, joined, reopened)]
    assert seeds == [4, 4, 16]
    assert len(runs_of(joined.goals, "before:momentum=auto")) == 16
    assert reopened.fallback == joined.goals  # an answer, if there is no time
    assert plan.goals == reopened.goals == planner.next(ledger).goals

    def outcomes(goals):
        records = [ledger.record(run, goals[run], EPOCHS) for run in asked.in_order(goals)]
        return {one.variant: (one.outcome, one.seeds) for one in asked.summary(records).comparisons}

    assert outcomes(further.goals)["after"] == ("helps", 4)
    assert outcomes(joined.goals)["after"] == ("undecided", 4)
    assert outcomes(reopened.goals)["after"] == ("helps", 8)
    assert outcomes(reopened.goals)["before"] == ("undecided", 16)


def test_a_folder_that_does_not_say_how_many_examples_there_were_is_read():
    asked = asking()
    asked = Question(asked.spec, asked.fingerprint, asked.metric)
    plan, _, ledger = complete(asked)
    assert {run.key.variant for run in plan.goals} == {"none", "after", REMEDY}
    records = [ledger.record(run, plan.goals[run], EPOCHS) for run in asked.in_order(plan.goals)]
    assert "try `after:momentum=auto`" not in asked.summary(records).verdict
