"""`normwise diagnose`, as its users meet it."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from normwise.data.circles import circles
from tests.drawing import PNG

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def trained(train):
    """Five steps: the statistics are hardly begun."""
    return train(seed=2, batch_size=100, epochs=1, metrics=["accuracy"])


@pytest.mark.usefixtures("pictures")
def test_the_gap_is_written_drawn_and_said(trained, run, tmp_path):
    original = (tmp_path / "model.keras").read_bytes()
    code, out, _ = run("model.keras", "--data", "circles", "--batch-size", "100", "--out", "gap")
    assert code == 0
    said = out.splitlines()
    assert max(map(len, said)) <= 80
    found = json.loads((tmp_path / "gap" / "gap.json").read_text())
    picture = (tmp_path / "gap" / "gap.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000
    html = (tmp_path / "gap" / "report.html").read_text("utf-8")
    assert html.rstrip().endswith("</html>")
    assert "lagging statistics" in html
    assert "normwise recalibrate model.keras --data circles" in html
    assert set(found["ways"]) == {"batch", "moving", "population", "folded"}
    loss, accuracy = trained.evaluate(circles().x_val, circles().y_val, verbose=0)
    moving = found["ways"]["moving"]["validation"]
    assert moving == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-5)
    taken = np.asarray(trained.layers[0](circles().x_train), float)
    shift = np.abs(trained.layers[1].moving_mean - taken.mean(0)) / np.sqrt(taken.var(0) + 1e-3)
    assert found["layers"][0]["shift"] == pytest.approx(np.median(shift), rel=1e-4)
    assert found["leakage"]["leaks"] is False
    assert f"moving (inference) {moving['loss']:>9.3f}"[:18] in out
    assert "lagging statistics" in out
    assert "norm: moving means " in out
    assert "Batch leakage: None" in out
    parts = {name: found["gap"][name] for name in ("lagging", "generalisation", "batch_noise")}
    assert sum(parts.values()) == pytest.approx(found["gap"]["total"])
    assert max(parts, key=lambda name: abs(parts[name])) == "lagging"
    assert said[-1] == (
        "normwise recalibrate model.keras --data circles -o model-recalibrated.keras"
    )
    assert (tmp_path / "model.keras").read_bytes() == original


@pytest.mark.usefixtures("trained")
def test_json_is_all_that_is_printed_and_a_folder_is_chosen(run, tmp_path):
    code, out, error = run("model.keras", "--data", "circles", "--json")
    assert (code, error) == (0, "")
    [folder] = (tmp_path / "normwise-out").iterdir()
    assert folder.name.startswith("model-")
    assert {path.name for path in folder.iterdir()} == {"gap.json", "gap.png", "report.html"}
    assert json.loads(out) == json.loads((folder / "gap.json").read_text())


def test_a_model_without_a_loss_has_its_layers_looked_at(run, tmp_path):
    keras.Sequential([keras.Input((2,)), layers.BatchNormalization(name="norm")]).save(
        tmp_path / "bare.keras"
    )
    code, out, _ = run("bare.keras", "--data", "circles", "--out", "gap")
    assert code == 0
    assert "norm: moving means " in out
    assert "is not compiled" in out
    assert out.splitlines()[-1].startswith("normwise recalibrate bare.keras")
    assert json.loads((tmp_path / "gap" / "gap.json").read_text())["gap"] is None


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.keras", "--data", "circles"], "there is no file 'none.keras'"),
        (["model.keras", "--data", "circle"], "did you mean 'circles'"),
        (["model.keras", "--data", "digits"], "do not fit model"),
        (["model.keras", "--data", "circles", "--out", " "], "--out is ' '; expected a folder"),
        (
            ["plain.keras", "--data", "circles"],
            "has no batch normalisation, and it takes no steps that could be looked at; expected one "
            "or the other; compile it",
        ),
        (["plain.keras", "--data", "circles", "--json"], "leave --json out to see what happens"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(arguments, message, run, tmp_path):
    keras.Sequential([keras.Input((2,)), layers.Dense(1)]).save(tmp_path / "plain.keras")
    code, out, error = run(*arguments)
    assert (code, out) == (2, "")
    assert message in error
    assert "Traceback" not in error
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "plain.keras"}


@pytest.mark.usefixtures("trained")
def test_a_model_without_normalisation_is_seen_from_inside(run, tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, "sigmoid", name="only")])
    model.compile("sgd", "binary_crossentropy")
    model.save(tmp_path / "plain.keras")
    code, out, _ = run("plain.keras", "--data", "circles", "--out", "seen")
    assert code == 0
    assert "No gradient vanishes, explodes or is stuck" in out
    assert {path.name for path in (tmp_path / "seen").iterdir()} == {"report.html", "inside.png"}
