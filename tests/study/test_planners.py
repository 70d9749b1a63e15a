"""What a study trains next: pure functions of a ledger, tested without JAX."""

import subprocess
import sys

import pytest

from normwise.domain import Condition, Run, RunKey, Variant
from normwise.execution import Checkpointed
from normwise.execution.job import state_name
from normwise.study.planners import AblationPlanner, HalvingPlanner, RoundsPlanner, jobs_of
from normwise.study.planners.halving import better_half, rungs
from tests.study.invented import question, segment, trained

RATES = (0.001, 0.01, 0.1, 1.0)


def falling(epochs=8, to=0.1):
    return [1.0 + (to - 1.0) * (epoch + 1) / epochs for epoch in range(epochs)]


def test_planners_need_neither_keras_nor_jax():
    code = (
        "import sys, normwise.study.planners, normwise.study.driver\n"
        "assert not {'jax', 'keras'} & sys.modules.keys(), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_round_wants_every_run_to_its_end():
    asked = question(learning_rate=RATES)
    plan = RoundsPlanner(asked).next(trained({}, None))
    assert len(plan.goals) == 2 * 4 * 4
    assert set(plan.goals.values()) == {8}
    assert plan.fallback is None


def test_a_further_round_is_of_what_is_undecided_and_can_be_done_without():
    asked = question(until_decided=True, target="val_loss<=0.4")
    planner, ledger = RoundsPlanner(asked), trained({}, None)
    first = planner.next(ledger).goals
    # By luck alone the one or the other arrives sooner.
    luck = trained(
        first,
        lambda run: falling(to=0.1 if (run.key.seed % 2) ^ (run.key.variant == "none") else 0.38),
    )
    plan = planner.next(luck)
    assert {run.key.seed for run in plan.goals} == set(range(8))
    assert plan.fallback == first
    # Where nobody arrives, more seeds say no more.
    never = trained(first, lambda _: [1.0] * 8)
    assert planner.next(never).goals == first


def test_the_same_ledger_gives_the_same_plan():
    asked = question(learning_rate=RATES, prune=True)
    planner = HalvingPlanner(asked)
    ledger = trained({}, None)
    for _ in range(6):
        plan = planner.next(ledger)
        assert plan == planner.next(ledger) == HalvingPlanner(asked).next(ledger)
        ledger = trained(plan.goals, lambda run: falling(to=run.condition.learning_rate), ledger)


def test_halving_lets_the_better_half_of_the_points_go_on():
    asked = question(learning_rate=RATES, prune=True, target="val_loss<=0.5")
    planner, ledger = HalvingPlanner(asked), trained({}, None)
    seen = []
    while not ledger.has((plan := planner.next(ledger)).goals):
        seen.append(plan.goals)
        ledger = trained(plan.goals, lambda run: falling(to=run.condition.learning_rate), ledger)

    def goal(goals, rate, seed):
        own = [until for run, until in goals.items()
               if (run.condition.learning_rate, run.key.seed) == (rate, seed)]  # fmt: skip
        return max(own, default=0)

    # Seeds 0 and 2 choose: of four rates two go on after 2 epochs of 8, and one after 4.
    assert [goal(goals, 0.001, 0) for goals in seen] == [2, 4, 8, 8]
    assert [goal(goals, 0.01, 0) for goals in seen] == [2, 4, 4, 4]
    assert [goal(goals, 1.0, 0) for goals in seen] == [2, 2, 2, 2]
    # Then those that judge train what was chosen, and nothing else.
    assert [goal(goals, 0.001, 1) for goals in seen] == [0, 0, 0, 8]
    assert [goal(goals, 0.01, 1) for goals in seen] == [0, 0, 0, 0]


def test_a_variant_without_hope_is_not_judged_and_the_baseline_always_is():
    asked = question(learning_rate=RATES, prune=True, target="val_loss<=0.5")
    planner, ledger = HalvingPlanner(asked), trained({}, None)
    while not ledger.has((plan := planner.next(ledger)).goals):
        ledger = trained(plan.goals, lambda _: [1.0] * 8, ledger)
    judging = {run.key.variant for run in plan.goals if run.key.seed % 2}
    assert judging == {"none"}


def test_a_point_is_judged_by_the_median_of_its_runs_and_a_lost_one_comes_last():
    def run(rate, seed):
        return Run(RunKey("none", seed, str(rate)), Condition(rate))

    losses = [0.5, 0.6, 9.0, 0.7, 0.7, 0.1, float("nan"), float("nan"), 0.0]
    runs = [run(rate, seed) for rate in (0.1, 1.0, 10.0) for seed in range(3)]
    newest = dict(zip(runs, losses, strict=True))
    assert better_half(newest, rising=False) == runs[:6]
    assert better_half(dict(list(newest.items())[:6]), rising=False) == runs[:3]
    assert better_half({run(1.0, 0): 0.4, run(2.0, 0): 0.6}, rising=True) == [run(2.0, 0)]


@pytest.mark.parametrize(("epochs", "looks"), [(8, [2, 4]), (3, [1]), (1, []), (100, [20, 50])])
def test_runs_are_looked_at_between_segments(epochs, looks):
    assert rungs(epochs) == looks


def test_an_ablation_leaves_layers_out_step_by_step():
    # With fewer seeds it cannot be shown that one layer does.
    asked = question(ablate=True, target="val_loss<=0.5", seeds=8)
    goals = RoundsPlanner(asked).next(trained({}, None)).goals
    ledger = trained(goals, lambda run: falling(to=0.1 if run.key.variant == "after" else 0.4))
    planner = AblationPlanner(asked, goals, {("after", None): ["first", "second"]})
    assert planner.found(ledger) is None
    tried = set()
    while not ledger.has((plan := planner.next(ledger)).goals):
        assert plan.fallback == {}
        tried |= {run.key.variant for run in plan.goals}
        # The second layer does it all.
        ledger = trained(
            plan.goals,
            lambda run: falling(to=0.1 if run.variant.only in ((), (2,)) else 0.45),
            ledger,
        )
    assert "after:only=2" in tried
    assert planner.found(ledger).kept == ("second",)


def test_jobs_are_what_is_missing_by_variant_batch_size_and_beginning():
    asked = question(batch_size=(16, 32), seeds=3)
    goals = RoundsPlanner(asked).next(trained({}, None)).goals
    runs = list(goals)
    ledger = trained({runs[0]: 8}, lambda _: falling())
    # Two have begun, side by side, and the state of both is kept.
    ledger.add(segment(runs[1:3], 0, [falling()[:2]] * 2))
    ledger.add(Checkpointed(tuple(run.key for run in runs[1:3]), 2, "c"))
    jobs = jobs_of(goals, ledger)
    assert [(job.program, len(job.runs), job.first, job.until) for job in jobs] == [
        (("none", 16, None), 2, 2, 8), (("none", 32, None), 3, 0, 8),
        (("after", 16, None), 3, 0, 8), (("after", 32, None), 3, 0, 8),
    ]  # fmt: skip
    assert [(one.checkpoint, one.row) for one in jobs[0].origins] == [("c", 0), ("c", 1)]
    assert jobs[1].origins == ()
    assert jobs[0].variant == Variant.parse("none")


def test_a_job_comes_apart_into_jobs_of_the_same_work():
    asked = question(seeds=5)
    [job, _] = jobs_of(RoundsPlanner(asked).next(trained({}, None)).goals, trained({}, None))
    parts = list(job.parts(2))
    assert [len(part.runs) for part in parts] == [2, 2, 1]
    assert tuple(run for part in parts for run in part.runs) == job.runs
    assert len({state_name(part.runs, 1) for part in parts}) == 3
