"""`normwise study` without a model."""

import numpy as np
import pandas as pd
import pytest

import normwise as nw
from normwise.models.io import load_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS = 60
DRAW = np.random.default_rng(1)
A = DRAW.normal(size=ROWS)
FRAME = pd.DataFrame({"a": A, "b": DRAW.normal(size=ROWS), "y": np.where(A > 0, "yes", "no")})
TYPED = ("--data", "t.csv", "--target-column", "y")


def test_a_study_of_data_alone_says_what_it_trains(run_command, tmp_path, caplog):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = run_command(
        "study",
        *TYPED,
        "--seeds",
        "2",
        "--epochs",
        "2",
        "--variant",
        "none",
        "--out",
        "o",
        "--verbose",
    )
    said = "No model was given, so the default one trains: a two-layer network for tables (2 inputs"
    assert (code, caplog.messages[0].startswith(said)) == (0, True)
    assert said in (tmp_path / "o" / "report.html").read_text("utf-8")
    # Once, and first; where nothing was said before, the page says it.
    assert "No model was given" not in out
    assert "Runs: 2, of 1 variant × 2 seeds; 2 epochs each; batch size 32." in out.splitlines()
    _, again, _ = run_command("report", "o", "--verbose")
    assert said in " ".join(again.split())
    model = load_model(tmp_path / "o" / "best.keras")
    assert [one.units for one in model.layers] == [64, 32, 1]
    assert 'model = "default"' in (tmp_path / "o" / "spec.toml").read_text()


def test_its_code_is_shown_and_nothing_trains(run_command, tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    code, out, error = run_command("study", *TYPED, "--show-model")
    assert (code, error) == (0, "")
    assert out == nw.Study(data=str(tmp_path / "t.csv"), target_column="y").show_model()
    (tmp_path / "mymodels.py").write_text(out)
    code, again, error = run_command("study", *TYPED, "--model", "mymodels:build", "--show-model")
    assert (code, again, error.count("\n")) == (2, "", 1)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
