"""What a page shows of a study's data."""

import numpy as np

from normwise.data import Dataset
from normwise.report.section import Style
from normwise.report.sections.data import DataChart
from normwise.spec import Spec
from normwise.study import pages
from normwise.study.pages import _data_at_hand, _preview


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
