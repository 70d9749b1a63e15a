import numpy as np
import pytest

from normwise.data import archive, find_dataset
from normwise.data.pixels import scaled
from normwise.errors import DataError

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 2
IMAGES = GENERATOR.integers(0, 256, (40, 4, 4), dtype=np.uint8)


@pytest.fixture
def npz(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(save=np.savez, **arrays):
        save("d.npz", **arrays)
        return find_dataset("d.npz")

    return make


def is_mapped(array):
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False


def test_x_and_y_are_split(npz):
    data = npz(x=X, y=Y)
    assert (data.x_train.shape, data.x_val.shape) == ((32, 3), (8, 3))
    assert "32 rows train, 8 validate (stratified split, seed 0)." in data.notes


@pytest.mark.parametrize("part", ["val", "test"])
def test_what_is_there_to_validate_does(npz, part):
    data = npz(x_train=X[:30], y_train=Y[:30], **{f"x_{part}": X[30:], f"y_{part}": Y[30:]})
    np.testing.assert_array_equal(data.x_train, X[:30])
    np.testing.assert_array_equal(data.x_val, X[30:])
    assert f"x_train trains, x_{part} validates." in data.notes


def test_a_test_part_beside_a_validation_part_is_told(npz):
    data = npz(x_train=X, y_train=Y, x_val=X[:9], y_val=Y[:9], x_test=X, y_test=Y, names=Y)
    np.testing.assert_array_equal(data.x_val, X[:9])
    assert "Not used: x_test, y_test, names." in data.notes


def test_test_inputs_without_labels_are_no_mistake(npz):
    assert "Not used: x_test." in npz(x_train=X, y_train=Y, x_test=X).notes


def test_an_archive_says_what_it_trains_on_whatever_else_it_holds(npz):
    data = npz(x_train=X, y_train=Y, names=np.array(["a", {}], object))
    assert "Not used: names." in data.notes


def test_capitals_make_no_difference(npz):
    assert npz(X_train=X, Y_train=Y).x_train.shape == (32, 3)


def test_labels_of_an_archive_can_be_text(npz):
    data = npz(x=X, y=np.array(["cat", "dog"])[Y])
    assert (data.task, data.class_names) == ("binary", ("cat", "dog"))


@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_stay_on_the_disk(npz, monkeypatch, order):
    parts = {"x_train": np.asarray(X, order=order), "y_train": Y, "x_val": X, "y_val": Y}
    read = npz(**parts)
    monkeypatch.setattr(archive, "LARGE_BYTES", X.nbytes)
    mapped = npz(**parts)
    assert not is_mapped(read.x_train)
    assert is_mapped(mapped.x_train)
    assert not is_mapped(mapped.y_train)
    np.testing.assert_array_equal(mapped.x_train, X)
    assert mapped.fingerprint == read.fingerprint


def test_what_is_compressed_is_read(npz, monkeypatch):
    monkeypatch.setattr(archive, "LARGE_BYTES", 1)
    data = npz(np.savez_compressed, x_train=X, y_train=Y, x_val=X, y_val=Y)
    assert not is_mapped(data.x_train)
    np.testing.assert_array_equal(data.x_train, X)


def test_a_long_look_goes_piece_by_piece(npz, monkeypatch):
    whole = npz(x=X, y=Y).fingerprint
    monkeypatch.setattr("normwise.data.mapped_rows.PIECE_BYTES", 30)
    assert npz(x=X, y=Y).fingerprint == whole
    with pytest.raises(DataError, match=r"2 NaN .* in x \(first in row 29\); .* drop the 2 rows"):
        npz(x=np.where(np.isin(np.arange(120), [88, 119]).reshape(40, 3), np.nan, X), y=Y)


def test_images_of_bytes_are_scaled_for_built_in_models_and_that_is_told(npz):
    data = npz(x_train=IMAGES, y_train=Y, x_test=IMAGES[:9], y_test=Y[:9])
    np.testing.assert_array_equal(data.x_train, IMAGES)
    assert data.x_train.dtype == np.uint8
    found = scaled(data)
    np.testing.assert_array_equal(found.x_train, IMAGES.astype("float32") / 255)
    np.testing.assert_array_equal(found.x_val, IMAGES[:9].astype("float32") / 255)
    assert found.x_train.dtype == np.float32
    assert any("images of bytes: 0 to 255 became 0 to 1" in note for note in found.notes)


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(IMAGES.astype(np.float32), id="floats"),
        pytest.param(IMAGES.astype(np.int32), id="integers"),
        pytest.param(IMAGES % 2, id="masks"),
        pytest.param(IMAGES.reshape(40, 16), id="columns"),
    ],
)
def test_what_may_be_no_image_is_left_as_it_is(npz, inputs):
    data = npz(x_train=inputs, y_train=Y, x_val=inputs, y_val=Y)
    assert scaled(data) is data
    np.testing.assert_array_equal(data.x_train, inputs)
    assert data.x_train.dtype == inputs.dtype


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        pytest.param(
            {"x_train": X, "y": Y},
            r"'d.npz' holds x_train without y_train \(it holds x_train, y\); expected both",
            id="half-and-half",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x": X, "y": Y},
            "both x_train and x; expected one",
            id="two",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "X_train": X},
            r"holds x_train twice \(x_train.npy, X_train.npy\)",
            id="capitals",
        ),
        pytest.param(
            {"x": X, "y": np.array([1, "a", None] * 20, object)[:40]},
            "y in 'd.npz' holds Python objects; expected numbers",
            id="object-labels",
        ),
        pytest.param(
            {"x": np.full((40, 2), 2**31), "y": Y},
            "x holds the whole number 2147483648, which 32 bits do not; .*astype",
            id="64-bits",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_val": X, "y_val": Y[:3]},
            "40 examples in x_val and 3 labels in y_val",
            id="lengths",
        ),
        pytest.param(
            {"x_train": X, "y_train": X[:, 0], "x_val": X, "y_val": np.array(["a", "b"])[Y]},
            "y_train has type float32 and y_val <U1; expected numbers in both, or texts in both",
            id="text-beside-numbers",
        ),
        pytest.param(
            {"x_train": IMAGES / 255, "y_train": Y, "x_val": IMAGES, "y_val": Y},
            "x_train has type float32 and x_val uint8, which may be pixels before and after scal",
            id="bytes-beside-floats",
        ),
        pytest.param(
            {"x_train": X, "y_train": Y, "x_test": X, "y_test": np.full(40, np.inf)},
            r"NaN or infinite values in y_test \(first in row 0\)",
            id="infinite",
        ),
        pytest.param(
            {"x": np.zeros(40, [("a", "f4")]), "y": Y},
            r"x has type \[\('a', '<f4'\)\]",
            id="record",
        ),
    ],
)
def test_arrays_that_cannot_be_trained_on_are_named(npz, arrays, message):
    with pytest.raises(DataError, match=message):
        npz(**arrays)
