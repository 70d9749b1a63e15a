"""`normwise judge`, and the exports that it reads."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from normwise.commands.judge import EXAMPLES


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A table in the current folder: `bn` needs two thirds of the epochs of `none`."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(
        {
            "variant": name,
            "seed": seed,
            "epoch": epoch,
            "val_loss": speed / (speed + epoch + seed / 9),
        }
        for name, speed in (("none", 6.0), ("bn", 4.0))
        for seed in range(5)
        for epoch in range(1, 25)
    )
    frame.to_csv("runs.csv", index=False)
    return frame


@pytest.mark.usefixtures("runs")
def test_the_report_is_printed_and_written(run, tmp_path):
    code, out, error = run("runs.csv", "--target", "val_loss<=0.3", "--out", "o")
    assert (code, error) == (0, "")
    said = " ".join(out.replace("│", " ").split())
    assert "`bn` helps here compared with `none`: `bn` reaches val_loss<=0.3" in said
    assert "10 runs of 2 variants and 5 seeds, read from runs.csv." in " ".join(out.split())
    assert {path.name for path in (tmp_path / "o").iterdir()} == {
        "curves.parquet", "curves.png", "report.html", "summary.json"
    }  # fmt: skip


@pytest.mark.usefixtures("runs")
def test_json_is_the_summary_alone(run, tmp_path):
    code, out, _ = run("runs.csv", "--json", "--baseline", "bn")
    said = json.loads(out)
    [folder] = (tmp_path / "normwise-out").iterdir()
    assert folder.name.startswith("runs-")
    assert (code, said) == (0, json.loads((folder / "summary.json").read_text("utf-8")))
    assert [(one["variant"], one["baseline"]) for one in said["comparisons"]] == [("none", "bn")]
    assert said["version"] == 1


def test_columns_of_any_name(run, runs):
    names = {"variant": "a", "seed": "b", "epoch": "c"}
    runs.rename(columns=names).to_csv("other.csv", index=False)
    columns = [f"--{role}-column={name}" for role, name in names.items()]
    assert run("other.csv", *columns, "--json")[0] == 0


def test_a_pattern_says_what_a_path_is(run, runs, tmp_path):
    for (variant, seed), rows in runs.groupby(["variant", "seed"]):
        (tmp_path / "logs").mkdir(exist_ok=True)
        rows[["epoch", "val_loss"]].to_csv(f"logs/{seed}x{variant}.csv", index=False)
    code, out, _ = run("logs", "--pattern", "{seed}x{variant}.csv", "--json")
    assert (code, [one["name"] for one in json.loads(out)["variants"]]) == (0, ["none", "bn"])


def test_help_teaches_by_example(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(
        one in out for one in ("normwise judge runs.csv", "--pattern", "mlflow:my-experiment")
    )
    assert "normwise judge runs.csv" in EXAMPLES


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_study_is_exported_as_it_ends_and_afterwards(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ["--variant", "none", "--variant", "after", "--seeds", "2", "--epochs", "2"]
    code, out, _ = run_command("study", "circles", *small, "--out", "s", "--export", "csv")
    assert (code, "s/curves.csv" in out) == (0, True)
    code, out, _ = run_command("report", "s", "--export", "tensorboard", "--export", "csv")
    assert (code, "s/tensorboard" in out) == (0, True)
    judged = [
        json.loads(run_command("judge", path, "--target", "val_accuracy>=0.5", "--json")[1])
        for path in ("s/curves.csv", "s/tensorboard")
    ]
    assert judged[0]["comparisons"] == judged[1]["comparisons"]
    assert [one["name"] for one in judged[0]["variants"]] == ["none", "after"]


def test_the_page_says_what_comes_of_its_example(capsys):
    text = (Path(__file__).parents[2] / "docs" / "judge.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "docs/judge.md", "exec"), {})
    assert f"```\n{capsys.readouterr().out}```" in text
