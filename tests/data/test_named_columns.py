"""What is named rather than decided: leaks, marks of missing values; and kinds in capitals."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine

from normwise.data import find_dataset
from normwise.data.csv_file import read_csv_file
from normwise.data.sentinels import sentinels_of
from normwise.data.values import read_values

ROWS = 200
GENERATOR = np.random.default_rng(6)
EVERY = np.arange(ROWS)
NUMBERS = GENERATOR.normal(50, 9, ROWS).round(2)
CLASSES = GENERATOR.integers(0, 2, ROWS)


@pytest.fixture
def find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(target="y", **columns):
        pd.DataFrame({"a": NUMBERS, "y": CLASSES, **columns}).to_csv("t.csv", index=False)
        return find_dataset("t.csv", target)

    return make


def leaks(data):
    notes = [note for note in data.notes if note.startswith("Perhaps leaks")]
    return notes[0].partition(": ")[2].partition(";")[0].split(", ") if notes else []


LEAKS = {
    "the target in words": np.array(["no", "yes"])[CLASSES],
    "a number that only some have": np.where(CLASSES, "", EVERY.astype(str) + ".5"),
    "on either side of a limit": (CLASSES * 100 + NUMBERS).round(1),
    "between two limits": np.where(CLASSES, NUMBERS, NUMBERS + 1000 * (-1) ** EVERY).round(1),
    "kinds of both": np.array([["a", "b"], ["c", "d"]])[CLASSES, EVERY % 2],
}


@pytest.mark.parametrize("column", LEAKS.values(), ids=LEAKS)
def test_what_predicts_the_target_alone_is_named(find, column):
    assert leaks(find(v=column)) == ["v"]


def test_the_name_of_a_class_among_several_is_a_leak(find):
    kind = GENERATOR.integers(0, 4, ROWS)
    assert leaks(find("kind", kind=np.array(list("wxyz"))[kind], code=kind * 3)) == ["code"]


@pytest.mark.parametrize("write", [np.log, lambda y: 9 / 5 * y + 32, lambda y: -(y**2)])
def test_a_quantity_in_another_unit_is_a_leak(find, write):
    values = GENERATOR.uniform(10, 90, ROWS)
    data = find("v", v=values, w=write(values), u=values + GENERATOR.normal(0, 9, ROWS))
    assert leaks(data) == ["w"]


NO_LEAKS = {
    "nothing to do with it": GENERATOR.normal(size=ROWS),
    "right in nine of ten": np.where(EVERY % 10 == 0, 1 - CLASSES, CLASSES),
    "names": [f"n{i}" for i in EVERY],
    "rare kinds": [f"k{i // 3}" for i in EVERY],
}


@pytest.mark.parametrize("column", NO_LEAKS.values(), ids=NO_LEAKS)
def test_what_helps_is_no_leak(find, column):
    assert leaks(find(v=column)) == []


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_well_known_tables_have_no_leaks(tmp_path, load):
    path = tmp_path / "t.csv"
    load(as_frame=True).frame.to_csv(path, index=False)
    assert leaks(find_dataset(str(path), "target")) == []


def test_a_class_that_nearly_never_comes_shows_no_leak(find):
    assert leaks(find("rare", rare=(EVERY == 7).astype(int))) == []


def test_the_only_column_is_not_named(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"a": NUMBERS, "y": NUMBERS > 50}).to_csv(path, index=False)
    assert leaks(find_dataset(str(path), "y")) == []


def read(tmp_path, column):
    path = tmp_path / "t.csv"
    pd.DataFrame({"v": column, "y": EVERY % 2}).to_csv(path, index=False)
    values = read_values(read_csv_file(path), "y")
    return values.frame["v"].tolist(), values.notes


SPELLINGS = {
    "answers": ["Yes", "yes", "Yes", "No", "no", "No", "YES"],
    "places": ["New York", "NEW YORK", "New York", "new york", "Bern"],
    "letters": ["Y", "y", "Y", "N", "n", "N"],
    "sexes": ["m", "m", "M", "f", "f", "F"],
    "umlauts": ["Zürich", "Zürich", "ZÜRICH"],
}


@pytest.mark.parametrize("kinds", SPELLINGS.values(), ids=SPELLINGS)
def test_kinds_that_differ_in_capitals_are_one(tmp_path, kinds):
    column = np.array(kinds)[EVERY % len(kinds)]
    found, notes = read(tmp_path, column)
    most = {text.casefold(): text for text in reversed(pd.Series(column).value_counts().index)}
    assert found == [most[text.casefold()] for text in column]
    assert any(
        note.startswith("Kinds that differ in capitals alone, taken as one: v (") for note in notes
    )


@pytest.mark.parametrize(
    "kinds",
    [
        ["AA", "Aa", "aa"],
        ["AABB", "AaBb", "aabb"],
        ["a", "A", "b", "B"],
        ["aBcD", "abcd"],
        ["pH", "PH", "Ph"],
        ["yes", "no", "maybe"],
        ["Mm", "mm", "MM"],
    ],
)
def test_codes_in_capitals_and_small_letters_stay(tmp_path, kinds):
    column = np.array(kinds)[EVERY % len(kinds)].tolist()
    found, notes = read(tmp_path, column)
    assert found == column
    assert not any(note.startswith("Kinds") for note in notes)


def test_a_class_in_capitals_is_one_class(find):
    data = find("answer", answer=np.array(["Yes", "yes", "No", "Yes", "NO", "No"])[EVERY % 6])
    assert (data.task, data.class_names) == ("binary", ("No", "Yes"))


WHOLE = GENERATOR.integers(0, 90, ROWS)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.where(EVERY % 6 == 0, -1, WHOLE), [-1]),
        (np.where(EVERY % 6 == 0, 999, WHOLE), [999]),
        (np.where(EVERY % 6 == 0, 9999, WHOLE * 10), [9999]),
        (np.select([EVERY % 6 == 0, EVERY % 6 == 1], [-999, 999], WHOLE), [-999, 999]),
        (np.select([EVERY % 6 == 0, EVERY % 6 == 1], [-1, 999], WHOLE), [999, -1]),
        (np.where(EVERY % 2, 1, -1), []),
        (EVERY % 7 - 1, []),
        (WHOLE - 1, []),
        (np.where(EVERY == 3, -1, WHOLE), []),
        (np.where(EVERY % 6 == 0, -1, WHOLE - 40), []),
        (np.round(GENERATOR.exponential(9, ROWS)) - 1, []),
        (np.where(EVERY % 6 == 0, 999, WHOLE * 15), []),
    ],
)
def test_numbers_that_may_stand_for_none(values, expected):
    assert sentinels_of(np.asarray(values, float)) == expected
