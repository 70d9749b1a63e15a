"""Studies that go on until they are decided, or their budget is spent."""

import json

import numpy as np
import pytest

from normwise import analysis
from normwise.domain import RunKey, RunRecord, Target
from normwise.errors import StudyIncomplete
from normwise.study import Study, page_of_folder
from normwise.study.budget import Budget
from normwise.study.planners.rounds import worth_another_round
from tests.study.test_grid import data, model

# A target that differs by luck alone between these variants, so that it takes rounds.
SETTINGS = {
    "variants": ("none", "after", "after:momentum=0.5"), "seeds": 4, "epochs": 4,
    "until_decided": True, "max_seeds": 12, "learning_rate": 0.05, "batch_size": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return Study(model(), data(), **SETTINGS).run(tmp_path_factory.mktemp("rounds") / "study")


def test_seeds_come_in_rounds_until_all_is_decided(undisturbed):
    summary = undisturbed.summary()
    assert summary["rounds"] == [4, 8, 12]
    trained = {
        name: {r.key.seed for r in undisturbed.records if r.key.variant == name}
        for name in SETTINGS["variants"]
    }
    for one in summary["comparisons"]:
        assert trained[one["variant"]] == set(range(one["seeds"]))
        assert one["seeds"] == 12 or one["outcome"] != "undecided"
    # The baseline goes on as long as any of the others does.
    assert len(trained["none"]) == max(len(seeds) for seeds in trained.values()) > 4
    assert any("Seeds come in rounds" in note for note in undisturbed.page.notes)


def test_interrupted_in_a_later_round_it_goes_on_to_the_same_end(undisturbed, tmp_path):
    class Stop(Exception):  # noqa: N818
        pass

    def stop(progress):
        if progress.stage == "training" and progress.replicas >= 14:
            raise Stop

    with pytest.raises(Stop):
        Study(model(), data(), **SETTINGS).run(tmp_path / "study", stop)
    page_of_folder(tmp_path / "study")
    resumed = Study(model(), data(), **SETTINGS).run(tmp_path / "study")
    assert [r.key for r in resumed.records] == [r.key for r in undisturbed.records]
    for ours, theirs in zip(resumed.records, undisturbed.records, strict=True):
        np.testing.assert_allclose(ours.curves["loss"], theirs.curves["loss"], rtol=1e-5)
    assert [
        (one.outcome, one.seeds) for one in resumed.answer.comparisons
    ] == [(one.outcome, one.seeds) for one in undisturbed.answer.comparisons]  # fmt: skip


def test_run_again_and_drawn_again_it_says_the_same(undisturbed):
    again = Study(model(), data(), **SETTINGS).run(undisturbed.folder)
    assert again.summary() == undisturbed.summary()
    assert page_of_folder(undisturbed.folder).answer.text == undisturbed.verdict
    events = [
        json.loads(line)["event"]
        for line in (undisturbed.folder / "journal.jsonl").read_text().splitlines()
    ]
    assert events.count("finished") == events.count("started") == 1
    assert events.count("timed") == 3


def test_where_nobody_arrives_it_stops_and_says_what_to_type(tmp_path):
    settings = SETTINGS | {"target": "val_loss<=1e-9", "epochs": 1, "variants": ("none", "after")}
    found = Study(model(), data(), **settings).run(tmp_path)
    assert {run.key.seed for run in found.records} == set(range(4))
    for page in (found.page, page_of_folder(tmp_path)):
        [note] = [note for note in page.notes if "No further round of seeds" in note]
        assert "no replica reaches val_loss<=1e-09" in note
        assert "try a --target that is reached, or more --epochs" in note


def test_where_one_arrives_seeds_go_on_and_no_note_says_otherwise(undisturbed):
    assert not any("No further round" in note for note in undisturbed.page.notes)


@pytest.mark.parametrize("arrives", [True, False])
def test_one_that_arrives_anywhere_in_the_grid_is_worth_another_round(arrives):
    """Seed 0 chooses, and seed 1, which judges, does not arrive."""
    records = [
        RunRecord(RunKey(name, seed, str(rate)), rate, {"val_loss": (0.9, last)})
        for name in ("none", "after")
        for rate in (0.01, 0.1)
        for seed in range(2)
        for last in [0.1 if arrives and (seed, rate) == (0, 0.1) else 0.8]
    ]
    summary = analysis.summarise("x", records, Target.parse("val_loss<=0.4"), rounds=[2, 4])
    assert not any(one.epochs_to_target.reached for one in summary.variants)
    assert worth_another_round(summary, records) == ({"none", "after"} if arrives else set())


def test_a_budget_that_ends_in_the_first_round_is_said(tmp_path):
    with pytest.raises(StudyIncomplete, match=r"had spent its budget of 0\.001 s after .* of 12"):
        Study(model(), data(), **SETTINGS).run(tmp_path / "study", budget=0.001)
    assert (tmp_path / "study" / "journal.jsonl").exists()


def test_a_budget_ends_a_study_between_its_rounds(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Budget, "allows", lambda *_: False)
    found = Study(model(), data(), **SETTINGS).run(tmp_path, budget=600)
    assert {r.key.seed for r in found.records} == set(range(4))
    assert {one.seeds for one in found.answer.comparisons} == {4}
    assert "undecided" in {one.outcome for one in found.answer.comparisons}
    assert sum("with a larger --budget to go on" in one.message for one in caplog.records) == 1
    # With more time the same command goes on.
    monkeypatch.undo()
    more = Study(model(), data(), **SETTINGS).run(tmp_path, budget=600)
    assert len(more.records) > len(found.records)


def test_a_budget_is_reckoned_from_the_pace():
    assert Budget(100.0).allows(9, 10.0)
    assert not Budget(100.0).allows(10, 10.0)
    assert Budget(None).allows(10**9, 10.0)
