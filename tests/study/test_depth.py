"""Studies over the depth of a model: a function is asked for one network of each."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import layers

from normwise.domain import ProgramKey, Variant
from normwise.errors import ModelError, SpecError
from normwise.models.source import ModelSource
from normwise.report.sections.grid import grid_charts
from normwise.study import Study, page_of_folder
from normwise.study.history import History
from normwise.study.store import Store
from tests.compiling import compiled_names
from tests.study.test_grid import data


def build(dataset, depth=2):
    hidden = [layers.Dense(4, activation="tanh") for _ in range(depth)]
    shape = dataset.x_train.shape[1:]
    return keras.Sequential([keras.Input(shape), *hidden, layers.Dense(1, activation="sigmoid")])


def placed(dataset, norm, depth):
    """The same, but it places normalisation itself."""
    net = build(dataset, depth)
    if not norm.places:
        return net
    stack = [one for layer in net.layers for one in (layer, layers.BatchNormalization())][:-1]
    return keras.Sequential([keras.Input(dataset.x_train.shape[1:]), *stack])


SETTINGS = {
    "variants": ("none", "after"), "seeds": 2, "epochs": 3, "batch_size": 16, "learning_rate": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """The study, and the names of what was compiled."""
    folder = tmp_path_factory.mktemp("deep") / "study"
    with compiled_names() as names:
        result = Study(build, data(), depth=[1, 3], **SETTINGS).run(folder)
    return result, names


def test_each_depth_trains_and_compiles_once(deep):
    result, names = deep
    assert len(result.records) == 2 * 2 * 2
    assert {record.depth for record in result.records} == {1, 3}
    # One for each variant and depth, and one for each that the solo check trains in few batches.
    assert names.count("jit(segment)") == 2 * 2
    assert set(result.curves["depth"]) == {1, 3}


def test_a_depth_is_the_study_of_a_function_of_that_depth(deep):
    result, _ = deep
    alone = Study(lambda dataset: build(dataset, 3), data(), **SETTINGS).run()
    deepest = {
        (r.key.variant, r.key.seed): r.curves["loss"] for r in result.records if r.depth == 3
    }
    for record in alone.records:
        np.testing.assert_allclose(
            record.curves["loss"], deepest[record.key.variant, record.key.seed], rtol=1e-5
        )


def test_the_first_batches_of_each_variant_are_as_by_fit_at_its_depth(deep):
    check = deep[0].answer.solo_check
    assert check.failed == ()
    assert check.max_relative_difference < 1e-4


def test_where_a_variant_stands_is_said_and_handed_back(deep):
    result, _ = deep
    [chosen] = [v for v in result.answer.variants if v.name == result.answer.recommended]
    dense = [one for one in result.best_model().layers if isinstance(one, layers.Dense)]
    assert len(dense) == chosen.depth + 1
    body = json.loads((result.folder / "summary.json").read_text())
    assert [one["depth"] for one in body["variants"]] == [v.depth for v in result.answer.variants]
    [stands] = [note for note in result.page.notes if note.startswith(f"{chosen.name} stands at")]
    assert f"depth {chosen.depth}, the best of 2 points" in stands
    own = result.page.section("How sensitive it is")
    assert [text.split(":")[0] for text in own.text] == ["At depth 1", "At depth 3"]
    assert [row[1].text for row in own.table.rows] == ["2 depths", "2 depths"]


def test_the_folder_says_it_again_and_takes_another_depth(deep):
    result, _ = deep
    assert page_of_folder(result.folder).answer.text == result.verdict
    fingerprint = result.answer.environment["fingerprint"]
    times = History(Store(result.folder, _spec(1, 3))).times(fingerprint)
    assert ProgramKey("none", 16, result.answer.variants[0].depth) in times
    more = Study(build, data(), depth=[1, 3, 2], **SETTINGS).run(result.folder)
    assert (more.reused, more.trained) == (8, 4)
    assert page_of_folder(result.folder).answer.text == more.verdict


def _spec(*depths):
    return Study(build, data(), depth=list(depths), **SETTINGS).spec


def test_keras_own_fit_trains_each_depth(deep):
    by_fit = Study(build, data(), depth=[1, 3], engine="fit", **SETTINGS).run()
    stacked = {(r.key.variant, r.key.seed, r.depth): r.curves["loss"] for r in deep[0].records}
    for record in by_fit.records:
        own = stacked[record.key.variant, record.key.seed, record.depth]
        np.testing.assert_allclose(record.curves["loss"], own, rtol=1e-4)


def test_layers_are_left_out_at_the_depth_where_the_variant_stands():
    found = Study(build, data(), depth=[1, 2], ablate=True, **SETTINGS).run().answer
    [after] = [one for one in found.variants if one.name == "after"]
    assert len(found.ablation.layers) == after.depth


def test_a_function_that_places_normalisation_takes_a_depth_too():
    source = ModelSource(placed, data(), depth=1)
    networks = [
        source.at(depth).build(Variant.parse(name))
        for depth in (1, 3)
        for name in ("none", "after")
    ]
    assert [len(network.layers) for network in networks] == [2, 3, 4, 7]


def test_the_heat_map_has_a_row_for_each_depth(deep):
    records = [
        dataclasses.replace(record, learning_rate=rate)
        for record in deep[0].records
        for rate in (0.1, 1.0)
    ]
    [chart] = grid_charts(records, ["none", "after"], deep[0].answer.target)
    assert {cell.row for cell in chart.cells} == {
        f"{name}, depth {depth}" for name in ("none", "after") for depth in (1, 3)
    }


def other_optimizer(depth):
    net = keras.Sequential([keras.Input((3,)), layers.Dense(depth), layers.Dense(1)])
    net.compile("sgd" if depth == 1 else "adam", "mse")
    return net


def deaf(depth):  # noqa: ARG001 (that is the point)
    return keras.Sequential([keras.Input((3,)), layers.Dense(1, activation="sigmoid")])


def needy(dataset, depth):
    return build(dataset, depth)


@pytest.mark.parametrize(
    ("model", "depth", "error", "message"),
    [
        (lambda: deaf(1), 2, ModelError, r"'<lambda>', which takes none; expected a function with"),
        (deaf(1), 2, ModelError, r"which has its layers; .* or of the built-in models deep-mlp; "),
        ("circles", 2, ModelError, r"the model 'circles', which takes none; [^$]*FILE.py:build"),
        ("default", 2, ModelError, r"the model 'default', which takes none"),
        (deaf, [2, 3], ModelError, r"the same network for depth 2 and 3; expected another for eac"),
        (other_optimizer, [1, 2], ModelError, r"model of depth 2 otherwise than that of depth 1; "),
        (needy, None, ModelError, r"needs 'depth'; [^$]*; try --depth 2,10"),
        (needy, [2, 2], SpecError, r"depth 2 was given twice"),
        (needy, 0, SpecError, r"'depth' is 0; expected greater than 0; try --depth 2,10,30"),
        (needy, "2.5", SpecError, r"'depth' is 2.5; expected a valid integer"),
    ],
)
def test_what_has_no_such_depth_is_refused(model, depth, error, message):
    settings = SETTINGS if depth is None else {**SETTINGS, "depth": depth}
    with pytest.raises(error, match=message):
        Study(model, data(), **settings).run()


def test_depths_are_written_with_commas_as_a_list_or_one_by_one():
    known = [_spec(2, 10), Study(build, data(), depth="2,10", **SETTINGS).spec]
    known.append(Study(build, data(), depth=["2", "10"], **SETTINGS).spec)
    assert {spec.depth for spec in known} == {(2, 10)}
    assert "depth = [\n    2,\n    10,\n]" in known[0].to_toml()
    assert Study(build, data(), depth=3, **SETTINGS).spec.to_toml().count("depth = 3") == 1
