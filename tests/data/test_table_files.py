"""Tables in files of every format, each against the frame that was written."""

import bz2
import datetime as dt
import decimal
import gzip
import json
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

from normwise.data import TableOptions, find_dataset, find_given
from normwise.errors import DataError

ROWS = 60
GENERATOR = np.random.default_rng(8)
CITY = np.array(["Köln", "Zürich", "Genève"])[np.arange(ROWS) % 3]
DAYS = pd.to_datetime("2019-01-01") + pd.to_timedelta(GENERATOR.integers(0, 900, ROWS), "D")
FRAME = pd.DataFrame(
    {
        "age": np.where(np.arange(ROWS) % 9 == 2, np.nan, GENERATOR.integers(18, 80, ROWS)),
        "weight": GENERATOR.normal(70, 12, ROWS).round(2),
        "city": np.where(np.arange(ROWS) % 7 == 1, None, CITY),
        "since": DAYS,
        "id": np.arange(ROWS) + 1000,
        "left": np.arange(ROWS) % 2,
    }
)
TEXT = FRAME.to_csv(index=False)
RECORDS = json.loads(FRAME.assign(since=DAYS.strftime("%Y-%m-%d")).to_json(orient="records"))
LINES = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/table.csv", TEXT)
        archive.writestr("__MACOSX/folder/._table.csv", b"\0")


def streamed(path):
    table = pa.Table.from_pandas(FRAME)
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


def text(content):
    return lambda path: Path(path).write_text(content, "utf-8")


def raw(content):
    return lambda path: Path(path).write_bytes(content)


