import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from normwise.data import find_dataset
from normwise.errors import DataError, UnknownNameError

COLUMNS = ["Gender_Male", "Geography_Germany", "Geography_Spain"]
NUMBERS = ["CreditScore", "Age", "Tenure", "Balance", "NumOfProducts", "HasCrCard",
           "IsActiveMember", "EstimatedSalary"]  # fmt: skip


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Write a table of numbers and find it; ``columns`` come on top of a and b."""
    monkeypatch.chdir(tmp_path)

    def make(rows=60, target="y", **columns):
        data = {"a": np.arange(rows) / 2, "b": np.arange(rows) % 7, **columns}
        pd.DataFrame(data).to_csv("t.csv", index=False)
        return find_dataset("t.csv", target)

    return make


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(content, target="y"):
        Path("t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return find_dataset("t.csv", target)

    return make


def lines(*fields, rows=60):
    """CSV rows; a field is a function of the row's number."""
    return "".join(",".join(str(field(i)) for field in fields) + "\n" for i in range(rows))


def half(i):
    return i / 2


def parity(i):
    return i % 2


@pytest.fixture(scope="module")
def churn():
    return find_dataset("churn")


@pytest.mark.needs_data
def test_the_churn_table_has_8000_and_2000_rows_of_11_inputs(churn):
    assert churn.x_train.shape == (8000, 11)
    assert churn.x_val.shape == (2000, 11)
    assert churn.y_train.shape == (8000, 1)
    assert churn.task == "binary"
    assert set(churn.feature_names) == {*COLUMNS, *NUMBERS}


@pytest.mark.needs_data
def test_the_churn_table_is_split_in_proportion(churn):
    share = np.concatenate([churn.y_train, churn.y_val]).mean()
    assert churn.y_train.sum() == pytest.approx(8000 * share, abs=1)
    assert churn.y_val.sum() == pytest.approx(2000 * share, abs=1)


@pytest.mark.needs_data
def test_the_churn_table_is_scaled_on_its_training_part(churn):
    train = churn.x_train.astype(np.float64)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-6)
    # The validation part is not scaled on itself.
    assert np.abs(churn.x_val.mean(axis=0)).max() > 1e-3


@pytest.mark.needs_data
def test_the_identifiers_of_the_churn_table_are_dropped(churn):
    assert "Dropped as identifiers: RowNumber, CustomerId, Surname." in churn.notes


@pytest.mark.needs_data
def test_the_stray_space_in_the_churn_table_makes_no_fourth_country(churn):
    text = (Path(os.environ["NORMWISE_DATA"]) / "Churn_Modelling.csv").read_text()
    assert " " in text.splitlines()[7]
    assert [name for name in churn.feature_names if name.startswith("Geography")] == COLUMNS[1:]
    assert not any(" " in name for name in churn.feature_names)


@pytest.mark.needs_data
def test_churn_is_also_found_by_its_path(churn):
    path = str(Path(os.environ["NORMWISE_DATA"]) / "Churn_Modelling.csv")
    assert find_dataset(path, "Exited").fingerprint == churn.fingerprint


def test_a_text_target_gives_classes_in_alphabetical_order(table):
    data = table(y=np.where(np.arange(60) % 3 == 0, "yes", "no"))
    assert (data.task, data.class_names, data.classes) == ("binary", ("no", "yes"), 2)
    assert data.y_train.dtype == np.float32
    assert data.y_val.sum() == 4


def test_three_classes_are_numbers(table):
    data = table(y=np.arange(60) % 3)
    assert (data.task, data.classes) == ("classes", 3)
    assert data.y_train.shape == (48,)
    assert data.y_train.dtype == np.int32
    assert [int((data.y_val == label).sum()) for label in range(3)] == [4, 4, 4]


def test_a_quantity_is_a_regression(table):
    data = table(y=np.linspace(0.1, 0.9, 60))
    assert (data.task, data.classes) == ("regression", 0)
    assert data.y_train.shape == (48, 1)


def test_text_becomes_one_column_a_category_but_the_first(table):
    data = table(y=np.arange(60) % 2, c=np.array(["r", "g", "b"])[np.arange(60) % 3])
    assert data.feature_names == ("c_g", "c_r", "a", "b")


