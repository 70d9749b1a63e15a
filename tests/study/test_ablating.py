"""Leaving normalisation layers out, from the study's door."""

import keras
import pytest
from keras import layers

from normwise.domain import Variant
from normwise.errors import ModelError, SpecError, VariantError
from normwise.models import place, placed_layers
from normwise.spec import Spec
from normwise.study import Study, page_of_folder
from normwise.study.event_log import EventLog
from normwise.study.ledger import Ledger
from normwise.study.store import Store
from tests.study.test_grid import data, model


def two_layers():
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(5, activation="relu", name="first"),
            layers.Dense(4, activation="relu", name="second"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ],
        name="two",
    )


SETTINGS = {"variants": ("none", "after"), "seeds": 3, "epochs": 3, "ablate": True}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return Study(two_layers(), data(), **SETTINGS).run(tmp_path_factory.mktemp("a") / "study")


def test_all_subsets_of_two_layers_are_trained(result):
    found = result.summary()["ablation"]
    assert found["variant"] == "after"
    assert found["layers"] == ["first_norm", "second_norm"]
    assert [(step["variant"], step["layers"]) for step in found["tried"]] == [
        ("after", ["first_norm", "second_norm"]),
        ("after:only=1", ["first_norm"]),
        ("after:only=2", ["second_norm"]),
        ("none", []),
    ]
    assert {record.key.variant for record in result.records} == {"none", "after"}
    assert any("normalisation layers of after" in note for note in result.page.notes)


def test_a_subset_is_the_study_of_that_variant(result):
    alone = Study(two_layers(), data(), **{**SETTINGS, "variants": ("after:only=2",)})
    records = {r.key: r for r in alone.run().records}
    spec = Spec.from_toml(result.folder / "spec.toml", {})
    ledger = Ledger(EventLog(Store(result.folder, spec)))
    ours = [run for run in ledger.runs if run.key.variant == "after:only=2"]
    assert len(ours) == 3
    for run in ours:
        [other] = [r for key, r in records.items() if key.seed == run.key.seed]
        record = ledger.record(run, spec.epochs, spec.epochs)
        assert record.curves["loss"] == pytest.approx(list(other.curves["loss"]), rel=1e-5)


def test_drawn_again_and_run_again_it_says_the_same(result):
    title = "Which normalisation layers matter"
    assert page_of_folder(result.folder).section(title) == result.page.section(title)
    again = Study(two_layers(), data(), **SETTINGS).run(result.folder)
    assert again.summary() == result.summary()


def test_only_some_layers_are_placed():
    kept = placed_layers(two_layers(), "input+before:only=1+3")
    assert len(kept) == 2
    assert kept[1] == "second_norm"
    names = [layer.name for layer in place(two_layers(), "after:only=2").layers]
    assert names == ["first", "second", "second_norm", "output"]
    assert placed_layers(two_layers(), "input+before:only=1+3") == [
        "input_norm",
        "second_norm",
    ] or (len(placed_layers(two_layers(), "input+before:only=1+3")) == 2)
    # A layer that is left out keeps its bias and its activation.
    kept = place(two_layers(), "before:only=2").get_layer("first")
    assert kept.use_bias
    assert kept.activation.__name__ == "relu"


def test_a_layer_that_is_not_there_is_refused():
    with pytest.raises(VariantError, match="keeps normalisation layer 3 and would place 2"):
        place(two_layers(), "after:only=3")


@pytest.mark.parametrize("text", ["after:only=0", "after:only=x", "after:only=1++2", "after:only="])
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(VariantError, match="try 'only=1"):
        Variant.parse(text)


def test_a_variants_name_is_canonical():
    assert Variant.parse("after:only=3+1+3").name == "after:only=1+3"


def test_there_must_be_something_to_leave_out():
    with pytest.raises(SpecError, match="no normalisation layers to leave out"):
        Study(model(), data(), variants=("none",), seeds=1, epochs=1, ablate=True)


def test_a_function_that_places_normalisation_itself_is_refused():
    def build(norm):
        return place(model(), norm)

    with pytest.raises(ModelError, match="places normalisation itself"):
        Study(build, data(), variants=("none", "after"), seeds=1, epochs=1, ablate=True).run()
