"""Lag from the study's door: the circles' statistics hide what the network has learned."""

import json

import pytest

from normwise.spec import Spec
from normwise.studies import study_file
from normwise.study import Study, page_of_folder

REMEDY = "after:momentum=auto"
# How each ends is open after so few epochs; what counts here is when they arrive.
SMALL = {"variants": ("none", "after"), "seeds": 8, "epochs": 45, "end_margin": 0.1}


def circles(**changes):
    return Study.from_spec(Spec.from_toml(study_file("circles"), SMALL | changes))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return circles(ablate=True).run(tmp_path_factory.mktemp("lag") / "study")


def test_it_is_learned_in_five_epochs_and_with_the_remedy_it_arrives(result):
    found = {one["name"]: one for one in result.summary()["variants"]}
    assert list(found) == ["none", "after", REMEDY]
    after, remedy = found["after"], found[REMEDY]
    assert after["lag"]["decides"]
    assert (after["lag"]["steps"], round(after["lag"]["steps_needed"])) == (16, 298)
    learned = after["lag"]["learned"]["value"]
    assert learned <= 5
    assert after["epochs_to_target"]["median"] > 10
    assert abs(remedy["epochs_to_target"]["median"] - learned) <= 1
    assert remedy["lag"]["momentum"] == pytest.approx(0.05 ** (1 / 16))
    assert not remedy["lag"]["decides"]


def test_both_ratios_stand_beside_each_other(result):
    after, remedy = result.summary()["comparisons"]
    assert after["learning_ratio"]["value"] > 3 * after["epochs_ratio"]["value"]
    assert (after["learning_outcome"], remedy["outcome"]) == ("helps", "helps")
    assert "\n`after` learns " in result.verdict
    assert "Learning and lag" in [section.title for section in result.page.sections]


def test_what_is_recommended_is_ablated_and_is_what_the_best_model_is(result):
    assert result.summary()["recommended"] == REMEDY
    assert result.summary()["ablation"]["variant"] == REMEDY
    norms = [one for one in result.best_model().layers if "norm" in one.name]
    assert norms[0].momentum == pytest.approx(0.05 ** (1 / 16))


def test_run_again_and_drawn_again_it_says_the_same(result):
    again = circles(ablate=True).run(result.folder)
    assert again.trained == 0
    # Keras numbers the layers that a process makes, and those of an ablation are named.
    assert {**again.summary(), "ablation": {}} == {**result.summary(), "ablation": {}}
    drawn = page_of_folder(result.folder)
    assert drawn.section("Learning and lag") == result.page.section("Learning and lag")
    assert drawn.answer.text == result.verdict
    written = json.loads((result.folder / "summary.json").read_text())
    assert written["variants"] == result.summary()["variants"]


def test_without_the_remedy_it_is_named_and_nothing_is_trained(result):
    alone = circles(remedy=False).run(result.folder)
    assert alone.trained == 0
    assert [one.name for one in alone.answer.variants] == ["none", "after"]
    assert "try `after:momentum=auto` (0.83)" in alone.verdict


def test_a_momentum_that_forgets_within_an_epoch_is_silent_about_lag():
    found = circles(variants=("none", "after:momentum=0.5"), epochs=20).run()
    assert [one.name for one in found.answer.variants] == ["none", "after:momentum=0.5"]
    assert "learns" not in found.verdict
    assert "Learning and lag" not in [section.title for section in found.page.sections]
