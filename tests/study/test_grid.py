"""Studies over learning rates, initialisers and batch sizes."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import Dataset
from normwise.errors import SpecError, UnknownNameError
from normwise.study import Study, page_of_folder
from tests.compiling import compiled_names

RATES = (0.001, 0.1, 10.0)


def data():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(96, 3)).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
    return Dataset("sums", x[:64], y[:64], x[64:], y[64:], "binary")


def model():
    hidden = layers.Dense(5, activation="relu", name="hidden")
    return keras.Sequential(
        [keras.Input((3,)), hidden, layers.Dense(1, activation="sigmoid", name="output")],
        name="small",
    )


SETTINGS = {
    "variants": ("none", "after"), "seeds": 4, "epochs": 3, "learning_rate": RATES,
    "initializer": ("he_normal", "zeros"), "batch_size": (16, 32),
}  # fmt: skip


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """The study, and the names of what was compiled."""
    folder = tmp_path_factory.mktemp("grid") / "study"
    with compiled_names() as names:
        result = Study(model(), data(), **SETTINGS).run(folder)
    return result, names


def test_every_point_is_trained_for_every_seed(grid):
    result, _ = grid
    places = {
        (r.key.variant, r.key.seed, r.learning_rate, r.initializer, r.batch_size)
        for r in result.records
    }
    assert len(result.records) == len(places) == 2 * 4 * 3 * 2 * 2
    assert {place[2:] for place in places} == {
        (rate, name, size) for rate in RATES for name in ("he_normal", "zeros") for size in (16, 32)
    }
    assert {"learning_rate", "initializer", "batch_size"} <= set(result.curves.columns)


def test_only_variants_and_batch_sizes_compile(grid):
    assert grid[1].count("jit(segment)") == 2 * 2


@pytest.mark.parametrize(("rate", "name", "size"), [(0.1, "he_normal", 16), (0.001, "zeros", 32)])
def test_a_point_is_the_study_of_that_point(rate, name, size, grid):
    one = {**SETTINGS, "learning_rate": rate, "initializer": name, "batch_size": size}
    alone = {record.key: record for record in Study(model(), data(), **one).run().records}
    found = [record for record in grid[0].records if record.key in alone]
    assert len(found) == len(alone) == 2 * 4
    for record in found:
        assert record.learning_rate == rate
        np.testing.assert_allclose(
            record.curves["loss"], alone[record.key].curves["loss"], rtol=1e-5
        )


def test_the_solo_check_trains_at_its_point(grid):
    solo = grid[0].summary()["solo_check"]
    assert solo["max_relative_difference"] < 1e-4


def test_the_best_model_is_of_the_point_where_the_variant_stands(grid):
    result, _ = grid
    [chosen] = [v for v in result.answer.variants if v.name == result.answer.recommended]
    runs = [
        r for r in result.records
        if (r.key.variant, r.learning_rate, r.initializer, r.batch_size)
        == (chosen.name, chosen.learning_rate, chosen.initializer, chosen.batch_size)
    ]  # fmt: skip
    best = max(run.curves["val_accuracy"][-1] for run in runs)
    found, held_out = result.best_model(), data()
    predicted = np.asarray(found(held_out.x_val)) > 0.5
    assert np.mean(predicted == held_out.y_val) == pytest.approx(best, abs=1.001 / 32)


def test_a_larger_grid_holds_the_runs_of_a_smaller_one():
    # A run's identity is its own point, whatever else the grid holds.
    fewer = Study(model(), data(), **{**SETTINGS, "learning_rate": 0.1}).spec
    more = Study(model(), data(), **SETTINGS).spec
    assert {fewer.setting("f", point) for point in fewer.conditions} < {
        more.setting("f", point) for point in more.conditions
    }


def test_the_report_is_drawn_again_from_the_folder(grid):
    result, _ = grid
    page = page_of_folder(result.folder)
    assert page.answer.text == result.verdict
    charts = page.section("Where it works").charts
    # Any two axes, each cell at the best of the third.
    assert [(chart.across, chart.down, len(chart.cells)) for chart in charts] == [
        ("learning_rate", "batch_size", 2 * 3 * 2),
        ("learning_rate", "initializer", 2 * 3 * 2),
        ("batch_size", "initializer", 2 * 2 * 2),
    ]
    # Two of the four seeds chose the point; the others are counted, as in the table.
    assert all(cell.replicas == 2 for chart in charts for cell in chart.cells)
    rates = json.loads((result.folder / "summary.json").read_text())["environment"]["learning_rate"]
    assert rates == "0.001, 0.1, 10"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"learning_rate": []}, SpecError, r"is \(\); expected one value or more; try --learning"),
        ({"learning_rate": (0.1, 0.1)}, SpecError, r"learning_rate 0.1 was given twice"),
        (
            {"learning_rate": ("1e-3:1:4", "1e-2:10:4")},
            SpecError,
            r"0.01 was given twice \(0.001, 0",
        ),
        (
            {"learning_rate": "1:1e-3:4"},
            SpecError,
            r"expected FIRST:LAST:COUNT with 0 < FIRST < LA",
        ),
        ({"learning_rate": "1e-3:1:1"}, SpecError, r"a COUNT of 2 or more"),
        ({"learning_rate": (0.1, -1)}, SpecError, r"expected greater than 0"),
        (
            {"batch_size": (16, 65)},
            SpecError,
            r"batch size is 65 and the training part of 'sums' has",
        ),
        ({"batch_size": (16, 16)}, SpecError, r"batch_size 16 was given twice"),
        (
            {"initializer": ("he_normal", "he_normals")},
            UnknownNameError,
            r"'he_normals'.*'he_normal'",
        ),
        (
            {"margin": 1.0},
            SpecError,
            r"'margin' is 1.0; expected greater than 1; try --margin 1.25",
        ),
    ],
    ids=str,
)
def test_bad_axes_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        Study(model(), data(), **{**SETTINGS, **change}).run()
