import dataclasses
import zipfile

import numpy as np
import pytest

from normwise.data import Dataset, find_dataset, from_arrays
from normwise.errors import DataError, UnknownNameError

X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
Y = np.arange(40) % 2


@pytest.fixture
def npz(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(**arrays):
        np.savez("d.npz", **arrays)
        return find_dataset("d.npz")

    return make


def test_circles_are_those_of_scikit_learn():
    from sklearn.datasets import make_circles

    x, y = make_circles(n_samples=1000, noise=0.1, random_state=1)
    data = find_dataset("circles")
    np.testing.assert_array_equal(data.x_train, x[:500].astype(np.float32))
    np.testing.assert_array_equal(data.x_val, x[500:].astype(np.float32))
    np.testing.assert_array_equal(data.y_train.ravel(), y[:500])
    np.testing.assert_array_equal(data.y_val.ravel(), y[500:])
    assert (data.task, data.classes, data.y_val.shape) == ("binary", 2, (500, 1))


def test_arrays_are_split_in_proportion_and_always_alike():
    data = from_arrays(X, Y)
    assert (len(data.x_train), len(data.x_val)) == (32, 8)
    assert data.y_val.mean() == 0.5
    assert data.fingerprint == from_arrays(X, Y).fingerprint


def test_given_validation_arrays_are_kept():
    data = from_arrays(X[:30], Y[:30], X[30:], Y[30:])
    np.testing.assert_array_equal(data.x_val, X[30:])


@pytest.mark.parametrize(
    ("labels", "task", "shape", "kind"),
    [
        (Y, "binary", (1,), "float32"),
        (Y[:, None], "binary", (1,), "float32"),
        (Y.astype(bool), "binary", (1,), "float32"),
        (np.arange(40) % 3, "classes", (), "int32"),
        ((np.arange(40) % 3)[:, None].astype(float), "classes", (), "int32"),
        (X[:, 0], "regression", (1,), "float32"),
        (X, "regression", (2,), "float32"),
    ],
    ids=["binary", "binary-column", "booleans", "classes", "classes-column", "one", "two"],
)
def test_labels_say_what_they_ask_for(labels, task, shape, kind):
    data = from_arrays(X, labels)
    assert data.task == task
    assert data.y_train.shape == (32, *shape)
    assert data.y_train.dtype == kind


@pytest.mark.parametrize("part", ["x_train", "y_train", "x_val", "y_val"])
def test_every_value_counts_in_the_fingerprint(part):
    data = from_arrays(X, Y)
    values = getattr(data, part).copy()
    values.flat[-1] += 1
    assert dataclasses.replace(data, **{part: values}).fingerprint != data.fingerprint


def test_shape_and_type_count_in_the_fingerprint():
    data = from_arrays(X, Y)
    wide = dataclasses.replace(data, y_train=data.y_train.T.reshape(32, 1, 1),
                               y_val=data.y_val.reshape(8, 1, 1))  # fmt: skip
    assert wide.fingerprint != data.fingerprint


def test_neither_part_needs_labels():
    data = from_arrays(X, None, X[:3], None)
    assert (data.y_train, data.y_val, data.task) == (None, None, "own")
    np.testing.assert_array_equal(data.x_val, X[:3])
    with pytest.raises(DataError, match="has y_val without x_val"):
        from_arrays(X, None, None, Y)
    with pytest.raises(DataError, match="labels have shape None, validation labels"):
        from_arrays(X, None, X, Y)


def test_names_do_not_count_in_the_fingerprint():
    assert from_arrays(X, Y, name="other").fingerprint == from_arrays(X, Y).fingerprint


def test_a_column_that_never_changes_is_told():
    assert "1 of 2 columns never change." in from_arrays(X * [1, 0], Y).notes


@pytest.mark.parametrize("labels", [["no", "yes"] * 20, np.array(["no", "yes"] * 20, object)])
def test_labels_can_be_text(labels):
    data = from_arrays(X, labels)
    assert (data.task, data.class_names) == ("binary", ("no", "yes"))


@pytest.mark.parametrize("labels", [5, "no", [None, "no"] * 20, [1j] * 40], ids=repr)
def test_labels_that_are_neither_numbers_nor_texts_are_refused(labels):
    with pytest.raises(DataError, match=r"data 'arrays': y |40 examples in x and 1 labels in y"):
        from_arrays(X, labels)


def test_integers_of_other_machines_are_those_of_this_one():
    assert from_arrays(np.arange(80).reshape(40, 2).astype(">i4"), Y).x_train.dtype.isnative


def test_integers_stay_integers():
    assert from_arrays(np.arange(80).reshape(40, 2), Y).x_train.dtype.kind == "i"


NAN = np.where(np.arange(80).reshape(40, 2) == 7, np.nan, X)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        pytest.param(
            {"x_train": NAN, "y_train": Y},
            r"data 'd.npz': 1 NaN or infinite values in x_train \(first in row 3\); "
            r"expected finite numbers; fill them or drop the 1 rows",
            id="nan",
        ),
        pytest.param(
            {"x_train": X.astype(np.float64) * 1e300, "y_train": Y}, "infinite", id="overflow"
        ),
        pytest.param(
            {"x_train": X, "y_train": np.where(Y, np.inf, 0)},
            r"data 'd.npz': 20 NaN or infinite values in y_train \(first in row 1\)",
            id="inf-labels",
        ),
        pytest.param({"x_train": X, "y_train": np.where(Y, np.nan, 0)}, "in y_train", id="nan-y"),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_val": X * np.nan, "y_val": Y},
            r"80 NaN or infinite values in x_val \(first in row 0\).* drop the 40 rows",
            id="nan-val",
        ),
        pytest.param(
            {"a": X, "b": Y},
            "'d.npz' holds a, b; expected x_train and y_train, or x and y; write it with",
            id="names",
        ),
        pytest.param({}, "'d.npz' holds nothing; expected x_train", id="nothing"),
        pytest.param(
            {"x_train": X, "y_train": Y * 0}, "y_train is 0 in every row; expected at", id="one"
        ),
        pytest.param(
            {"x_train": X, "y_train": Y * 0 + 0.5}, "y_train is 0.5 in every", id="one-0.5"
        ),
        pytest.param(
            {"x_train": X, "y_train": Y[:9]},
            "40 examples in x_train and 9 labels in y_train",
            id="lengths",
        ),
        pytest.param({"x_train": X[:0], "y_train": Y[:0]}, r"y_train has shape \(0,\)", id="empty"),
        pytest.param(
            {"x_train": 3, "y_train": 4}, r"x_train has type int64 and shape \(\)", id="scalar"
        ),
        pytest.param({"x_train": X.astype(str), "y_train": Y}, "x_train has type <U", id="text"),
        pytest.param({"x_train": X * 1j, "y_train": Y}, "x_train has type complex", id="complex"),
        pytest.param(
            {"x_train": np.array([{}]), "y_train": Y},
            r"x_train in 'd.npz' holds Python objects; .*without pickled objects; convert it",
            id="objects",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_val": X},
            "holds x_val without y_val .*; expected both",
            id="x",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "y_val": Y},
            "holds y_val without x_val .*; expected both",
            id="y",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_test": X[:, :1], "y_test": Y},
            r"training examples have shape \(2,\), validation examples \(1,\)",
            id="shapes",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_val": X, "y_val": Y * 3},
            "y_val holds the label 3, which y_train does not",
            id="strange-class",
        ),
        pytest.param(
            {"x_train": X, "y_train": X, "x_val": X, "y_val": X[:, :1]},
            r"y_train has shape \(40, 2\) and y_val \(40, 1\)",
            id="label-shapes",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_val": X[:0], "y_val": Y[:0]},
            "0 inputs and 0 labels in the val part",
            id="empty-val",
        ),
    ],
)
def test_an_archive_that_cannot_be_trained_on_says_why(npz, arrays, message):
    with pytest.raises(DataError, match=message):
        npz(**arrays)


