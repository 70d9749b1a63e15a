"""Numbers and dates as they are written, each against the values that were written."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normwise.data import find_dataset
from normwise.data.text_dates import FORMATS, _looks_like, _pattern

ROWS = 60
GENERATOR = np.random.default_rng(17)
INCOMES = GENERATOR.integers(300, 950, ROWS)


@pytest.fixture
def find(tmp_path, monkeypatch):
    """Write columns of texts as a table, with y to predict where none of them is."""
    monkeypatch.chdir(tmp_path)

    def make(columns, separator=",", target="y"):
        columns = {"w": [f"{i}" for i in range(ROWS)], "y": [f"{i % 2}" for i in range(ROWS)]} | {
            **columns
        }
        with Path("t.csv").open("w", newline="") as file:
            writer = csv.writer(file, delimiter=separator)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        return find_dataset("t.csv", target, "regression" if target != "y" else None)

    return make


def values_of(find, texts, separator, others):
    """What the texts were read as: they are the target, which keeps its own units."""
    data = find({**others, "v": texts}, separator, "v")
    return np.sort(np.concatenate([data.y_train, data.y_val]).ravel())


def bare(values):
    return [str(value) for value in values]


def with_commas(values):
    return [f"{value:,}" for value in values]


def with_points(values):
    return [f"{value:,}".replace(",", ".") for value in values]


def german(values):
    return [f"{value:.3f}".replace(".", ",") for value in values]


LARGE = np.array([1200, *INCOMES[1:]])
MIXED = GENERATOR.integers(1, 3_000_000, ROWS)
SMALL = np.array([0.125, *GENERATOR.uniform(1, 9, ROWS - 1).round(3)])
THOUSANDTHS = GENERATOR.uniform(1, 9, ROWS).round(3) + 0.0
COMMAS = {"other": german(SMALL * 1.5)}
POINTS = {"other": bare(SMALL * 1.5)}
# Texts, the values that they say, the separator, and the table's other column.
COLUMNS = {
    "one cell with a comma, semicolons": (with_commas(LARGE), LARGE, ";", {}),
    "one cell with a comma, tabs": (with_commas(LARGE), LARGE, "\t", {}),
    "one cell with a comma, quoted": (with_commas(LARGE), LARGE, ",", {}),
    "a comma against points elsewhere": (with_commas(LARGE), LARGE, ";", POINTS),
    "one cell with a point, semicolons": (with_points(LARGE), LARGE, ";", {}),
    "one cell with a point, decimal commas elsewhere": (with_points(LARGE), LARGE, ",", COMMAS),
    "one cell with a point, commas and points elsewhere": (with_points(LARGE), LARGE, ",", POINTS),
    "one cell with three decimals": (
        ["1.200", *bare(np.arange(2, ROWS + 1))], [1.2, *range(2, ROWS + 1)], ",", POINTS,
    ),
    "all with points, decimal commas elsewhere": (
        with_points(MIXED // 1000 + 1000), MIXED // 1000 + 1000, ";", COMMAS,
    ),
    "points in groups prove themselves": (with_points(MIXED), MIXED, ";", {}),
    "points in groups against points elsewhere": (with_points(MIXED), MIXED, ";", POINTS),
    "commas in groups prove themselves": (with_commas(MIXED), MIXED, ";", COMMAS),
    "a leading 0 proves a decimal": (german(SMALL), SMALL, ";", {}),
    "a leading 0 proves a decimal, quoted": (german(SMALL), SMALL, ",", {}),
    "a leading 0 proves it against points elsewhere": (german(SMALL), SMALL, ";", POINTS),
    "three decimals, decimal commas elsewhere": (german(THOUSANDTHS), THOUSANDTHS, ";", COMMAS),
    "three decimals with points": (
        [f"{value:.3f}" for value in THOUSANDTHS], THOUSANDTHS, ";", POINTS,
    ),
    "three decimals with points, nothing elsewhere": (
        [f"{value:.3f}" for value in THOUSANDTHS], THOUSANDTHS, ",", {},
    ),
    "each sign where it proves itself": (
        ["1,5", *bare(SMALL[1:])], [1.5, *SMALL[1:]], ";", {},
    ),
    "lakhs and crores": (
        ["₹12,34,567", "1,23,45,678", *bare(INCOMES[2:])],
        [1_234_567, 12_345_678, *INCOMES[2:]], ",", {},
    ),
    "accounts": (["(1,200)", "\u2212 3", *bare(INCOMES[2:])], [-1200, -3, *INCOMES[2:]], ",", {}),
    "prices with a dash for no decimals": (
        ["7'631.-", "12.\u2013", "1'200.--", *bare(INCOMES[3:])], [7631, 12, 1200, *INCOMES[3:]],
        ";", {},
    ),
    "the same with commas, and what is owed": (
        ["7,- \u20ac", "1.200,--", "12,50-", *bare(INCOMES[3:])], [7, 1200, -12.5, *INCOMES[3:]],
        ";", {},
    ),
    "apostrophes and spaces": (
        ["1'200", "1\u2019300", "1\u00a0400", *bare(INCOMES[3:])],
        [1200, 1300, 1400, *INCOMES[3:]], ";", {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COLUMNS.values(), ids=COLUMNS)
def test_a_column_says_itself_which_sign_is_that_of_decimals(find, case):
    texts, expected, separator, others = case
    found = values_of(find, texts, separator, others)
    np.testing.assert_array_equal(found, np.sort(np.float32(expected)))


def test_what_was_decided_for_a_column_is_said(find):
    columns = {"income": with_commas(LARGE), "weight": german(SMALL), "n": bare(INCOMES)}
    notes = find(columns, ";").notes
    assert "Numbers written as text: income, weight." in notes
    assert (
        "Decimals and thousands, told apart for each column: income (1,200 as 1200), weight "
        f"({german(SMALL)[1]} as {SMALL[1]:.15g})." in notes
    )
    assert notes[0] == ("The table was read with semicolons between fields, with decimal commas.")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_one_cell_changes_no_other_column(find, separator):
    weights = GENERATOR.normal(70, 9, ROWS).round(2)
    found = values_of(find, bare(weights), separator, {"income": with_commas(LARGE)})
    np.testing.assert_array_equal(found, np.sort(np.float32(weights)))


FAR = ["9999-12-31", "0001-01-01", "3000-01-01", "1500-06-30"]


@pytest.mark.parametrize("never", FAR)
@pytest.mark.parametrize("count", [1, 40])
def test_a_date_out_of_range_is_missing_and_said(find, never, count):
    days = pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d").tolist()
    data = find({"until": [never] * count + days[count:]})
    assert "Dates, taken as days: until (ISO8601)." in data.notes
    said = f"Taken for missing among numbers or dates: until ({count:,}: {never!r})."
    assert said in data.notes
    assert np.isfinite(data.x_train).all()
    assert np.abs(data.x_train).max() < 10


def test_never_in_one_number_is_missing_and_said(find):
    days = pd.date_range("2020-01-01", periods=ROWS).strftime("%Y%m%d").tolist()
    data = find({"until": ["99991231", "", *days[2:]]})
    assert "Dates, taken as days: until (%Y%m%d)." in data.notes
    assert "Taken for missing among numbers or dates: until (1: '99991231')." in data.notes
    assert "Missing numbers, filled with the median: until (2)." in data.notes


@pytest.mark.parametrize("form", FORMATS)
def test_a_date_looks_like_the_format_that_wrote_it(form):
    """The quick look never leaves out a format that reads the dates."""
    moments = pd.date_range("2019-02-03 04:05:06.789", periods=50, freq="17D7h13min")
    written = moments.strftime(form).tolist()
    assert _looks_like(written, _pattern(form))
    assert pd.to_datetime(pd.Series(written), format=form, errors="coerce").notna().all()
