"""What the report says of lag: its numbers and the remedy where it decides, else nothing."""

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from normwise.analysis import summarise
from normwise.domain import PopulationSample, RunKey, RunRecord, Target
from normwise.report import judged_page, print_page, study_page

TARGET = Target.parse("val_accuracy>=0.8")
TITLE = "Learning and lag"


def runs(variant, arrives, learned=None, *, seeds=6, size=32):
    """Six runs, half of them an epoch later."""
    found = []
    for seed in range(seeds):
        epochs = np.arange(1, 31)
        curves = {"val_accuracy": np.where(epochs >= arrives + seed % 2, 0.9, 0.5)}
        if learned:
            seen = np.where(epochs >= learned + seed % 2, 0.9, 0.5)
            curves["population_val_accuracy"] = seen
        plain = {name: tuple(curve.tolist()) for name, curve in curves.items()}
        found.append(RunRecord(RunKey(variant, seed, str(size)), 0.1, plain, batch_size=size))
    return found


def page_of(*groups, examples=500):
    records = [run for group in groups for run in group]
    summary = summarise("x", records, TARGET, examples=examples)
    return study_page(summary, records, settings={}, preview=None)


def titles(page):
    return [section.title for section in page.sections]


def test_lag_is_explained_with_its_numbers():
    section = page_of(runs("none", 24), runs("after", 16, 3)).section(TITLE)
    what, why, remedy = section.text
    assert (
        "after reaches the target in 3.5 epochs with these, in 16.5 epochs with its averages"
        in what
    )
    # ln 0.05 / ln 0.99 = 298 steps, of which an epoch has 500 / 32, rounded up.
    assert "need 298 steps" in why
    assert "an epoch has 16, so that is 19 epochs" in why
    assert "after:momentum=auto (0.83) forgets" in remedy
    assert "normwise recalibrate" in remedy
    [row] = section.table.rows
    assert [cell.text for cell in row[:4]] == ["after", "3.5", "16.5", "13"]
    assert row[4].text == f"{(24 / 3 * 25 / 4) ** 0.5:.2f}×"  # the ratio of geometric means


def test_in_a_grid_both_points_are_named_and_the_remedy_has_its_own_momentum():
    """Of 12 seeds 6 judge, each an epoch later."""
    small, large = {"seeds": 12, "size": 4}, {"seeds": 12, "size": 100}
    none = [*runs("none", 20, **small), *runs("none", 26, **large)]
    late = [*runs("after", 23, 22, **small), *runs("after", 40, 3, **large)]
    what, where, why, remedy = page_of(none, late).section(TITLE).text
    assert "after reaches the target in 4 epochs with these, in 24 epochs with its" in what
    assert where == (
        "Learning and arriving are each told at the best point of the grid, which every second "
        "seed chose by the one or by the other: after learns soonest at batch size 100, and "
        "arrives soonest at batch size 4."
    )
    assert "an epoch has 5, so that is 60 epochs" in why
    assert "after:momentum=auto (0.55) forgets" in remedy
    name = "after:momentum=auto"
    trained = [*runs(name, 9, 9, **small), *runs(name, 12, 12, **large)]
    section = page_of(none, late, trained).section(TITLE)
    # It stands at batches of 4, 125 steps: 0.05 to the power of 1 / 125.
    assert "after:momentum=auto (0.98), which was trained" in section.text[-1]


def test_what_most_never_show_is_told_in_words():
    late = runs("after", 40, 1)  # of 30 epochs
    what, *_ = page_of(runs("none", 24), late).section(TITLE).text
    assert "after reaches the target in 1.5 epochs with these, in most replicas never with" in what


def test_a_remedy_that_was_trained_is_said_to_be():
    remedy = runs("after:momentum=auto", 3, 3)
    section = page_of(runs("none", 24), runs("after", 16, 3), remedy).section(TITLE)
    assert "after:momentum=auto (0.83), which was trained as well, forgets" in section.text[-1]
    assert [row[0].text for row in section.table.rows] == ["after", "after:momentum=auto"]


def test_a_remedy_that_is_late_itself_is_said_to_be():
    remedy = runs("after:momentum=auto", 9, 3)
    text = page_of(runs("none", 24), runs("after", 16, 3), remedy).section(TITLE).text[-1]
    assert "Yet after:momentum=auto still arrives 6 epochs later than it has learned" in text


def test_several_late_variants_are_told_in_one_sentence():
    late = [*runs("after", 16, 3), *runs("before", 16, 3)]
    what, _, remedy = page_of(runs("none", 24), late).section(TITLE).text
    assert "with its averages; before reaches the target in" in what
    both = "after:momentum=auto (0.83) and before:momentum=auto (0.83)"
    assert f"{both} forget within an epoch, and normwise recalibrate" in remedy
    trained = [*runs("after:momentum=auto", 3, 3), *runs("before:momentum=auto", 3, 3)]
    section = page_of(runs("none", 24), late, trained).section(TITLE)
    assert f"{both}, which were trained as well, forget within an epoch" in section.text[-1]


@pytest.mark.parametrize(
    ("group", "examples"),
    [
        (runs("after:momentum=0.5", 16, 3), 500),
        (runs("after", 16, 3), 600 * 32),
        (runs("after", 16, 16), 500),
        (runs("after", 16), 500),
    ],
)
def test_without_lag_nothing_is_said_of_it(group, examples):
    page = page_of(runs("none", 24), group, examples=examples)
    assert TITLE not in titles(page)
    console = Console(file=io.StringIO(), width=80)
    print_page(page, console)
    said = console.file.getvalue()
    assert not any(word in said for word in ("lag", "statistics", "momentum=auto", "recalibrate"))


def test_the_terminal_has_a_table_of_learning():
    console = Console(file=io.StringIO(), width=80)
    print_page(page_of(runs("none", 24), runs("after", 16, 3)), console)
    said = console.file.getvalue()
    assert "learns" in said
    assert max(map(len, said.splitlines())) <= 80


def test_runs_from_elsewhere_are_told_of_no_option():
    records = [*runs("none", 24), *runs("bn", 16, 3)]
    summary = summarise("x", records, TARGET, elsewhere=True)
    section = judged_page(summary, records, settings={}, notes=()).section(TITLE)
    assert len(section.text) == 2
    assert "auto" not in "".join(section.text)


def test_runs_without_such_curves_among_others_are_told_once():
    some = runs("after", 16, 3)
    bare = [
        dataclasses.replace(one, curves={TARGET.metric: one.curves[TARGET.metric]})
        for one in some[:2]
    ]
    page = page_of(runs("none", 24), [*bare, *some[2:]])
    [said] = page.section("Population statistics").text
    assert said.startswith(f"2 of {len(some)} runs of after have no curves with population")
    assert "Population statistics" not in titles(page_of(runs("none", 24), some))


def test_how_far_off_a_sample_is_is_a_line():
    records = [*runs("none", 24), *runs("after", 16, 3)]
    summary = summarise("x", records, TARGET, examples=60_000)
    sample = PopulationSample(2048, 60_000, {TARGET.metric: 0.0004, "val_loss": 0.01})
    variants = [dataclasses.replace(one, population_sample=sample) for one in summary.variants[1:]]
    summary = dataclasses.replace(summary, variants=(summary.variants[0], *variants))
    page = study_page(summary, records, settings={}, preview=None)
    assert page.section("Population statistics").text == (
        "Statistics of 2,048 of 60,000 examples: after val_accuracy off by 0.00040 and val_loss "
        "off by 0.010, in one replica each.",
    )
