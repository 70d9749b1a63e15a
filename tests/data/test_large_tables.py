"""What large tables cost: the file is read once, and no column is tried in every way."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normwise.data import find_dataset
from normwise.data.raw_table import column_names

ROWS = 60
DAYS = pd.date_range("2020-01-01", periods=ROWS)


@pytest.fixture
def find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(**columns):
        frame = pd.DataFrame({**columns, "y": np.arange(ROWS) % 2})
        Path("t.csv").write_text(frame.to_csv(index=False), "utf-8")
        return find_dataset("t.csv", "y")

    return make


@pytest.fixture
def calls(monkeypatch):
    """The keyword arguments of each call of a function of pandas."""

    def count(name):
        made, real = [], getattr(pd, name)

        def counted(*args, **kwargs):
            made.append(kwargs)
            return real(*args, **kwargs)

        monkeypatch.setattr(pd, name, counted)
        return made

    return count


def test_the_file_is_read_from_its_path_once(find, calls):
    made = calls("read_csv")
    find(a=DAYS.strftime("%d.%m.%Y"), b=[f"{i / 8:,}" for i in range(ROWS)], c=np.arange(ROWS) / 3)
    assert [kwargs.get("nrows") for kwargs in made] == [1, None]


def test_a_date_is_tried_in_the_formats_that_it_looks_like(find, calls):
    made = calls("to_datetime")
    data = find(**{f"d{number}": DAYS.strftime("%d.%m.%Y") for number in range(10)})
    assert len(data.feature_names) == 10
    # For each column a sample in ISO's format and in its own, and all in its own.
    assert len(made) == 30


def test_text_is_tried_as_a_date_only_if_it_looks_like_one(find, calls):
    made = calls("to_datetime")
    find(rooms=[f"room {i % 4} of {i % 3}" for i in range(ROWS)], kind=["a", "b"] * (ROWS // 2))
    assert len(made) == 1


def test_names_that_repeat_are_numbered_in_linear_time():
    start = time.process_time()
    names, new = column_names(["a"] * 50_000)
    assert time.process_time() - start < 5  # what grows with the square takes minutes
    assert names[:3] == ["a", "a (2)", "a (3)"]
    assert len(set(names)) == 50_000
    assert len(new) == 49_999


def test_a_number_that_is_taken_is_left_out():
    assert column_names(["a", "a (2)", "a", "", "a"])[0] == [
        "a",
        "a (2)",
        "a (3)",
        "column 4",
        "a (4)",
    ]
