"""Files and folders of any name that the system takes: read, written, and said as they are."""

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# A drive or an address, a column of Rich's markup, an escape of an address, of a shell.
ODD = "a:b ä#%20[x] $H"
MODEL, DATA = f"{ODD}.keras", f"{ODD}.npz"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layers = [keras.layers.Dense(3, name="hidden"), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    model.save(MODEL)
    rng = np.random.default_rng(0)
    # In float64, which Keras casts.
    np.savez(DATA, x_train=rng.normal(size=(60, 2)), y_train=np.arange(60) % 2)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("command", "written"),
    [
        (("recalibrate", MODEL, "--data", DATA, "-o", f"new {MODEL}"), f"new {MODEL}"),
        (("fix", MODEL, "-o", f"new {MODEL}", "--data", DATA), f"new {MODEL}"),
        (("fold", MODEL, "-o", f"new {MODEL}", "--data", DATA), f"new {MODEL}"),
        (("check", MODEL, "--data", DATA), MODEL),
        (("diagnose", MODEL, "--data", DATA, "--out", ODD), f"{ODD}/gap.json"),
    ],
)
def test_a_command_says_the_names_that_it_was_given(run_command, here, command, written):
    code, out, error = run_command(*command)
    assert code == (1 if command[0] == "check" else 0), error
    assert written.replace(" ", "") in "".join(out.split())
    assert (here / written).is_file()


@pytest.mark.usefixtures("initial_values_from_numpy", "here")
def test_a_study_of_an_odd_name_is_written_and_drawn_again(run_command, here):
    command = ("study", "--model", MODEL, "--data", DATA, "--variant", "none", "--out", ODD)
    code, _, error = run_command(*command, "--seeds", "1", "--epochs", "1")
    assert code == 0, error
    names = {path.name for path in (here / ODD).iterdir()}
    assert {"curves.parquet", "best.keras", "report.html", "curves.png"} <= names
    code, out, error = run_command("report", ODD)
    assert code == 0, error
    assert "".join(ODD.split()) in "".join(out.split())
