"""Data for a finished model: labels are what was written, not what a study would make of them."""

import numpy as np
import pytest

from normwise.data import Dataset, find_given, from_arrays, given_of
from normwise.data.find import TableOptions

ROWS = 20
X = np.arange(2.0 * ROWS).reshape(ROWS, 2) % 7


@pytest.mark.parametrize(
    "kinds",
    [["b", "c"], ["b", "c", "d"], [1, 2], [0, 2, 5], [-1, 1], [0, 1], [0, 1, 2], ["9", "10"]],
    ids=str,
)
@pytest.mark.parametrize("form", ["table", "arrays"])
def test_labels_are_what_was_written(kinds, form, tmp_path):
    labels = np.array(kinds)[np.arange(ROWS) % len(kinds)]
    if form == "table":
        rows = [f"{a},{b},{label}" for (a, b), label in zip(X + 0.5, labels, strict=True)]
        (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]))
        found = find_given(str(tmp_path / "t.csv"), TableOptions("y", "classes")).y
        labels = labels.astype(int) if set(kinds) == {"9", "10"} else labels
    else:
        given = given_of(from_arrays(X, labels, X, labels, task="classes"))
        np.testing.assert_array_equal(given.y, given.validation[1])
        found = given.y
    distinct, counts = np.unique(found, return_counts=True)
    wanted, expected = np.unique(labels, return_counts=True)
    np.testing.assert_array_equal(distinct, wanted)
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize(
    "names", [("b", "a", "c"), ("a", "b", "c", "d"), ()], ids=["unordered", "more", "none"]
)
def test_numbers_with_names_beside_them_stay(names):
    y = (np.arange(ROWS) % 3).astype("i4")
    given = given_of(Dataset("mine", X, y, X, y, "classes", class_names=names))
    assert given.y is y


@pytest.mark.parametrize("labels", [np.arange(ROWS) % 2, (np.arange(ROWS) % 3)[:, None] + 1], ids=["flat", "column"])  # fmt: skip
def test_labels_keep_the_shape_and_type_that_they_came_in(labels):
    given = given_of(from_arrays(X, labels.astype("i2"), X, labels.astype("i2")))
    assert (given.y.shape, given.y.dtype) == (labels.shape, np.int16)
    np.testing.assert_array_equal(given.y, labels)
