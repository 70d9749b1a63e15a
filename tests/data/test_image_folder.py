"""Folders of pictures: in the order, the size and the values of Keras' own reader."""

import io
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.utils.dataset_utils import index_directory
from keras.src.utils.image_dataset_utils import ALLOWLIST_FORMATS, _load_image_grain
from PIL import Image

from normwise.data import TableOptions, find_dataset, find_given, pictures
from normwise.data.given import as_quantities, given_of
from normwise.data.image_folder import from_image_folder, given_in_image_folder
from normwise.data.mapped_rows import MappedRows, as_it_lies
from normwise.errors import DataError
from normwise.models.fit_data import given_to
from normwise.spec import Spec
from normwise.study.known_model import for_pictures

DRAW = np.random.default_rng(4)


def paint(path, size=(5, 7), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,), "I;16": ()}[mode]
    kind = "uint16" if mode == "I;16" else "uint8"
    Image.fromarray(DRAW.integers(0, 256, (*size, *channels)).astype(kind)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Names that sort otherwise as numbers, deeper, and in capitals; files of every kind."""
    names = (
        "10/a.png",
        "10/b.PNG",
        "9/z.bmp",
        "9/in/y.png",
        "9/x.gif",
        "Cat/1.png",
        "cat/2.png",
        "cat/1.png",
    )
    for name in names:
        paint(tmp_path / "pics" / name)
    return tmp_path / "pics"


def of_keras(folder, size, channels):
    """What Keras' reader takes, and in which order."""
    paths, labels, names = index_directory(
        str(folder), "inferred", ALLOWLIST_FORMATS, shuffle=False, verbose=False
    )
    files = [io.BytesIO(Path(path).read_bytes()) for path in paths]  # it leaves files open
    args = (size, channels, "bilinear", "channels_last")
    pixels = [_load_image_grain(file, *args) for file in files]
    return np.stack(pixels), labels, names


@pytest.mark.parametrize(
    ("size", "color", "channels"),
    [((5, 7), "rgb", 3), ((5, 7), "grayscale", 1), ((9, 4), "rgb", 3), ((3, 16), "rgba", 4)],
)
def test_pictures_are_those_of_keras_reader(folder, size, color, channels):
    x, y, names = of_keras(folder, size, channels)
    given = given_in_image_folder(folder, size, color)
    np.testing.assert_allclose(given.x, x, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(given.y, y)
    assert given.x.dtype == ("uint8" if size == (5, 7) else "float32")
    assert [f"{name} ({count})" for name, count in zip(names, np.bincount(y), strict=True)] == [
        "10 (2)", "9 (3)", "Cat (1)", "cat (2)",
    ]  # fmt: skip
    assert "Classes, with their pictures: 10 (2), 9 (3), Cat (1), cat (2)." in given.notes


def test_a_jpeg_and_deep_grey_read_as_keras_does(tmp_path):
    for name in ("a/1.jpg", "b/1.jpeg"):
        paint(tmp_path / "j" / name)
    np.testing.assert_array_equal(
        given_in_image_folder(tmp_path / "j").x, of_keras(tmp_path / "j", (5, 7), 3)[0]
    )
    for name in ("a/1.png", "b/1.png"):
        paint(tmp_path / "deep" / name, mode="I;16")
    given = given_in_image_folder(tmp_path / "deep")
    np.testing.assert_array_equal(given.x, of_keras(tmp_path / "deep", (5, 7), 1)[0])


def test_a_study_splits_them_in_proportion(tmp_path):
    for kind in ("no", "yes"):
        for number in range(10):
            paint(tmp_path / "pics" / kind / f"{number}.png", mode="L")
    data = from_image_folder(tmp_path / "pics")
    assert (data.task, data.class_names, data.x_train.shape) == (
        "binary",
        ("no", "yes"),
        (16, 5, 7, 1),
    )
    assert [int(part.sum()) for part in (data.y_train, data.y_val)] == [8, 2]
    assert data.x_train.dtype == np.uint8
    assert data.notes[0] == (
        "20 pictures of 5 × 7 × 1 were decoded once into memory: 0.0007 MB of bytes, 0 to 255."
    )


@pytest.mark.parametrize("held", ["validation", "val", "Test"])
def test_two_sub_folders_are_the_two_parts(tmp_path, held):
    root = tmp_path / "pics"
    trained = [f"train/{kind}/{number}.png" for kind in "abc" for number in range(2)]
    for name in (*trained, f"{held}/c/2.png", f"{held}/a/2.png"):
        paint(root / name)
    data = from_image_folder(root)
    assert (data.y_train.tolist(), data.y_val.tolist()) == ([0, 0, 1, 1, 2, 2], [0, 2])
    np.testing.assert_array_equal(
        data.x_val[1], np.asarray(Image.open(root / held / "c" / "2.png"))
    )
    assert f"'train' trains and '{held}' validates." in data.notes
    given = given_in_image_folder(root)
    np.testing.assert_array_equal(given.validation[1], [0, 2])


def test_a_test_part_beside_a_validation_part_is_left_alone(tmp_path):
    for name in ("train/a/1.png", "train/b/1.png", "valid/a/2.png", "test/a/3.png"):
        paint(tmp_path / "pics" / name)
    assert "test is not used." in from_image_folder(tmp_path / "pics").notes


def test_classes_may_be_called_like_parts(tmp_path):
    for name in ("train/1.png", "train/2.png", "bus/1.png", "bus/2.png"):
        paint(tmp_path / "pics" / name)
    assert given_in_image_folder(tmp_path / "pics").y.tolist() == [0, 0, 1, 1]


def test_grey_pictures_have_one_channel_and_others_three(tmp_path):
    for kind in ("a", "b"):
        paint(tmp_path / "pics" / kind / "1.png", mode="L")
    assert given_in_image_folder(tmp_path / "pics").x.shape == (2, 5, 7, 1)
    paint(tmp_path / "pics" / "b" / "2.png", mode="RGBA")
    assert given_in_image_folder(tmp_path / "pics").x.shape == (3, 5, 7, 3)


def test_several_sizes_become_one_and_that_is_said(folder):
    paint(folder / "9" / "w.png", size=(8, 8))
    given = given_in_image_folder(folder)
    assert given.x.shape == (9, 64, 64, 3)
    assert given.notes[1] == (
        "9 of them were resized from 2 sizes, from 5 × 7 to 8 × 8, to 64 × 64 (bilinear, shape not "
        "kept); --image-size HEIGHTxWIDTH decides otherwise."
    )


def test_what_is_left_out_is_said(folder):
    paint(folder / "loose.png")
    paint(folder / "9" / ".hidden.png")
    (folder / "9" / "notes.txt").write_text("")
    (folder / "empty").mkdir()
    notes = given_in_image_folder(folder).notes
    assert notes[-4:] == (
        "Files that are no pictures Keras reads were left out: .txt (1).",
        "Pictures directly in 'pics' belong to no class and were left out: 1.",
        "Sub-folders without a picture: empty.",
        "Pictures that lie deeper belong to the class above them: 1.",
    )


def test_without_sub_folders_a_finished_model_gets_no_labels(tmp_path):
    for number in range(3):
        paint(tmp_path / "pics" / f"{number}.png")
    given = given_in_image_folder(tmp_path / "pics")
    assert (len(given.x), given.y) == (3, None)


def test_a_finished_model_gets_the_size_and_the_channels_that_it_takes(folder):
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(4)]
    )
    given = given_to(model, str(folder))
    np.testing.assert_allclose(given.x, of_keras(folder, (6, 6), 1)[0], rtol=1e-5, atol=1e-4)
    wider = given_to(model, str(folder), TableOptions(image_size=(6, 6), color_mode="grayscale"))
    np.testing.assert_array_equal(wider.x, given.x)