WRITERS = {
    "t.csv": text(TEXT),
    "T.CSV": text(TEXT),
    "t.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "t.tab": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "t.csv.gz": raw(gzip.compress(TEXT.encode())),
    "t.csv.bz2": raw(bz2.compress(TEXT.encode("utf-16"))),
    "t.csv.xz": raw(lzma.compress(TEXT.replace(",", ";").encode("latin-1"))),
    "t.csv.zst": raw(pa.compress(TEXT.encode(), "zstd", asbytes=True)),
    "t.csv.zip": zipped,
    "t.tsv.gz": lambda path: FRAME.to_csv(path, index=False, sep="\t", compression="gzip"),
    "t.jsonl": text(LINES),
    "t.ndjson": text("\n" + LINES + "\n"),
    "t.jsonl.gz": raw(gzip.compress(LINES.encode())),
    "t.json": text(json.dumps(RECORDS)),
    "lines.json": text(LINES),
    "columns.json": text(
        json.dumps({name: [row[name] for row in RECORDS] for name in FRAME.columns})
    ),
    "indexed.json": lambda path: FRAME.to_json(path, date_format="iso"),
    "split.json": lambda path: FRAME.to_json(path, orient="split", date_format="iso"),
    "table.json": lambda path: FRAME.to_json(path, orient="table", index=False),
    "t.parquet": FRAME.to_parquet,
    "t.pq": FRAME.set_index("since").to_parquet,
    "t.feather": FRAME.to_feather,
    "t.arrow": streamed,
    "t.ipc": lambda path: feather.write_feather(FRAME, path, "uncompressed"),
    "t.xlsx": lambda path: FRAME.to_excel(path, index=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_is_the_same_in_every_format(name):
    text(TEXT)("expected.csv")
    expected = find_dataset("expected.csv", "left")
    WRITERS[name](name)
    found = find_dataset(name, "left")
    assert found.name == name
    assert set(found.feature_names) == set(expected.feature_names)
    order = [found.feature_names.index(column) for column in expected.feature_names]
    np.testing.assert_allclose(found.x_train[:, order], expected.x_train, atol=1e-6)
    np.testing.assert_allclose(found.x_val[:, order], expected.x_val, atol=1e-6)
    np.testing.assert_array_equal(found.y_val, expected.y_val)
    assert "Dropped as identifiers: id." in found.notes
    assert "Missing categories, a category of their own: city (9)." in found.notes


@pytest.mark.parametrize("name", ["t.parquet", "t.csv.gz"])
def test_a_finished_model_gets_all_rows(name):
    WRITERS[name](name)
    given = find_given(name, TableOptions("left"))
    assert (len(given.x), len(given.y)) == (ROWS, ROWS)


def inputs(target="y", **columns):
    """The data set of typed columns, by way of a Parquet file."""
    frame = pd.DataFrame({"v": GENERATOR.normal(size=ROWS), "y": np.arange(ROWS) % 2} | columns)
    frame.to_parquet("t.parquet")
    return find_dataset("t.parquet", target)


def both(data, name):
    """An input's values, with the largest at 1 and the least at 0, ascending."""
    place = data.feature_names.index(name)
    values = np.sort(np.concatenate([data.x_train, data.x_val])[:, place].astype(float))
    return (values - values[0]) / (values[-1] - values[0])


def scaled(values):
    values = np.sort(np.asarray(values, float))
    return (values - values[0]) / (values[-1] - values[0])


def test_categories_are_kinds_whatever_they_are_called_by():
    kinds = pd.Categorical(np.arange(ROWS) % 4 * 10)
    assert inputs(kind=kinds).feature_names == ("kind_10", "kind_20", "kind_30", "v")
    days = pd.Categorical(np.array(["2020-01-01", "2020-02-01"])[np.arange(ROWS) // 3 % 2])
    assert inputs(kind=days).feature_names == ("kind_2020-02-01", "v")


def test_numbers_of_categories_are_classes_to_predict():
    data = inputs(y=pd.Categorical(np.arange(ROWS) % 6 * 5))
    assert (data.task, data.class_names) == ("classes", ("0", "10", "15", "20", "25", "5"))


def test_booleans_are_as_in_a_file_of_text():
    flags = pd.array(np.arange(ROWS) // 2 % 2 == 0, "boolean")
    assert inputs(flag=flags).feature_names == ("v", "flag")
    flags[:6] = pd.NA
    assert inputs(flag=flags).feature_names == ("flag_True", "flag_missing", "v")


NUMBERS = GENERATOR.integers(0, 9, ROWS)
GAPS = np.where(np.arange(ROWS) < 6, None, NUMBERS)
DURATIONS = [dt.timedelta(minutes=int(n)) for n in NUMBERS]
TYPED = {
    "bytes": np.array(NUMBERS, "uint8"),
    "half precision": np.array(NUMBERS, "float16"),
    "nullable": pd.array(NUMBERS, "Int64"),
    "Arrow's": pd.array(NUMBERS, "int64[pyarrow]"),
    "decimals": [decimal.Decimal(int(n)) / 8 for n in NUMBERS],
    "durations": DURATIONS,
    "times": [dt.time(8, int(n)) for n in NUMBERS],
    "days": [dt.date(2020, 3, 1) + dt.timedelta(int(n)) for n in NUMBERS],
    "moments": pd.to_datetime(NUMBERS, unit="h", utc=True).tz_convert("Asia/Tokyo"),
    "months": pd.Series(NUMBERS).map(lambda n: f"2020-0{n + 1}-01").astype("datetime64[s]"),
}


@pytest.mark.parametrize("kind", TYPED)
def test_typed_numbers_and_times_are_numbers(kind):
    data = inputs(n=TYPED[kind])
    assert data.feature_names == ("v", "n")
    expected = pd.to_datetime([f"2020-0{n + 1}-01" for n in NUMBERS]).astype(int)
    np.testing.assert_allclose(
        both(data, "n"), scaled(expected if kind == "months" else NUMBERS), atol=1e-5
    )


def test_nullable_numbers_with_gaps_are_filled_and_marked():
    data = inputs(n=pd.array(GAPS, "Int64"))
    assert data.feature_names == ("v", "n", "n is missing")
    assert "Missing numbers, filled with the median: n (6)." in data.notes


def test_dates_and_durations_are_said():
    days = np.array(["2020-01-01"] * (ROWS - 2) + ["9999-12-31", "2020-03-01"], "M8[s]")
    data = inputs(day=days, took=DURATIONS)
    assert "Dates, taken as days: day." in data.notes
    assert "Durations, taken as days: took." in data.notes
    assert "Taken for missing among numbers or dates: day (1 outside 1677 to 2262)." in data.notes


def test_a_duration_can_be_predicted():
    data = inputs("took", took=DURATIONS[::2] + [dt.timedelta(hours=1.5)] * 30)
    assert data.task == "regression"
    assert max(data.y_train.max(), data.y_val.max()) == pytest.approx(1.5 / 24)


def test_text_is_read_as_that_of_a_file():
    prices = [f"${n},200.50" for n in NUMBERS + 1]
    data = inputs(price=prices, code=[f"0{n}123" for n in NUMBERS // 3], n=NUMBERS.astype(str))
    assert both(data, "n").tolist() == pytest.approx(scaled(NUMBERS).tolist(), abs=1e-6)
    assert both(data, "price").tolist() == pytest.approx(scaled(NUMBERS).tolist(), abs=1e-6)
    assert {"code_01123", "code_02123"} <= set(data.feature_names)
    assert "Numbers written as text: price." in data.notes


def test_numbers_of_a_type_have_no_other_sign_before_decimals():
    """Text of the table has decimal commas, and a typed 1.234 is no thousand."""
    values = NUMBERS + 0.234
    mixed = [*values[:-1], "n.a."]
    commas = [f"{n},5" for n in NUMBERS]
    frame = pd.DataFrame({"m": mixed, "t": values, "c": commas, "d": commas}, dtype=object)
    frame.assign(y=np.arange(ROWS) % 2).to_excel("t.xlsx", index=False)
    data = find_dataset("t.xlsx", "y")
    assert "The table was read with decimal commas." in data.notes
    for name in ("m", "t"):
        found = np.unique(both(data, name).round(4))
        assert len(found) <= 10
        np.testing.assert_allclose(found, np.unique(scaled(NUMBERS)).round(4), atol=2e-4)


def test_the_first_sheet_is_read_and_the_others_are_named():
    with pd.ExcelWriter("t.xlsx") as book:
        FRAME.to_excel(book, sheet_name="people", index=False, startrow=2, startcol=1)
        FRAME[:3].to_excel(book, sheet_name="notes")
    data = find_dataset("t.xlsx", "left")
    assert "The first sheet was read: people; not used: notes." in data.notes
    assert len(data.x_train) + len(data.x_val) == ROWS


def test_columns_of_lists_are_refused_by_name():
    with pytest.raises(DataError, match=r"lists or records in their fields: tags; .*explode"):
        inputs(tags=[[1, 2]] * ROWS)


@pytest.mark.parametrize("options", [{"target_column": "y"}, {"group_column": "y"}])
def test_arrays_have_no_columns(options):
    np.save("x.npy", np.zeros((9, 2)))
    with pytest.raises(DataError, match=r"'x\.npy' has no column 'y'"):
        find_dataset("x.npy", labels="y.npy", **options)


def test_two_arrays_are_inputs_and_labels():
    x, y = GENERATOR.normal(size=(ROWS, 4, 4, 1)), np.arange(ROWS) % 3
    np.save("x.npy", x)
    np.save("y.npy", y)
    data = find_dataset("x.npy", labels="y.npy")
    assert (data.name, data.task, data.x_train.shape) == ("x.npy", "classes", (48, 4, 4, 1))
    found, expected = np.concatenate([data.x_train, data.x_val]), x.astype("f4")
    np.testing.assert_array_equal(np.sort(found.ravel()), np.sort(expected.ravel()))
    given = find_given("x.npy", TableOptions(labels="y.npy"))
    np.testing.assert_array_equal(given.x, x)
    np.testing.assert_array_equal(given.y, y)
    assert find_given("x.npy").y is None


def test_labels_beside_a_table_are_refused():
    text(TEXT)("t.csv")
    with pytest.raises(DataError, match=r"'t\.csv' brings its labels along, .*leave --labels out"):
        find_dataset("t.csv", "left", labels="y.npy")
