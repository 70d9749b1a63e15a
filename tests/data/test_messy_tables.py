"""Tables as people have them, each against pandas and scikit-learn used directly."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from normwise.data import find_dataset
from normwise.errors import DataError

ROWS = 120
GENERATOR = np.random.default_rng(5)
AGE = GENERATOR.integers(18, 80, ROWS)
WEIGHT = GENERATOR.normal(70, 12, ROWS).round(2)
CITY = GENERATOR.choice(["Köln", "Zürich", "Genève"], ROWS)
LEFT = GENERATOR.integers(0, 2, ROWS)
DAYS = pd.to_datetime("2019-01-01") + pd.to_timedelta(GENERATOR.integers(0, 900, ROWS), "D")
PLAIN = pd.DataFrame({"age": AGE, "weight": WEIGHT, "city": CITY, "left": LEFT})


@pytest.fixture
def find(tmp_path, monkeypatch):
    """Write a file, in whatever encoding, and find it."""
    monkeypatch.chdir(tmp_path)

    def make(content, target, encoding="utf-8", task=None):
        raw = content if isinstance(content, bytes) else content.encode(encoding)
        Path("t.csv").write_bytes(raw)
        return find_dataset("t.csv", target, task)

    return make


def split(labels, *, stratify=True):
    return train_test_split(
        np.arange(len(labels)),
        test_size=0.2,
        random_state=0,
        stratify=labels if stratify else None,
    )


def scaled(numbers, train):
    """The columns of ``numbers``, standardised on the rows ``train``."""
    frame = pd.DataFrame(numbers).astype(float)
    return StandardScaler().fit(frame.iloc[train].to_numpy()).transform(frame.to_numpy())


def column(data, name):
    place = data.feature_names.index(name)
    return data.x_train[:, place], data.x_val[:, place]


def assert_inputs(data, expected, train, val):
    """``expected`` has all rows, and the columns in the data set's order."""
    np.testing.assert_allclose(data.x_train, expected[train], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(data.x_val, expected[val], rtol=1e-6, atol=1e-6)


def test_a_german_export(find):
    frame = PLAIN.assign(left=np.array(["nein", "ja"])[LEFT], seit=DAYS.strftime("%d.%m.%Y"))
    text = frame.rename(columns={"weight": "Größe"}).to_csv(
        index=False, sep=";", decimal=",", lineterminator="\r\n"
    )
    data = find(text, "left", "latin-1")
    train, val = split(1 - LEFT)
    assert data.feature_names == ("city_Köln", "city_Zürich", "age", "Größe", "seit")
    assert data.class_names == ("ja", "nein")
    days = (DAYS - pd.Timestamp(0)) / pd.Timedelta(days=1)
    cities = {name: name == CITY for name in ("Köln", "Zürich")}
    assert_inputs(data, scaled({**cities, "a": AGE, "w": WEIGHT, "d": days}, train), train, val)
    np.testing.assert_array_equal(data.y_val.ravel(), 1 - LEFT[val])
    assert data.notes[0] == (
        "The table was read as CP1252 text, with semicolons between fields, with decimal commas."
    )
    assert "Dates, taken as days: seit (%d.%m.%Y)." in data.notes


ENCODINGS = {
    "utf-8": PLAIN.to_csv(index=False).encode(),
    "utf-8-marked": PLAIN.to_csv(index=False).encode("utf-8-sig"),
    "latin-1": PLAIN.to_csv(index=False).encode("latin-1"),
    "utf-16": PLAIN.to_csv(index=False).encode("utf-16"),
    "utf-16-big": b"\xfe\xff" + PLAIN.to_csv(index=False).encode("utf-16-be"),
    "tabs": PLAIN.to_csv(index=False, sep="\t").encode(),
    "semicolons": PLAIN.to_csv(index=False, sep=";").encode(),
    "bars": PLAIN.to_csv(index=False, sep="|").encode(),
    "excel": b"sep=;\r\n" + PLAIN.to_csv(index=False, sep=";", decimal=",").encode(),
    "carriage-returns": PLAIN.to_csv(index=False, lineterminator="\r").encode(),
    "windows": PLAIN.to_csv(index=False, lineterminator="\r\n").encode(),
    "quoted": PLAIN.to_csv(index=False, quoting=1).encode(),
    "spaced": PLAIN.to_csv(index=False).replace(",", "  ,  ").replace("\n", " \n").encode(),
    "quoted-decimal-commas": PLAIN.to_csv(index=False, decimal=",", quoting=1).encode(),
}


@pytest.mark.parametrize("content", ENCODINGS.values(), ids=ENCODINGS)
def test_the_same_table_however_it_was_written(find, content):
    data = find(content, "left")
    train, val = split(LEFT)
    cities = {name: name == CITY for name in ("Köln", "Zürich")}
    assert data.feature_names == ("city_Köln", "city_Zürich", "age", "weight")
    assert_inputs(data, scaled({**cities, "a": AGE, "w": WEIGHT}, train), train, val)


def test_a_survey_with_gaps(find):
    """Missing values of every spelling, filled from the training part alone."""
    gaps = np.isin(np.arange(ROWS), range(0, ROWS, 7))
    frame = PLAIN.assign(
        age=np.where(gaps, None, AGE),
        weight=[["NA", "?", "-", "null"][i % 4] if i % 9 == 1 else w for i, w in enumerate(WEIGHT)],
        city=np.where(gaps, "", CITY),
        smokes=np.array(["True", "False", ""])[np.arange(ROWS) % 3],
    )
    data = find(frame.to_csv(index=False), "left")
    train, val = split(LEFT)
    numbers = pd.DataFrame(
        {
            "age": np.where(gaps, np.nan, AGE),
            "weight": np.where(np.arange(ROWS) % 9 == 1, np.nan, WEIGHT),
        }
    )
    texts = frame[["city", "smokes"]].replace("", "missing")
    expected = ColumnTransformer(
        [
            ("text", OneHotEncoder(drop="first", sparse_output=False), ["city", "smokes"]),
            ("number", SimpleImputer(strategy="median"), ["age", "weight"]),
            ("missing", MissingIndicator(), ["age", "weight"]),
        ]
    )
    both = pd.concat([numbers, texts], axis=1)
    expected.fit(both.iloc[train])
    assert data.feature_names == (
        "city_Köln", "city_Zürich", "city_missing", "smokes_True", "smokes_missing",
        "age", "weight", "age is missing", "weight is missing",
    )  # fmt: skip
    assert_inputs(data, scaled(expected.transform(both), train), train, val)
    assert "Missing numbers, filled with the median: age (18), weight (14)." in data.notes
    assert "Missing categories, a category of their own: city (18), smokes (40)." in data.notes


def test_preparation_knows_the_training_part_only(find):
    """Other values in the validation rows change nothing of the training part."""
    _, val = split(LEFT)
    frame = PLAIN.assign(weight=np.where(np.arange(ROWS) % 5 == 0, np.nan, WEIGHT))
    other = frame.copy()
    other.loc[val, "weight"] = 1e6
    other.loc[val, "age"] = 3
    other.loc[val, "city"] = "Elsewhere"
    first, second = (find(table.to_csv(index=False), "left") for table in (frame, other))
    np.testing.assert_array_equal(first.x_train, second.x_train)
    assert first.feature_names == second.feature_names
    assert (second.x_val != first.x_val).any()


def test_what_changes_in_the_validation_part_only_teaches_nothing(find):
    _, val = split(LEFT)
    flag = np.isin(np.arange(ROWS), val)
    data = find(PLAIN.assign(flag=flag).to_csv(index=False), "left")
    assert "Dropped, for they never change: flag." in data.notes


def test_a_single_gap_gets_no_column_of_its_own(find):
    table = pd.DataFrame({"a": np.arange(1000) % 17 / 2, "y": np.arange(1000) % 2})
    table.loc[split(table["y"])[0][0], "a"] = np.nan
    data = find(table.to_csv(index=False), "y")
    assert data.feature_names == ("a",)
    assert "Missing numbers, filled with the median: a (1)." in data.notes


def test_an_index_and_twins_among_the_headers(find):
    """What ``to_csv`` leaves behind: a nameless index, and a column that came twice."""
    text = ", a,a ,left,\n" + "".join(
        f"{i},{age},{weight},{left},\n"
        for i, (age, weight, left) in enumerate(zip(AGE, WEIGHT, LEFT, strict=True))
    )
    data = find(text, "left")
    train, val = split(LEFT)
    assert data.feature_names == ("a", "a (2)")
    assert_inputs(data, scaled({"a": AGE, "b": WEIGHT}, train), train, val)
    assert "Columns named here: column 1, a (2), column 5." in data.notes
    assert "Dropped as identifiers: column 1." in data.notes
    assert "Dropped, for they are empty: column 5." in data.notes


def test_columns_that_teach_nothing_are_dropped_and_named(find):
    names = [f"Customer {i}" for i in range(ROWS)]
    numbers = GENERATOR.permutation(10**6)[:ROWS]
    frame = PLAIN.assign(
        name=names, order_id=numbers, row=np.arange(ROWS), country="CH", zero=0, note=None,
        few=[f"case {i // 2}" for i in range(ROWS)],
    )  # fmt: skip
    data = find(frame.to_csv(index=False), "left")
    assert data.feature_names == ("city_Köln", "city_Zürich", "age", "weight")
    assert "Dropped as identifiers: name, order_id, row, few." in data.notes
    assert "Dropped, for they never change: country, zero." in data.notes
    assert "Dropped, for they are empty: note." in data.notes


def test_the_names_in_a_short_table_are_identifiers_too(find):
    names = [f"Customer {i}" for i in range(ROWS)]
    data = find(PLAIN.assign(name=names)[:40].to_csv(index=False), "left")
    assert "Dropped as identifiers: name." in data.notes


def test_kinds_that_are_too_many_for_a_short_table_are_no_identifiers(find):
    """Of 60 rows 48 train: 40 towns, none in more than two of them; of 600, they are inputs."""
    towns = [f"town {i % 40}" for i in range(600)]
    long = pd.DataFrame({"a": np.tile(AGE[:60], 10), "town": towns, "y": np.tile(LEFT[:60], 10)})
    short = find(long[:60].to_csv(index=False), "y")
    assert short.feature_names == ("a",)
    [note] = [note for note in short.notes if "town" in note and note.startswith("Dropped")]
    assert re.fullmatch(
        r"Dropped, for no kind of them comes in 5 of so few rows: town \(40 in all\)\.", note
    )
    assert "town_town 7" in find(long.to_csv(index=False), "y").feature_names


@pytest.mark.parametrize(("first", "taken"), [(1960, True), (1, False), (2200, False)])
def test_years_are_no_identifiers(find, first, taken):
    series = pd.DataFrame({"when": first + np.arange(60), "a": AGE[:60], "y": WEIGHT[:60]})
    data = find(series.to_csv(index=False), "y")
    assert ("when" in data.feature_names) == taken
    assert ("Dropped as identifiers: when." in data.notes) == (not taken)


def test_a_quantity_without_repetitions_is_no_identifier(find):
    income = 20_000 + GENERATOR.permutation(90_000)[:ROWS]
    data = find(PLAIN.assign(income=income, paid=income + 1).to_csv(index=False), "left")
    assert {"income", "paid"} <= set(data.feature_names)


def test_whole_numbers_with_decimals_are_no_identifier(find):
    frame = pd.DataFrame({"t": np.arange(ROWS) * 1.0, "y": np.sin(np.arange(ROWS) / 9)})
    assert find(frame.to_csv(index=False), "y").feature_names == ("t",)


def test_prices_and_shares_written_for_people(find):
    """Thousands in groups, currencies, per cent; and a target like that."""
    price = GENERATOR.integers(1_000, 2_000_000, ROWS)
    area = (GENERATOR.random(ROWS) * 9_000).round(1)
    frame = pd.DataFrame(
        {
            "area": [f"{value:,}" for value in area],
            "share": [f"{value} %" for value in AGE],
            "space": [f"{value:,}".replace(",", " ") for value in price[::-1]],
            "price": [f"${value:,}.00" for value in price],
        }
    )
    data = find(frame.to_csv(index=False), "price")
    train, val = split(price, stratify=False)
    assert data.task == "regression"
    np.testing.assert_array_equal(data.y_train.ravel(), price[train].astype("f4"))
    assert_inputs(data, scaled({"a": area, "s": AGE, "p": price[::-1]}, train), train, val)
    assert "Numbers written as text: area, share, space, price." in data.notes


def test_thousands_with_dots_beside_decimal_commas(find):
    sums = GENERATOR.integers(1_000, 9_000_000, ROWS)
    written = [f"{value:,}".replace(",", ".") for value in sums]
    frame = pd.DataFrame({"sum": written, "w": WEIGHT, "y": LEFT})
    data = find(frame.to_csv(index=False, sep=";", decimal=","), "y")
    train, val = split(LEFT)
    assert_inputs(data, scaled({"s": sums, "w": WEIGHT}, train), train, val)


FORMATS = {
    "iso": "%Y-%m-%d", "time": "%Y-%m-%dT%H:%M:%SZ", "american": "%m/%d/%Y", "british": "%d/%m/%Y",
    "dots": "%d.%m.%y", "words": "%d %b %Y", "comma": "%B %d, %Y", "noon": "%m/%d/%Y %I:%M %p",
    "slashes": "%Y/%m/%d", "database": "%Y-%m-%d %H:%M:%S.%f",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_dates_are_days(find, form):
    moments = DAYS + pd.to_timedelta(AGE, "h") if "%H" in form or "%I" in form else DAYS
    text = [""] * ROWS
    text[5:] = moments.strftime(form)[5:]
    data = find(PLAIN.assign(since=text).to_csv(index=False), "left")
    days = pd.Series((moments - pd.Timestamp(0)) / pd.Timedelta(days=1))
    days[:5] = np.nan
    train, val = split(LEFT)
    expected = scaled({"d": days.fillna(days.iloc[train].median())}, train).ravel()
    for found, rows in zip(column(data, "since"), (train, val), strict=True):
        np.testing.assert_allclose(found, expected[rows], rtol=1e-5, atol=1e-5)


def test_dates_in_one_number_are_days_and_no_identifiers(find):
    days = pd.date_range("2023-06-01", periods=ROWS)
    data = find(PLAIN.assign(day=days.strftime("%Y%m%d")).to_csv(index=False), "left")
    train, val = split(LEFT)
    expected = scaled({"d": np.arange(ROWS)}, train).ravel()
    for found, rows in zip(column(data, "day"), (train, val), strict=True):
        np.testing.assert_allclose(found, expected[rows], rtol=1e-5, atol=1e-5)


def test_numbers_that_are_not_all_dates_stay_numbers(find):
    data = find(PLAIN.assign(day=20230101 + AGE).to_csv(index=False), "left")
    assert not any(note.startswith("Dates") for note in data.notes)


def test_yes_and_no_in_capitals_of_python_are_numbers(find):
    data = find(PLAIN.assign(member=CITY == "Köln", left=LEFT == 1).to_csv(index=False), "left")
    train, val = split(LEFT)
    assert data.task == "binary"
    np.testing.assert_array_equal(data.y_val.ravel(), LEFT[val])
    expected = scaled({"m": CITY == "Köln"}, train).ravel()
    np.testing.assert_allclose(column(data, "member")[0], expected[train], rtol=1e-6)


def test_a_header_of_two_lines_can_be_typed_in_one(find):
    data = find(
        'a,"left\n  (EUR)"\n' + "".join(f"{w},{a}\n" for w, a in zip(WEIGHT, LEFT, strict=True)),
        "left (EUR)",
    )
    assert data.x_train.shape == (96, 1)


def test_days_and_months_are_not_mixed_up(find):
    """Some of these could be read either way, the whole column only one way."""
    text = ["03/04/2020", "25/12/2020"] * (ROWS // 2)
    data = find(PLAIN.assign(d=text).to_csv(index=False), "left")
    assert any("d (%d/%m/%Y)" in note for note in data.notes)


@pytest.mark.parametrize(
    ("sign", "form"), [("/", "%m/%d/%Y"), (".", "%d.%m.%Y"), ("-", "%d-%m-%Y")]
)
def test_a_date_that_can_be_read_both_ways_is_read_as_its_sign_suggests(find, sign, form):
    text = [f"03{sign}0{1 + i % 9}{sign}2020" for i in range(ROWS)]
    data = find(PLAIN.assign(d=text).to_csv(index=False), "left")
    assert f"Dates, taken as days: d ({form})." in data.notes


@pytest.mark.parametrize(
    "values", [["May", "June"], ["A1", "B2"], ["1-2 rooms", "3-4 rooms"], ["10-20", "20-30"]]
)
def test_what_looks_a_little_like_a_date_is_a_category(find, values):
    data = find(PLAIN.assign(kind=np.array(values)[LEFT[::-1]]).to_csv(index=False), "left")
    assert f"kind_{max(values)}" in data.feature_names


def test_a_few_words_among_numbers_are_missing_values(find):
    text = [str(value) for value in WEIGHT]
    text[3], text[50], text[70], text[71] = "n.a.", "absent", "???", "None"
    data = find(PLAIN.assign(weight=text).to_csv(index=False), "left")
    missing = "weight (4: 'n.a.', 'absent', '???', 'None')"
    assert f"Taken for missing among numbers or dates: {missing}." in data.notes
    assert "Missing numbers, filled with the median: weight (4)." in data.notes


def test_none_is_a_category_like_another(find):
    text = np.array(["None", "BSc", "MSc"])[np.arange(ROWS) % 3]
    data = find(PLAIN.assign(degree=text).to_csv(index=False), "left")
    assert {"degree_MSc", "degree_None"} <= set(data.feature_names)


def test_numbers_and_words_alike_are_categories(find):
    text = np.array(["1", "2", "3+"])[np.arange(ROWS) % 3]
    data = find(PLAIN.assign(children=text).to_csv(index=False), "left")
    assert {"children_2", "children_3+"} <= set(data.feature_names)


def test_rows_without_a_label_are_dropped(find):
    text = np.where(np.arange(ROWS) % 10 == 0, "", np.array([" Stayed", "Exit "])[LEFT])
    content = PLAIN.assign(left=text).to_csv(index=False) + ",,,\n,,,\n"
    data = find(content, " left ")
    kept = np.arange(ROWS) % 10 != 0
    train, _ = split(1 - LEFT[kept])
    np.testing.assert_array_equal(data.y_train.ravel(), 1 - LEFT[kept][train])
    assert data.class_names == ("Exit", "Stayed")
    assert "14 of 122 rows have no value of left and were dropped." in data.notes


def test_infinite_inputs_are_missing(find):
    weight = WEIGHT.copy()
    weight[[4, 60]] = np.inf, -np.inf
    data = find(PLAIN.assign(weight=weight).to_csv(index=False), "left")
    assert "Taken for missing, being infinite: weight (2)." in data.notes
    assert np.isfinite(data.x_train).all()


def test_a_class_of_one_trains(find):
    labels = np.where(np.arange(ROWS) == 7, "rare", np.array(["lo", "hi"])[LEFT])
    data = find(PLAIN.assign(left=labels).to_csv(index=False), "left")
    assert data.class_names == ("hi", "lo", "rare")
    assert ((data.y_train == 2).sum(), (data.y_val == 2).sum()) == (1, 0)


def test_columns_whose_inputs_have_one_name_are_both_kept(find):
    data = find(PLAIN.assign(city_Köln=AGE[::-1] / 2).to_csv(index=False), "left")
    assert data.feature_names.count("city_Köln") == 2


@pytest.mark.parametrize(
    ("task", "kind"), [("regression", "numbers to predict"), ("classes", "61 classes")]
)
def test_a_table_s_task_can_be_given(find, task, kind):
    frame = pd.DataFrame({"a": np.arange(1220) % 13 / 2, "y": np.arange(1220) % 61 * 2})
    data = find(frame.to_csv(index=False), "y", task=task)
    assert data.task == task
    assert f"were taken for {kind}" in data.task_note


def test_a_task_that_does_not_fit_the_column_is_refused(find):
    text = PLAIN.to_csv(index=False)
    with pytest.raises(DataError, match="target column 'city' is text, such as 'Genève', and"):
        find(text, "city", task="regression")
    with pytest.raises(DataError, match="column 'city' has 3 different values; expected two"):
        find(text, "city", task="binary")


def test_the_notes_of_a_wide_table_stay_short(find):
    wide = pd.DataFrame(GENERATOR.normal(size=(ROWS, 300))).add_prefix("v").assign(y=LEFT)
    data = find(wide.to_csv(index=False), "y")
    assert data.x_train.shape == (96, 300)
    assert len(data.notes[-1]) < 300
    assert "(300 in all)" in data.notes[-1]


def test_reading_back_what_pandas_wrote(find):
    """The numbers are those that pandas reads."""
    text = PLAIN[["weight", "left"]].to_csv(index=False)
    data = find(text, "left")
    train, val = split(LEFT)
    again = pd.read_csv(io.StringIO(text))
    assert_inputs(data, scaled(again[["weight"]], train), train, val)


def test_a_first_line_of_numbers_is_said_to_have_been_taken_for_names(find):
    text = PLAIN[["age", "weight", "left"]].to_csv(index=False, header=False)
    names = text.splitlines()[0].split(",")
    said = f"The first line was taken for names, which are all numbers: {', '.join(names)}; if it "
    data = find(text, names[2])
    assert [note.startswith(said) for note in data.notes].count(True) == 1
    named = find(PLAIN[["age", "weight", "left"]].to_csv(index=False), "left")
    assert not any(note.startswith("The first line") for note in named.notes)
