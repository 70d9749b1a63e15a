"""Frames of pandas, polars and pyarrow with text in them: prepared as a CSV file is."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from normwise.data import find_dataset, from_frame, from_frames, needs_preparation
from normwise.errors import DataError, UnknownNameError
from normwise.spec import Spec
from normwise.study.inputs import arrived, as_dataset

ROWS = 60
GENERATOR = np.random.default_rng(19)
EVERY = np.arange(ROWS)
FRAME = pd.DataFrame(
    {
        "age": np.where(EVERY % 9 == 2, np.nan, GENERATOR.integers(18, 80, ROWS)),
        "city": np.array(["Köln", "Zürich", "Genève"])[EVERY % 3],
        "price": [f"${n:,}.50" for n in GENERATOR.integers(100, 9000, ROWS)],
        "since": pd.to_datetime("2019-01-01") + pd.to_timedelta(EVERY * 7 % 90, "D"),
        "left": np.array(["yes", "no"])[EVERY // 2 % 2],
    }
)
X, Y = FRAME.drop(columns="left"), FRAME["left"]


@pytest.fixture
def expected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("t.csv", index=False)
    return find_dataset("t.csv", "left")


def study_of(data, sample_weight=None, **settings):
    spec = Spec(model="default", data="arrays", **settings)
    return as_dataset(arrived(data), spec, sample_weight)


def assert_same(data, expected):
    assert data.feature_names == expected.feature_names
    assert (data.task, data.class_names) == (expected.task, expected.class_names)
    np.testing.assert_allclose(data.x_train, expected.x_train, atol=1e-6)
    np.testing.assert_allclose(data.x_val, expected.x_val, atol=1e-6)
    np.testing.assert_array_equal(data.y_train, expected.y_train)


PAIRS = {
    "a series": (X, Y),
    "a series of another order of labels": (X.set_index(X.index[::-1]), Y),
    "an array": (X, Y.to_numpy()),
    "a list": (X, Y.tolist()),
    "a frame of a column": (X, Y.to_frame()),
    "categories": (X.astype({"city": "category"}), Y.astype("category")),
    "polars": (pl.from_pandas(X), pl.from_pandas(Y)),
    "pyarrow": (pa.Table.from_pandas(X), pa.array(Y)),
}


@pytest.mark.parametrize("data", PAIRS.values(), ids=PAIRS)
def test_a_frame_and_its_labels_are_prepared_like_a_file(expected, data):
    assert_same(study_of(data), expected)


@pytest.mark.parametrize("make", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_a_frame_and_the_name_of_a_column_are_prepared_like_a_file(expected, make):
    assert_same(study_of(make(FRAME), target_column="left"), expected)


def test_a_frame_needs_a_column_that_it_has():
    with pytest.raises(DataError, match="needs a column to predict"):
        study_of(FRAME)
    with pytest.raises(UnknownNameError, match="unknown target column 'gone'"):
        study_of(FRAME, target_column="gone")


def test_numbers_stay_as_fit_takes_them():
    frame = pd.DataFrame({"a": EVERY * 10, "b": EVERY % 7, "c": EVERY % 3 == 0})
    assert not needs_preparation(frame)
    assert not needs_preparation(pl.from_pandas(frame))
    assert not needs_preparation(frame.astype(object))
    data = study_of((frame, Y))
    assert np.concatenate([data.x_train, data.x_val])[:, 0].max() == 590
    assert data.class_names == ("no", "yes")


def test_rows_that_validate_are_prepared_by_those_that_train():
    other = X.assign(age=1e6, city="Elsewhere")[:9][["since", "age", "price", "city"]]
    data = study_of(((X, Y), (other, Y[:9])))
    assert (len(data.x_train), len(data.x_val)) == (ROWS, 9)
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-6)
    assert (
        "The validation part's columns were put in the order of the training part's." in data.notes
    )
    cities = [name.startswith("city") for name in data.feature_names]
    assert len({tuple(row) for row in data.x_val[:, cities]}) == 1
    with pytest.raises(DataError, match="validation part holds the label maybe"):
        study_of(((X, Y), (X, Y.replace("no", "maybe"))))


def test_rows_without_a_label_are_dropped_with_their_weights():
    labels = Y.where(EVERY % 10 > 0)
    weights = EVERY + 1.0
    data = study_of((X.assign(n=EVERY / 2), labels, weights))
    place = data.feature_names.index("n")
    for x, own in ((data.x_train, data.weights[0]), (data.x_val, data.weights[1])):
        ranks = np.argsort(np.argsort(x[:, place]))
        np.testing.assert_array_equal(np.argsort(np.argsort(own)), ranks)
    kept = np.sort(np.concatenate(data.weights))
    np.testing.assert_array_equal(kept, weights[EVERY % 10 > 0])
    assert "6 of 60 rows have no value of left and were dropped." in data.notes


def test_weights_of_both_parts_stay_with_their_rows():
    data = study_of(((X, Y, EVERY + 1.0), (X[:8], Y[:8], EVERY[:8] + 100.0)))
    np.testing.assert_array_equal(data.weights[0], EVERY + 1)
    np.testing.assert_array_equal(data.weights[1], EVERY[:8] + 100)


def test_rows_of_a_group_stay_together():
    data = study_of((X.assign(person=EVERY // 4), Y), group_column="person")
    assert not any("person" in name for name in data.feature_names)
    assert any("split by person: 12 and 3 groups" in note for note in data.notes)
    assert_same(
        study_of(FRAME.assign(person=EVERY // 4), target_column="left", group_column="person"), data
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Y[:-1], r"60 rows with text came with labels of shape \(59,\)"),
        (np.eye(ROWS), r"labels of shape \(60, 60\); expected one label a row"),
        (Y.rename("city"), "the column 'city' stands among the inputs"),
    ],
)
def test_labels_that_do_not_fit_a_frame_are_refused(labels, message):
    with pytest.raises(DataError, match=message):
        from_frames((X, labels), None, None, None)


def test_columns_of_lists_are_refused():
    with pytest.raises(DataError, match="lists or records in their fields: tags"):
        from_frame(FRAME.assign(tags=[[1]] * ROWS), "left", None, None)
