"""What stands around a table's rows: each table against the one without it."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from normwise.data import find_dataset
from normwise.data.table_head import find_head
from normwise.errors import DataError, UnknownNameError, UsageError

ROWS = 60
GENERATOR = np.random.default_rng(12)
FRAME = pd.DataFrame(
    {
        "city": np.array(["Köln", "Zürich", "Genève"])[np.arange(ROWS) % 3],
        "age": GENERATOR.integers(18, 80, ROWS),
        "weight": GENERATOR.normal(70, 12, ROWS).round(2),
        "income": GENERATOR.integers(1000, 9000, ROWS),
        "left": np.array(["yes", "no"])[np.arange(ROWS) // 2 % 2],
    }
)
HEAD, *BODY = FRAME.to_csv(index=False).splitlines()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def find(*lines, target="left", name="t.csv"):
    Path(name).write_text("\n".join(lines) + "\n", "utf-8")
    return find_dataset(name, target)


def assert_same(data, expected):
    assert data.feature_names == expected.feature_names
    assert data.class_names == expected.class_names
    np.testing.assert_array_equal(data.x_train, expected.x_train)
    np.testing.assert_array_equal(data.y_val, expected.y_val)


ABOVE = {
    "a title": (["Customers of 2019"], "(1) were left out: 'Customers of 2019'"),
    "a title with the table's fields": (["Customers of 2019,,,,"], "(1) were left out"),
    "a title and an empty line": (["Customers", ""], "(1) were left out: 'Customers'"),
    "comments": (["# made by a program", "# version 2, of today"], "(2) were left out: '# made by"),
    "what is known of it": (["Station,Zürich", "From,2019"], "'Station Zürich', 'From 2019'"),
    "comments and a title": (["# a", "Report", ",,,,"], "(2) were left out"),
    "a quoted title": (['"Customers, and who left"'], "'Customers, and who left'"),
    "slashes": (["// x,y,z,1,2"], "(1) were left out"),
}


@pytest.mark.parametrize("case", ABOVE.values(), ids=ABOVE)
def test_lines_above_a_table_are_left_out_and_said(case):
    above, said = case
    expected = find(HEAD, *BODY)
    data = find(*above, HEAD, *BODY)
    assert_same(data, expected)
    note = next(note for note in data.notes if note.startswith("Lines above the table"))
    assert said in note


@pytest.mark.parametrize(
    "rows",
    [
        ["town,years,kg,CHF,"],
        [",(years),[kg],,"],
        ["-,years,kg,€,yes or no"],
    ],
)
def test_a_row_of_units_is_left_out_and_said(rows):
    data = find(HEAD, *rows, *BODY)
    assert_same(data, find(HEAD, *BODY))
    assert any(note.startswith("The row of units was left out: ") for note in data.notes)
    assert not any(note.startswith("Numbers written as text") for note in data.notes)


TOTALS = {
    "a sum": f"Total,{FRAME.age.sum()},,{FRAME.income.sum()},",
    "sums alone": f"all,{FRAME.age.sum()},{FRAME.weight.sum():.2f},{FRAME.income.sum()},Total",
    "in German": f"Summe:,,,{FRAME.income.sum()},",
    "a mean": f"Mean,{FRAME.age.mean():.1f},{FRAME.weight.mean():.2f},{FRAME.income.mean():.2f},",
}


@pytest.mark.parametrize("total", TOTALS.values(), ids=TOTALS)
def test_a_row_of_totals_at_the_end_is_left_out_and_said(total):
    data = find(HEAD, *BODY, total)
    assert_same(data, find(HEAD, *BODY))
    assert any(note.startswith("A row of totals was left out: ") for note in data.notes)


def test_remarks_behind_a_total_are_left_out_as_well():
    data = find(HEAD, *BODY, TOTALS["a sum"], "", "Source: the office", "(60 rows)")
    assert_same(data, find(HEAD, *BODY))
    assert "A remark at the end was left out: Source: the office." in data.notes


def test_names_that_come_again_are_left_out_and_counted():
    data = find(HEAD, *BODY[:20], HEAD, *BODY[20:40], HEAD, *BODY[40:])
    assert_same(data, find(HEAD, *BODY))
    assert "The names come again in 2 rows, which were left out." in data.notes


def test_all_of_it_at_once_in_a_workbook():
    rows = [line.split(",") for line in (HEAD, *BODY)]
    numbers = [
        [city, int(age), float(kg), int(sum_), left] for city, age, kg, sum_, left in rows[1:]
    ]
    above, units = [["Customers"] + [None] * 4, [None] * 5], ["", "years", "kg", "CHF", None]
    total = ["Total", int(FRAME.age.sum()), None, int(FRAME.income.sum()), None]
    cells = [*above, rows[0], units, *numbers[:30], rows[0], *numbers[30:], total]
    pd.DataFrame(cells).to_excel("t.xlsx", index=False, header=False)
    assert_same(find_dataset("t.xlsx", "left"), find(HEAD, *BODY))


def test_a_table_without_names_is_numbered_and_said():
    data = find(*BODY, target="column 5")
    expected = find(HEAD, *BODY)
    np.testing.assert_array_equal(data.x_train, expected.x_train)
    said = "numbers where the others have; the columns are numbered, column 1 to column 5."
    assert any(note.endswith(said) for note in data.notes)
    with pytest.raises(UnknownNameError, match="expected one of column 1, column 2"):
        find(*BODY)


def test_who_names_a_field_of_the_first_line_takes_it_for_names():
    data = find(*BODY, target="yes")
    assert len(data.x_train) + len(data.x_val) == ROWS - 1


def test_names_in_a_comment_are_names():
    numbers = FRAME[["age", "weight"]].assign(y=np.arange(ROWS) % 2)
    np.savetxt("t.csv", numbers, delimiter=",", header="age,weight,y", fmt="%g")
    assert find_dataset("t.csv", "y").feature_names == ("age", "weight")


LIKE_NAMES = {
    "years": "country,2000,2001,2002,2003",
    "two years": "country,2000,2010",
    "pixels": "label,0,1,2,3,4",
    "wavelengths": "1100.5,1102.5,1104.5,1106.5",
    "a word over numbers": "country,1,7,7,y",
    "a nameless index": ",a,b,c",
    "a nameless column": "a,b,c,",
    "names of two words": "a b,c d,e f",
    "one of two": ",y",
}


@pytest.mark.parametrize("names", LIKE_NAMES.values(), ids=LIKE_NAMES)
def test_names_stay_names(names):
    width = names.count(",") + 1
    text = ["x"] if not names.split(",")[0][:1].isdigit() else ["1"]
    rows = [[f"{t}{i}" for t in text] + [f"{(i * 7 + j) % 5}" for j in range(1, width)]
            for i in range(20)]  # fmt: skip
    head = find_head([names.split(","), *rows])
    assert (head.above, head.names) == (0, None)


def test_a_row_is_no_title_where_a_name_is_missing():
    with pytest.raises(DataError, match="4 names in its header and more fields"):
        find(HEAD.rpartition(",")[0], *BODY)


def test_rows_with_words_among_numbers_stay_rows():
    """A mark in the first row, and a kind called total in the last one."""
    body = ["Köln,ND,n.a.,,yes", *BODY[1:-1], "total,31,70.5,4000,no"]
    data = find(HEAD, *body)
    assert len(data.x_train) + len(data.x_val) == ROWS
    assert not any("left out" in note for note in data.notes)


CELLS = st.sampled_from(
    ["", "1", "2.5", "-3", "a", "b", "Total", "yes", "Yes", "5 kg", "$5", "1.2M", "NA", "?", "y",
     "2020-01-01", "Mar 2019", "27:30", "# x", '"q,r"', "007", "1e400", "999", "\u2212" + "5", "//"]
)  # fmt: skip
LINES = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([",y", ",0"], 9)
@example(["y,,,c", "//,,,"], 4)
@given(LINES, st.integers(1, 12))
def test_any_lines_are_a_table_or_refused(lines, times):
    Path("t.csv").write_text("\n".join([lines[0], *lines[1:] * times]) + "\n", "utf-8")
    for target in ("y", "column 1", None):
        with contextlib.suppress(UsageError):
            data = find_dataset("t.csv", target)
            assert np.isfinite(data.x_train).all()