def broken_archive(path):
    np.savez(path, x_train=X, y_train=Y)
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(20) + content[120:])


def array_file(path):
    with path.open("wb") as file:
        np.save(file, X)


def strange_members(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train", "hi")
        archive.writestr("y_train", "hi")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("hello"),
        lambda path: path.write_bytes(b"PK\x03\x04aaa"),
        broken_archive,
        array_file,
        strange_members,
    ],
    ids=["empty", "text", "zip-head", "broken", "npy", "strange"],
)
def test_what_is_no_archive_of_arrays_is_named(tmp_path, write):
    write(tmp_path / "d.npz")
    with pytest.raises(DataError, match=r"d.npz.*; expected a.*numpy\.(savez|asarray)"):
        find_dataset(str(tmp_path / "d.npz"))


@pytest.mark.parametrize("name", ["no.csv", "no.npz", "x" * 300 + ".csv"], ids=lambda n: n[-9:])
def test_a_file_that_is_not_there_is_named(name):
    with pytest.raises(DataError, match=r"there is no file '.*'; expected .*; check the path from"):
        find_dataset(name)


def test_a_folder_is_no_data(tmp_path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="there is no file"):
        find_dataset(str(tmp_path / "d.csv"), "y")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cirles", r"did you mean 'circles'\?"),
        ("x.pkl", "take one of these"),
        ("", "take one of these"),
    ],
)
def test_unknown_data_offers_the_nearest(name, hint):
    with pytest.raises(
        UnknownNameError,
        match=f"unknown data '{name}'; expected one of circles, .*, FILE.csv, .*FILE.npz, FILE.npy.*; {hint}",
    ):
        find_dataset(name)


@pytest.mark.parametrize("name", ["circles", "d.npz"])
def test_a_target_column_is_not_ignored_where_there_are_no_columns(name):
    with pytest.raises(DataError, match=f"'{name}' has no column 'y' to choose; .*--target-column"):
        find_dataset(name, "y")


def test_churn_that_is_not_there_says_where_it_may_be(monkeypatch):
    monkeypatch.delenv("NORMWISE_DATA", raising=False)
    with pytest.raises(DataError, match=r"NORMWISE_DATA is not set.*--data path/to/Churn_Model"):
        find_dataset("churn")


def test_churn_in_the_wrong_folder_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NORMWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"NORMWISE_DATA={tmp_path}"):
        find_dataset("churn", "Exited")


def test_rows_of_different_lengths_are_no_array():
    with pytest.raises(DataError, match=r"data 'arrays': x is no array .*; pad or cut the rows"):
        from_arrays([[1.0], [1.0, 2.0]], [0, 1])


def test_too_few_rows_cannot_be_split():
    with pytest.raises(DataError, match=r"4 rows cannot be split .*; pass x_val and y_val"):
        from_arrays(X[:4], [0, 0, 1, 1])


def test_a_data_set_checks_itself():
    with pytest.raises(
        DataError, match=r"training labels have shape \(1,\), validation labels \(2,\)"
    ):
        Dataset("d", X, Y[:, None].astype("f4"), X, X, "regression")


@pytest.mark.parametrize("key", ["x", "x_val"])
def test_several_inputs_have_as_many_examples_each(key):
    parts = {"x": {"a": X, "b": X}, "x_val": {"a": X, "b": X}}
    parts[key] = {"a": X, "b": X[:9]}
    with pytest.raises(DataError, match=f"parts of {key} have 40 and 9 examples .*'b': .9, 2"):
        from_arrays(parts["x"], Y, parts["x_val"], Y)
