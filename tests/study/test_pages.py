"""What a page shows of a study's data."""

import keras
import numpy as np
import pytest

from normwise import Study
from normwise.data import Dataset
from normwise.report.section import Style
from normwise.report.sections.data import DataChart
from normwise.spec import Spec
from normwise.study import pages
from normwise.study.pages import _data_at_hand, _preview, page_of_folder


def test_data_sorted_by_class_are_drawn_with_all_classes():
    x = np.random.default_rng(0).normal(size=(3000, 2)).astype("float32")
    y = np.repeat([0, 1, 2], 1000)
    preview = _preview(Dataset("sorted", x, y, x[:3], y[::1000], "classes"))
    assert preview.points[7] == tuple(x[7].tolist())
    chart = DataChart(preview).spec(Style(legend=True, pointer=False))
    rows = chart["data"]["values"]
    assert len(rows) == 1000
    assert {row["class"] for row in rows} == {"0", "1", "2"}
    assert chart["title"]["subtitle"] == "the training part of sorted; 1000 of 3000 points"


def test_a_page_reads_data_again_but_no_pictures(monkeypatch, tmp_path):
    read = []
    monkeypatch.setattr(pages, "as_dataset", lambda came, _: read.append(came.data))
    for data in (str(tmp_path), "circles"):
        assert _data_at_hand(Spec.make({"data": data})) is None
    assert read == ["circles"]


@pytest.mark.parametrize("target", [0.7, 0.9])
def test_a_target_that_guessing_reaches_is_said(target, tmp_path):
    x, y = np.random.default_rng(0).normal(size=(100, 2)), np.arange(100) % 4 == 0
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    settings = {"variants": ["none"], "seeds": 1, "epochs": 1, "target": f"val_accuracy>={target}"}
    result = Study(network, ((x[:60], y[:60]), (x[60:], y[60:])), **settings).run(tmp_path)
    for page in (result.page, page_of_folder(tmp_path)):
        said = [note for note in page.notes if "a validation accuracy of 0.75, and the" in note]
        assert len(said) == (target < 0.75)


@pytest.mark.parametrize("target", [None, "val_accuracy>=0.6"])
def test_a_target_that_nobody_named_asks_for_more_than_guessing(target, tmp_path):
    """Of 40 validation examples 30 are of one class, and nothing is learned at this rate."""
    x, y = np.random.default_rng(0).normal(size=(100, 2)), np.arange(100) % 4 == 0
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    settings = {"variants": ["none"], "seeds": 2, "epochs": 1, "learning_rate": 1e-9}
    study = Study(network, ((x[:60], y[:60]), (x[60:], y[60:])), target=target, **settings)
    result = study.run(tmp_path)
    assert result.answer.variants[0].final_median["val_accuracy"].value < 0.75
    wanted = 0.6 if target else 0.75 + 0.1 * (1 - 0.75)
    assert result.answer.target.value == pytest.approx(wanted)
    assert page_of_folder(tmp_path).answer == result.page.answer
    assert page_of_folder(tmp_path).subject == result.page.subject
