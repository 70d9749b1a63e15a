"""A table in the form of a well-known one, end to end: the same study of a Parquet file as of a CSV."""

import json

import numpy as np
import pandas as pd
import pytest

from normwise.data import find_dataset

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS = 80
GENERATOR = np.random.default_rng(3)
KIND = np.array(["Adelie", "Chinstrap", "Gentoo"])[np.arange(ROWS) % 3]
PENGUINS = pd.DataFrame(
    {
        "rowid": np.arange(1, ROWS + 1),
        "species": pd.Categorical(KIND),
        "island": pd.Categorical(np.array(["Biscoe", "Dream"])[np.arange(ROWS) // 2 % 2]),
        "bill_length_mm": np.where(np.arange(ROWS) % 40 == 3, np.nan, GENERATOR.normal(44, 5, ROWS)),
        "body_mass_g": pd.array([None, *GENERATOR.integers(2700, 6300, ROWS - 1)], "Int64"),
        "sex": np.where(np.arange(ROWS) % 20 == 1, None, np.array(["male", "female"])[np.arange(ROWS) % 2]),
        "year": 2007 + np.arange(ROWS) % 3,
    }
)  # fmt: skip


def test_a_parquet_file_is_studied_as_its_csv_would_be(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PENGUINS.to_csv("t.csv", index=False)
    PENGUINS.to_parquet("t.parquet")
    code, out, error = run_command(
        "study", "--data", "t.parquet", "--target-column", "species", "--variant", "none",
        "--epochs", "1", "--seeds", "1", "--out", "out", "--json",
    )  # fmt: skip
    assert (code, error) == (0, "")
    assert json.loads(out)["study"] == "t"
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Dropped as identifiers: rowid." in report
    assert "Missing categories, a category of their own: sex (4)." in report
    both = [find_dataset(name, "species") for name in ("t.csv", "t.parquet")]
    assert both[0].fingerprint == both[1].fingerprint
