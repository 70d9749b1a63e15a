"""Marks of missing values among numbers, and text of many kinds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

from normwise.data import find_dataset
from normwise.data.columns import prepare, sort_columns

ROWS = 200
GENERATOR = np.random.default_rng(20)
NUMBERS = GENERATOR.normal(50, 9, ROWS).round(2)
LEFT = np.arange(ROWS) % 2
# One row in twelve: more than the oddities that any column may have.
MARKED = np.arange(ROWS) % 12 == 3


@pytest.fixture
def find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(target="left", **columns):
        frame = pd.DataFrame({"a": NUMBERS[::-1], **columns, "left": LEFT})
        Path("t.csv").write_text(frame.to_csv(index=False), "utf-8")
        return find_dataset("t.csv", target)

    return make


MARKS = [
    ".", "*", "..", "...", "ND", "n.d.", "na", "<0.1", "#DIV/0!", "#VALUE!", "#N/A!", "absent",
    "\u2014", "not detected", "Unknown", "(none)",
]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_marks_among_numbers_are_missing_and_named(find, mark):
    text = np.where(MARKED, mark, NUMBERS.astype(str))
    data = find(v=text)
    assert data.feature_names == ("a", "v", "v is missing")
    said = f"Taken for missing among numbers or dates: v ({MARKED.sum()}: {mark!r})."
    assert said in data.notes
    both = np.concatenate([data.x_train, data.x_val])
    is_missing = both[:, 2] > 0
    assert is_missing.sum() == MARKED.sum()
    # The numbers that are there keep their proportions.
    found, expected = np.sort(both[~is_missing, 1]), np.sort(NUMBERS[~MARKED])
    np.testing.assert_allclose(
        (found - found[0]) / np.ptp(found), (expected - expected[0]) / np.ptp(expected), atol=1e-5
    )


@pytest.mark.parametrize(
    ("text", "is_number"), [(".", True), ("ND", True), ("#REF!", True), ("other", False)]
)
def test_among_few_numbers_marks_are_missing_and_words_are_kinds(find, text, is_number):
    grades = np.where(MARKED, text, (1 + np.arange(ROWS) % 5).astype(str))
    names = find(grade=grades).feature_names
    assert ("grade is missing" in names) == is_number
    assert (f"grade_{text}" in names) != is_number


def test_marks_may_be_in_most_rows(find):
    """Whether there was a measurement tells something, too."""
    rare = np.where(np.arange(ROWS) % 6 == 0, NUMBERS.astype(str), "ND")
    assert find(v=rare).feature_names == ("a", "v", "v is missing")


def test_several_marks_are_all_named(find):
    text = NUMBERS.astype(str)
    text[MARKED] = np.resize(["ND", "<0.1", "*"], MARKED.sum())
    assert (
        "Taken for missing among numbers or dates: v (17: 'ND', '<0.1', '*')." in find(v=text).notes
    )


@pytest.mark.parametrize("mark", [".", "ND", "<0.1"])
def test_rows_whose_target_is_a_mark_are_dropped_and_said(find, mark):
    data = find("v", v=np.where(MARKED, mark, NUMBERS.astype(str)))
    assert data.task == "regression"
    assert len(data.y_train) + len(data.y_val) == ROWS - MARKED.sum()
    assert "17 of 200 rows have no value of v and were dropped." in data.notes
    assert f"Taken for missing among numbers or dates: v (17: {mark!r})." in data.notes


@pytest.mark.parametrize("mark", [".", "?", "#DIV/0!"])
@pytest.mark.parametrize("kinds", [2, 5])
def test_a_mark_is_no_class_among_numbers_of_few_kinds(find, mark, kinds):
    numbers = np.arange(ROWS) % kinds
    data = find("rating", rating=np.where(MARKED, mark, numbers.astype(str)))
    assert (data.task, data.classes) == ("binary" if kinds == 2 else "classes", kinds)
    assert "17 of 200 rows have no value of rating and were dropped." in data.notes


@pytest.mark.parametrize(
    "kinds", [["0", "1", "2", "3+"], ["1", "2", "none"], ["0-9", "10-19", "20+"], ["a", ".", "b"]]
)
def test_numbers_of_kinds_stay_kinds_of_a_target(find, kinds):
    data = find("kind", kind=np.array(kinds)[np.arange(ROWS) % len(kinds)])
    assert data.task == "classes"
    assert data.class_names == tuple(sorted(kinds))


def test_an_open_end_is_a_category(find):
    data = find(children=np.array(["0", "1", "2", "3+"])[np.arange(ROWS) % 4])
    assert "children_3+" in data.feature_names


def cities():
    """Three that come often, and a hundred others that come once or twice."""
    villages = np.array([f"village {i // 2}" for i in range(ROWS)])
    frequent = np.array(["Köln", "Zürich", "Genève"])[np.arange(ROWS) % 3]
    return np.where(np.arange(ROWS) % 4 < 3, villages, frequent)


def test_many_kinds_keep_the_frequent_ones_and_one_other(find):
    names = cities()
    data = find(city=names)
    expected = ("city_Genève", "city_Köln", "city_Zürich", "city_other", "a")
    assert data.feature_names == expected
    distinct = len(np.unique(names))
    assert f"Kinds in fewer than 5 rows are one, 'other': city ({distinct} in all)." in data.notes
    both = np.concatenate([data.x_train, data.x_val])
    frequent = np.isin(names, ["Köln", "Zürich", "Genève"])
    # Each row is one of the four kinds.
    assert ((both[:, :4] > 0).sum(axis=1) == 1).all()
    assert (both[:, 3] > 0).sum() == (~frequent).sum()


def test_the_kinds_are_those_that_scikit_learn_keeps():
    names = pd.Series(cities())
    table = pd.DataFrame({"city": names})
    train = np.flatnonzero(np.arange(ROWS) % 5)
    columns = sort_columns(table.iloc[train])
    assert columns.crowded == ("city",)
    inputs, _ = prepare(table, columns, train)
    encoder = OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist")
    expected = encoder.fit(table.iloc[train]).transform(table).toarray()
    np.testing.assert_array_equal(inputs > 0, expected == 1)


def test_names_are_identifiers_still(find):
    data = find(name=[f"Customer {i // 2}" for i in range(ROWS)])
    assert "Dropped as identifiers: name." in data.notes


def test_missing_values_of_many_kinds_are_one_of_them(find):
    names = np.where(np.arange(ROWS) % 5 == 1, "", cities())
    data = find(city=names)
    assert "city_missing" in data.feature_names
    assert "Missing categories, a category of their own: city (40)." in data.notes
