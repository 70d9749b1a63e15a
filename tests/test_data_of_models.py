"""What the commands for finished models read: all rows, as `fit` would get them."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data import find_dataset

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

DRAW = np.random.default_rng(11)
X = DRAW.integers(0, 256, (50, 4, 4, 1)).astype("uint8")
Y = np.arange(50) % 2 + 1  # no numbers of classes


@pytest.fixture
def files(tmp_path):
    """A model of bytes, its data with and without labels, and a table."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Rescaling(1 / 255),
            layers.BatchNormalization(name="norm"),
            layers.Conv2D(2, 2),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("sgd", "binary_crossentropy")
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "d.npz", x_train=X, y_train=Y)
    np.savez(tmp_path / "x.npz", x=X)
    np.savez(tmp_path / "val.npz", x_train=X, y_train=Y, x_val=X[:9], y_val=Y[:9])
    rows = [f"{a:.3f},{b:.3f},{label}" for (a, b), label in zip(TABLE, Y, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    table = keras.Sequential([keras.Input((2,)), layers.BatchNormalization(name="norm")])
    table.save(tmp_path / "t.keras")
    return tmp_path


TABLE = DRAW.normal(5.0, 2.0, (50, 2))


def mean_of(path):
    return np.array(keras.saving.load_model(path).get_layer("norm").moving_mean.value)


@pytest.mark.parametrize("data", ["d.npz", "x.npz", "val.npz"])
def test_all_rows_of_an_archive_count_as_they_are(files, run_command, data):
    code, _, said = run_command(
        "recalibrate", "m.keras", "--data", data, "-o", "new.keras", "--force"
    )
    assert code == 0, said
    np.testing.assert_allclose(mean_of(files / "new.keras"), [X.mean() / 255], rtol=1e-5)
    assert "unscaled" not in said


def test_all_rows_of_a_table_count(files, run_command, caplog):
    options = ("--data", "t.csv", "--target-column", "y")
    code, _, said = run_command("recalibrate", "t.keras", *options, "-o", "new.keras")
    assert code == 0, said
    parts = find_dataset("t.csv", "y")
    expected = np.concatenate([parts.x_train, parts.x_val]).mean(axis=0, dtype=float)
    np.testing.assert_allclose(mean_of(files / "new.keras"), expected, atol=1e-6)
    assert abs(expected).max() > 1e-3  # the training part alone has means of 0
    # Which column stands where decides what the model computes, and no file says it.
    assert "Inputs (2), standardised on the training part: a, b." in caplog.messages
    assert "rows train" not in caplog.text


@pytest.mark.parametrize("data", ["d.npz", "x.npz"])
@pytest.mark.usefixtures("files")
def test_after_recalibration_nothing_is_apart(run_command, data):
    run_command("recalibrate", "m.keras", "--data", data, "-o", "new.keras", "--force")
    for model, found in (("m.keras", True), ("new.keras", False)):
        select = ("--select", "moving-statistics-gap")
        _, out, _ = run_command("check", model, "--data", data, "--format", "json", *select)
        assert bool(json.loads(out)["findings"]) == found


@pytest.mark.usefixtures("files")
def test_each_command_takes_data_without_labels_where_it_needs_none(run_command):
    code, out, said = run_command("fix", "m.keras", "--data", "x.npz", "-o", "new.keras")
    assert code == 0, said
    code, out, said = run_command("fold", "m.keras", "--data", "x.npz", "-o", "new.keras")
    assert code == 0, said
    assert "of a prediction on data" in out
    code, _, said = run_command("diagnose", "m.keras", "--data", "x.npz")
    assert code == 2
    assert "the data have no labels" in said


@pytest.mark.parametrize(("data", "validating"), [("d.npz", True), ("val.npz", False)])
@pytest.mark.usefixtures("files")
def test_a_split_is_made_for_a_validation_loss_and_said(run_command, data, validating):
    code, out, said = run_command("diagnose", "m.keras", "--data", data, "--json")
    assert code == 0, said
    notes = json.loads(out)["notes"]
    assert ("40 rows train, 10 validate (stratified split, seed 0)." in notes) == validating
    assert "Labels became the numbers of their classes, in order: 1, 2." in notes


@pytest.mark.parametrize("command", ["check", "recalibrate", "fix", "diagnose", "fold"])
@pytest.mark.usefixtures("files")
def test_bytes_that_nothing_scales_are_said_once(run_command, caplog, command):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Conv2D(2, 2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("sgd", "binary_crossentropy")
    model.save("raw.keras")
    out = () if command in ("check", "diagnose") else ("-o", "new.keras")
    run_command(command, "raw.keras", "--data", "d.npz", *out)
    assert sum("unscaled" in record.message for record in caplog.records) == 1


@pytest.fixture
def of_three_classes(tmp_path):
    """A model of three classes, and a table of two of them."""
    draw = np.random.default_rng(2)
    codes = draw.integers(1, 3, 60)
    x = np.eye(3)[codes] + 0.1 * draw.normal(size=(60, 3))
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / "m.keras")

    def written(kinds):
        rows = [f"{a},{b},{c},{kinds[code]}" for (a, b, c), code in zip(x, codes, strict=True)]
        (tmp_path / "t.csv").write_text("\n".join(["a,b,c,y", *rows]))

    return written


@pytest.mark.parametrize("command", ["recalibrate", "fix"])
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "forced"])
@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ("xyz", "No loss before and after is compared: the labels are y, z, and model"),
        ((0, 1, 2), None),
        ((0, 2, 3), "No loss before and after is compared: the labels are 2, 3, and model"),
    ],
    ids=["texts", "numbers", "other numbers"],
)
def test_a_table_of_a_part_of_the_classes(
    of_three_classes, run_command, caplog, command, force, kinds, said
):
    of_three_classes(kinds)
    typed = ("m.keras", "--data", "t.csv", "--target-column", "y", "--task", "classes")
    code, out, _ = run_command(command, *typed, "-o", "new.keras", *force)
    assert code in (0, 1)
    found = [one.message for one in caplog.records if one.message.startswith("No loss")]
    assert [one[: len(said or "")] for one in found] == ([] if said is None else [said])
    assert ("loss" in out) == (said is None and code == 0)
