"""The built-in data sets against scikit-learn and the archives they come from."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets

from normwise.data import BUILT_IN, find_dataset, where_is
from normwise.errors import DataError

FOLDER = Path(os.environ.get("NORMWISE_DATA", "no-such-folder"))


def together(data):
    return np.concatenate([data.x_train, data.x_val]), np.concatenate([data.y_train, data.y_val])


def same_rows(ours, theirs):
    """The same rows in any order."""
    key = [np.lexsort(np.round(rows, 4).T) for rows in (ours, theirs)]
    np.testing.assert_allclose(ours[key[0]], theirs[key[1]], rtol=1e-5)


def test_digits_are_scikit_learns_as_pictures_in_0_to_1():
    data, raw = find_dataset("digits"), sklearn_datasets.load_digits()
    x, y = together(data)
    assert (data.task, data.classes, x.dtype) == ("classes", 10, np.float32)
    assert (x.shape, x.min(), x.max()) == ((1797, 8, 8, 1), 0, 1)
    same_rows(np.c_[x.reshape(1797, 64), y], np.c_[raw.data / 16, raw.target])
    shares = np.bincount(data.y_val) / len(data.y_val) - np.bincount(raw.target) / 1797
    assert abs(shares).max() < 0.01


def test_diabetes_is_standardised_on_the_training_part_and_its_target_is_not():
    data, raw = find_dataset("diabetes"), sklearn_datasets.load_diabetes(scaled=False)
    assert (data.task, data.x_train.shape, data.x_val.shape) == ("regression", (353, 10), (89, 10))
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.x_train.std(axis=0), 1, rtol=1e-5)
    np.testing.assert_array_equal(np.sort(together(data)[1].ravel()), np.sort(raw.target))
    # An affine map of the raw columns, the same for both parts.
    x, _ = together(data)
    for column in range(10):
        slope = np.corrcoef(np.sort(x[:, column]), np.sort(raw.data[:, column]))[0, 1]
        assert slope == pytest.approx(1)


def test_breast_cancer_is_raw():
    data, raw = find_dataset("breast-cancer"), sklearn_datasets.load_breast_cancer()
    x, y = together(data)
    assert (data.task, data.class_names) == ("binary", ("malignant", "benign"))
    same_rows(np.c_[x, y], np.c_[raw.data, raw.target].astype("f4"))
    assert data.feature_names == tuple(raw.feature_names)


@pytest.mark.needs_data
def test_mnist_is_the_archive():
    data, raw = find_dataset("mnist"), np.load(FOLDER / "mnist.npz")
    assert (data.x_train.shape, data.x_train.dtype) == ((60_000, 28, 28, 1), np.float32)
    for part, theirs in (("train", "train"), ("val", "test")):
        pixels = getattr(data, f"x_{part}")[..., 0]
        np.testing.assert_array_equal(np.rint(pixels[:500] * 255), raw[f"x_{theirs}"][:500])
        np.testing.assert_array_equal(getattr(data, f"y_{part}"), raw[f"y_{theirs}"])
    assert (data.x_train.min(), data.x_train.max(), data.y_train.dtype) == (0, 1, np.int32)


@pytest.mark.needs_data
def test_fashion_mnist_holds_out_the_first_5000_and_leaves_the_test_part_alone():
    data, raw = find_dataset("fashion-mnist"), np.load(FOLDER / "fashion_mnist.npz")
    assert (len(data.x_train), len(data.x_val)) == (55_000, 5_000)
    np.testing.assert_array_equal(together(data)[1], np.roll(raw["y_train"], -5000))
    np.testing.assert_array_equal(np.rint(data.x_val[:9, ..., 0] * 255), raw["x_train"][:9])
    assert data.class_names[9] == "Ankle boot"
    assert "the 10,000 of the test part stay unseen" in data.notes[0]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """No data folder, and a Keras that finds nothing in its cache and reaches no network."""
    import keras

    monkeypatch.delenv("NORMWISE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def unreachable():
        sys.stdout.write("Downloading data\n")
        raise OSError("URL fetch failure\nand a second line")

    for name in ("mnist", "fashion_mnist"):
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", unreachable)
    return keras.datasets


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("name", "file"), [("mnist", "mnist.npz"), ("fashion-mnist", "fashion_mnist.npz")]
)
def test_data_that_is_nowhere_names_every_way_to_give_it(name, file, capsys):
    with pytest.raises(DataError) as caught:
        find_dataset(name)
    message = str(caught.value)
    assert f"{file!r} was not found (NORMWISE_DATA is not set; not in Keras' cache '" in message
    assert "its download failed: URL fetch failure); expected" in message
    assert message.endswith(
        f"try --data path/to/{file}, or set NORMWISE_DATA to the folder that holds it"
    )
    # Standard output is the study's own, --json above all.
    assert capsys.readouterr() == ("", "Downloading data\n")


def test_keras_own_copy_is_taken_where_the_folder_has_none(elsewhere, monkeypatch):
    x, y = np.full((6, 28, 28), 51, np.uint8), np.arange(6, dtype=np.uint8)
    monkeypatch.setattr(elsewhere.mnist, "load_data", lambda: ((x, y), (x[:2], y[:2])))
    data = find_dataset("mnist")
    assert data.x_train.shape == (6, 28, 28, 1)
    np.testing.assert_allclose(data.x_train, 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "cannot read '.*mnist.npz'.*expected an archive with x_train, y_train, x_test, y_t"),
        (
            {"x_train": np.ones((2, 28, 28), "f4")},
            r"holds x_train of shape \(2, 28, 28\) and type float32; expected whole numbers",
        ),
        ({"x_train": np.ones((2, 784), "u1")}, r"holds x_train of shape \(2, 784\) and type uint8"),
        ({"y_test": np.ones((2, 10), "u1")}, r"holds y_test of shape \(2, 10\) and type uint8"),
    ],
    ids=["empty", "float", "flat", "one-hot"],
)
def test_an_archive_of_another_kind_is_refused(tmp_path, monkeypatch, arrays, message):
    whole = {
        f"{kind}_{part}": np.ones((2, 28, 28) if kind == "x" else 2, "u1")
        for kind in "xy"
        for part in ("train", "test")
    }
    np.savez(tmp_path / "mnist.npz", **({**whole, **arrays} if arrays else {}))
    monkeypatch.setenv("NORMWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=message):
        find_dataset("mnist")


@pytest.mark.parametrize("name", [name for name in BUILT_IN if where_is(name) == "nothing"])
def test_embedded_data_needs_no_folder(name, monkeypatch):
    monkeypatch.setenv("NORMWISE_DATA", "no-such-folder")
    assert find_dataset(name).name == name