def build():
    return keras.Sequential([keras.Input((6, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(4)])


@pytest.mark.parametrize("given", [build, build()], ids=["function", "model"])
def test_so_does_a_model_of_a_study(folder, given):
    spec = Spec.make({"data": str(folder)})
    found = for_pictures(given, spec)
    assert (found.image_size, found.color_mode) == ("6x8", "rgba")
    wanted = Spec.make({"data": str(folder), "image_size": (3, 3), "color_mode": "rgb"})
    assert for_pictures(given, wanted) is wanted


def test_a_model_of_any_size_says_nothing(folder):
    spec = Spec.make({"data": str(folder)})
    free = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D()])
    assert (for_pictures(free, spec).image_size, for_pictures(free, spec).color_mode) == (
        None,
        "rgb",
    )
    assert for_pictures("default", spec).image_size is None


def test_the_folder_is_found_by_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    found = find_given("pics/", TableOptions(image_size=(4, 4)))
    assert found.x.shape == (8, 4, 4, 3)
    for number in range(30):
        paint(folder / "9" / f"{number}.png")
    assert find_dataset("pics", image_size=(4, 4)).name == "pics"


def test_the_current_folder_has_its_name(folder, monkeypatch):
    paint(folder / "loose.png")
    monkeypatch.chdir(folder)
    said = "Pictures directly in 'pics' belong to no class and were left out: 1."
    assert said in find_given(".").notes


