"""Grids of which only the chosen point is trained for the seeds that judge."""

import json

import pytest

from normwise.domain import RunKey, RunRecord, Target
from normwise.errors import SpecError
from normwise.study import Study, page_of_folder
from normwise.study.planners.halving import is_hopeless
from tests.study.test_grid import data, model

RATES = (0.0001, 0.001, 0.01, 0.1)
SETTINGS = {
    "variants": ("none", "after"), "seeds": 4, "epochs": 8, "learning_rate": RATES,
    "batch_size": (16, 32), "prune": True, "target": "val_loss<=0.68",
}  # fmt: skip


@pytest.fixture(scope="module")
def pruned(tmp_path_factory):
    return Study(model(), data(), **SETTINGS).run(tmp_path_factory.mktemp("pruned") / "study")


@pytest.fixture(scope="module")
def whole():
    return Study(model(), data(), **{**SETTINGS, "prune": False}).run()


def test_half_of_the_seeds_choose_and_the_others_train_what_was_chosen(pruned):
    for variant in pruned.answer.variants:
        own = [r for r in pruned.records if r.key.variant == variant.name]
        choosing = [r for r in own if r.key.seed % 2 == 0]
        judging = [r for r in own if r.key.seed % 2 == 1]
        assert len(choosing) == 2 * len(RATES) * 2
        assert {r.condition for r in judging} == {variant.condition}
        # Of four rates two go on after a quarter of the run, and one after half of it.
        assert sorted(r.stopped_at or 8 for r in choosing) == [2] * 8 + [4] * 4 + [8] * 4
        assert variant.seeds == 2
        assert variant.working_range is None


def test_what_was_trained_is_what_is_trained_without_pruning(pruned, whole):
    others = {r.key: r for r in whole.records}
    for record in pruned.records:
        done = record.stopped_at or record.epochs
        curve = others[record.key].curves["loss"]
        assert record.curves["loss"][:done] == pytest.approx(list(curve[:done]), rel=1e-4)
        assert len(record.curves["loss"]) == len(curve)


def test_the_report_says_so_and_is_drawn_again(pruned):
    assert any("were stopped early" in note for note in pruned.page.notes)
    assert page_of_folder(pruned.folder).answer.text == pruned.verdict
    again = Study(model(), data(), **SETTINGS).run(pruned.folder)
    assert again.summary() == pruned.summary()


@pytest.mark.parametrize("epoch", [2, 4])  # nothing of the arm is journalled yet; half of it is
def test_interrupted_while_choosing_it_goes_on_to_the_same_end(pruned, tmp_path, epoch):
    class Stop(Exception):  # noqa: N818
        pass

    def stop(progress):
        if progress.variant == "after" and progress.epoch == epoch:
            raise Stop

    with pytest.raises(Stop):
        Study(model(), data(), **SETTINGS).run(tmp_path / "study", stop)
    resumed = Study(model(), data(), **SETTINGS).run(tmp_path / "study")
    assert [(r.key, r.stopped_at) for r in resumed.records] == [
        (r.key, r.stopped_at) for r in pruned.records
    ]
    journal = (tmp_path / "study" / "journal.jsonl").read_text().splitlines()
    keys = [str(event["key"]) for event in map(json.loads, journal) if event["event"] == "run"]
    assert len(keys) == len(set(keys))


def test_the_solo_check_is_of_what_was_trained(pruned):
    assert pruned.summary()["solo_check"]["max_relative_difference"] < 1e-4


def test_a_variant_without_hope_is_not_judged():
    settings = {**SETTINGS, "target": "val_loss<=0.0"}
    found = Study(model(), data(), **settings).run()
    judging = {r.key.variant for r in found.records if r.key.seed % 2}
    assert judging == {"none"}  # the baseline always is
    assert found.answer.comparisons[0].outcome == "undecided"


def test_hope_is_an_arrival_at_the_best_point():
    def run(rate, last):
        return RunRecord(RunKey("after", 0, str(rate)), rate, {"val_loss": (1.0, last)})

    target = Target.parse("val_loss<=0.4")
    assert is_hopeless([run(0.1, 0.5), run(1.0, 0.9)], target)
    assert not is_hopeless([run(0.1, 0.3), run(1.0, 0.9)], target)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "the grid has one point"),
        ({"learning_rate": RATES, "until_decided": True}, "were both given"),
        ({"learning_rate": RATES, "seeds": 1}, "try --seeds 10"),
    ],
)
def test_pruning_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(SpecError, match=message):
        Study(model(), data(), prune=True, **settings)