def test_a_category_that_the_training_part_lacks_is_the_first_one(table):
    names = np.where(np.arange(60) == 0, "r", np.array(["g", "b"])[np.arange(60) % 2])
    unseen = [
        table(y=(np.arange(60) // 2) % 2, c=np.roll(names, shift)) for shift in range(0, 60, 4)
    ]
    shifted = [data for data in unseen if data.feature_names == ("c_g", "a", "b")]
    assert shifted  # no warning, no error, and no column of its own


def test_whole_numbers_too_large_for_a_type_are_text(raw):
    content = "a,b,y\n" + lines(half, lambda i: 10**30 + i % 3, parity)
    assert len(raw(content).feature_names) == 3


def test_whole_numbers_that_never_repeat_identify_a_row(table):
    data = table(y=np.arange(60) % 2, id=np.arange(60) + 1000)
    assert data.feature_names == ("a", "b")
    assert "Dropped as identifiers: id." in data.notes


@pytest.mark.parametrize(
    "prefix", [b"", b"\xef\xbb\xbf", b"\n\n"], ids=["plain", "byte-order-mark", "blank-lines"]
)
def test_what_editors_put_before_the_header_is_no_mistake(raw, prefix):
    data = raw(prefix + ("a,b,y\n" + lines(half, lambda i: i % 7, parity)).encode())
    assert data.feature_names == ("a", "b")


def test_a_space_before_a_quoted_field_is_no_part_of_it(raw):
    rows = lines(half, lambda i: ' "x,y"' if i % 3 else ' "z"', parity)
    assert raw("a, b,y\n" + rows).feature_names == ("b_z", "a")


HEAD = "a,b,y\n"
BODY = lines(half, lambda i: i % 7, parity)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "cannot read 't.csv' .*; expected a CSV table", id="empty"),
        pytest.param("\n\n", "cannot read 't.csv' .*; expected a CSV table", id="blank"),
        pytest.param(bytes(range(256)), "cannot read 't.csv' .it holds bytes", id="binary"),
        pytest.param((HEAD + BODY).encode("utf-16-le"), "'t.csv' .*UTF-8", id="utf-16-unmarked"),
        pytest.param(HEAD + '"1,2,3\n', "cannot read 't.csv' .*EOF inside", id="open-quote"),
        pytest.param(HEAD + BODY + "1,2,3,4,5\n", "cannot read 't.csv' .*saw 5", id="ragged"),
        pytest.param(HEAD, "'t.csv' has a header and no rows; .* at least one", id="header-only"),
        pytest.param(
            "a,y,y\n" + BODY,
            r"several columns named 'y'; .* try --target-column 'y \(2\)'",
            id="target-twice",
        ),
        pytest.param(
            HEAD + lines(half, half, half, parity),
            "has 3 names in its header and more fields in its rows; expected as many",
            id="fields-without-a-name",
        ),
        pytest.param(HEAD + BODY.replace("\n", ",\n"), "3 names .* more fields", id="commas"),
        pytest.param(
            HEAD + lines(half, half, lambda _: 1),
            "target column 'y' is 1 in every row; expected at least two .* which column",
            id="one-valued-target",
        ),
        pytest.param(HEAD + lines(half, half, lambda _: 0.5), "'y' is 0.5 in every", id="one-0.5"),
        pytest.param(HEAD + lines(half, half, lambda _: "no"), "'y' is 'no' in", id="one-text"),
        pytest.param(
            HEAD + lines(half, half, lambda _: ""),
            r"'y' has shape \(0,\); expected at least one",
            id="no-label",
        ),
        pytest.param(
            HEAD + BODY + "1,2,inf\n",
            "target column 'y' has 1 infinite values; .*; leave those fields empty",
            id="inf-target",
        ),
        pytest.param(
            HEAD + lines(half, half, lambda i: f"t{i}"),
            "'y' is text with 60 different values in 60 rows; expected numbers, or at most 100 cla",
            id="target-without-classes",
        ),
        pytest.param(
            "y\n" + lines(parity), r"no column left to learn .*: none\)", id="target-only"
        ),
        pytest.param(
            "n,c,e,y\n" + lines(lambda i: i + 7, lambda _: "x", lambda _: "", parity),
            r"no column left to learn from \(.* empty: n, c, e\); .* with decimals, as 7.0",
            id="all-dropped",
        ),
        pytest.param(
            HEAD + lines(half, lambda i: f"{i % 7}e300", parity),
            "NaN or infinite values in the train inputs",
            id="overflow",
        ),
    ],
)
def test_a_table_that_cannot_be_trained_on_says_why(raw, content, message):
    with pytest.raises(DataError, match=message):
        raw(content)


def test_a_missing_target_column_offers_those_there_are(table):
    with pytest.raises(
        UnknownNameError,
        match=r"unknown target column 'Exit'; expected one of a, b, Exited; .* 'Exited'\?",
    ):
        table(Exited=np.arange(60) % 2, target="Exit")


def test_a_table_needs_a_target_column(table):
    with pytest.raises(DataError, match=r"none was named; .* a, b, y; try --target-column y"):
        table(y=np.arange(60) % 2, target=None)


def test_reading_tables_loads_neither_jax_nor_keras(tmp_path):
    (tmp_path / "t.csv").write_text(HEAD + BODY)
    code = (
        "import sys; from normwise.data import find_dataset;"
        "find_dataset('t.csv', 'y'); print(sorted({'jax', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