def test_classes_are_the_names_of_sub_folders_and_no_quantities(folder):
    for number in range(12):
        for name in ("9", "cat"):
            paint(folder / name / f"{number}-.png")
    found = from_image_folder(folder)
    assert as_quantities(found) is found
    assert set(given_of(found).y.tolist()) == {"10", "9", "Cat", "cat"}


def test_large_pictures_are_decoded_once_into_a_file(folder, tmp_path, monkeypatch):
    for number in range(12):
        paint(folder / "9" / f"{number}.png")
        paint(folder / "cat" / f"{number}-.png")
    wanted = from_image_folder(folder)
    monkeypatch.setenv("NORMWISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pictures, "HELD_BYTES", 100)
    found = from_image_folder(folder)
    assert isinstance(found.x_train, MappedRows)
    assert (
        "32 pictures of 5 × 7 × 3 were decoded once into a file: 0.00336 MB of bytes, 0 to 255."
        in found.notes
    )
    for part in ("x_train", "y_train", "x_val", "y_val"):
        np.testing.assert_array_equal(getattr(found, part)[:], getattr(wanted, part))
    # In the file, neighbours are of all classes: what is read in windows is mixed.
    lying = as_it_lies(found.train)
    assert not (np.diff(lying.y.ravel()) >= 0).all()
    with monkeypatch.context() as patched:
        patched.setattr(pictures, "_decoded", pytest.fail)
        again, given = from_image_folder(folder), given_in_image_folder(folder)
    assert again.fingerprint == found.fingerprint
    assert isinstance(given.x, MappedRows)
    monkeypatch.setattr(pictures, "HELD_BYTES", 2**30)
    np.testing.assert_array_equal(given.x[:], given_in_image_folder(folder).x)
    monkeypatch.setattr(pictures, "HELD_BYTES", 100)
    paint(folder / "9" / "x.gif", (5, 7))  # another picture of that name
    assert from_image_folder(folder).fingerprint != found.fingerprint
    (folder / "9" / "0.png").write_bytes(b"none")
    files = len(list((tmp_path / "cache" / "arrays").iterdir()))
    with pytest.raises(
        DataError, match=r"1 of the 32 pictures in 'pics' cannot be read: '9/0.png'"
    ):
        from_image_folder(folder)
    assert len(list((tmp_path / "cache" / "arrays").iterdir())) == files


def test_all_pictures_that_do_not_read_are_counted_however_they_are_broken(tmp_path):
    """No picture at all, one without its first lines, and ends that are missing."""
    folder = tmp_path / "pics"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            paint(folder / name / f"{number}.png", (24, 24))
    whole = (folder / "a" / "3.png").read_bytes()
    (folder / "b" / "1.png").write_bytes(b"none")
    (folder / "a" / "3.png").write_bytes(whole[: len(whole) // 2])
    named = "2 of the 16 pictures in 'pics' cannot be read: 'a/3.png', 'b/1.png' \\("
    with pytest.raises(DataError, match=named):
        from_image_folder(folder)
    (folder / "b" / "1.png").write_bytes(whole)
    with pytest.raises(DataError, match=r"1 of the 16 pictures in 'pics' cannot be read: 'a/3.p"):
        from_image_folder(folder)
    for number in range(8):
        (folder / "b" / f"{number}.png").write_bytes(b"none")
    with pytest.raises(DataError, match=r"9 of the 16 .*: 'a/3.png', .*, 'b/3.png', … \("):
        from_image_folder(folder)
