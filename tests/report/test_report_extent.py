"""The line that says how much a study trained."""

import dataclasses

import pytest

from normwise.domain import RunKey, RunRecord, Target
from normwise.report import study_page


def test_runs_are_counted_by_what_tells_them_apart(circles):
    summary, records = circles
    settings = {"epochs": "100", "batch_size": "16, 32"}
    page = study_page(summary, records, settings=settings, preview=None)
    variants, seeds = len(summary.variants), len({run.key.seed for run in records})
    assert page.section("Runs").text == (
        f"{len(records)}, of {variants} variants × {seeds} seeds; 100 epochs each; "
        f"batch size 16, 32.",
    )
    assert page.details[0].title == "Runs"


def test_one_epoch_is_one(circles):
    page = study_page(*circles, settings={"epochs": "1"}, preview=None)
    assert page.section("Runs").text[0].endswith("; 1 epoch each.")


def test_a_grid_is_counted_and_what_is_not_known_is_left_out(circles):
    summary, _ = circles
    curves = {"val_accuracy": (0.9,)}
    records = [RunRecord(RunKey("none", 3, "s"), rate, curves) for rate in (0.1, 0.2)]
    [sentence] = study_page(summary, records, settings={}, preview=None).section("Runs").text
    assert sentence == f"2, of {len(summary.variants)} variants × 2 points × 1 seed."


@pytest.mark.parametrize(
    ("outcome", "seeds", "target", "stopped"),
    [
        ("undecided", 12, "val_accuracy>=0.8", True),
        ("undecided", 6, "val_accuracy>=0.8", False),  # a budget stopped it
        ("helps", 12, "val_accuracy>=0.8", False),
        ("undecided", 12, "val_accuracy>=0.999", False),  # more seeds would say no more
    ],
)
def test_what_stopped_the_rounds_of_seeds_and_how_to_go_on(
    circles, outcome, seeds, target, stopped
):
    summary, records = circles
    one = dataclasses.replace(summary.comparisons[0], outcome=outcome, seeds=seeds)
    found = dataclasses.replace(
        summary, target=Target.parse(target), comparisons=(one,), rounds=(3, 6, 12)
    )
    page = study_page(found, records, settings={}, preview=None)
    said = " ".join(page.section("How sure it is").text)
    words = f"after {seeds}); stopped at --max-seeds 12, go on with --max-seeds 48. Each of"
    assert (words in said) == ("stopped at" in said) == stopped


def test_of_how_many_seeds_learning_is_where_that_differs(circles):
    summary, records = circles
    first, second = (
        dataclasses.replace(one, outcome="helps", seeds=6, learning_outcome=said, learning_seeds=n)
        for one, said, n in zip(summary.comparisons, ("undecided", "helps"), (12, 3), strict=True)
    )
    found = dataclasses.replace(summary, comparisons=(first, second), rounds=(3, 6, 12))
    said = study_page(found, records, settings={}, preview=None).section("How sure it is").text
    assert "(after open after 12; before decided after 3); more seeds are trained" in said[-1]
    alike = [dataclasses.replace(one, learning_seeds=6) for one in (first, second)]
    found = dataclasses.replace(found, comparisons=tuple(alike))
    said = study_page(found, records, settings={}, preview=None).section("How sure it is").text
    assert "learns" not in " ".join(said)
