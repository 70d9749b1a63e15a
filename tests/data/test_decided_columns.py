"""What columns of tables mean beyond doubt is read so; what is decided for the user is said."""

import numpy as np
import pandas as pd
import pytest

from normwise.data import find_dataset
from normwise.data.csv_file import read_csv_file
from normwise.data.values import read_values

ROWS = 200
GENERATOR = np.random.default_rng(31)
NUMBERS = GENERATOR.normal(50, 9, ROWS).round(2)
WHOLE = GENERATOR.integers(10, 80, ROWS)
EVERY = np.arange(ROWS)


@pytest.fixture
def read(tmp_path):
    """Columns as a table; what they were read as, and the notes."""

    def make(separator=",", **columns):
        path = tmp_path / "t.csv"
        frame = pd.DataFrame({**columns, "y": EVERY % 2})
        path.write_text(frame.to_csv(index=False, sep=separator), "utf-8")
        values = read_values(read_csv_file(path), "y")
        return values.frame, values.notes

    return make


def days(written):
    return [(pd.Timestamp(day) - pd.Timestamp(0)).days for day in written]


def test_births_of_two_digit_years_are_in_one_century(read):
    born = pd.to_datetime("1930-01-15") + pd.to_timedelta(EVERY * 136, "D")
    frame, notes = read(born=born.strftime("%d.%m.%y"))
    np.testing.assert_array_equal(frame["born"], days(born))
    assert f"Years of two digits: born (1930 to {born[-1].year})." in notes


@pytest.mark.parametrize(
    ("first", "last"), [(1945, 1968), (1950, 2049), (2019, 2024), (2024, 2049), (1901, 1999)]
)
@pytest.mark.parametrize("form", ["%m/%d/%y", "%d-%b-%y", "%d.%m.%y %H:%M"])
def test_two_digit_years_lie_together_at_most_in_2049(read, first, last, form):
    years = np.append(np.linspace(first, last, ROWS - 1).astype(int), first)
    dates = [f"{year}-03-{20 + year % 8}" for year in years]
    frame, notes = read(d=[pd.Timestamp(day).strftime(form) for day in dates])
    np.testing.assert_array_equal(frame["d"], days(dates))
    assert f"Years of two digits: d ({first} to {last})." in notes


def test_years_of_four_digits_are_as_they_are(read):
    frame, notes = read(d=[f"05/20/{1920 + i}" for i in EVERY])
    np.testing.assert_array_equal(frame["d"], days(f"{1920 + i}-05-20" for i in EVERY))
    assert not any(note.startswith("Years") for note in notes)


AMBIGUOUS = [f"{1 + i % 9:02d}/{1 + i % 12:02d}/2023" for i in EVERY]
DAY_FIRST = days(f"2023-{1 + i % 12:02d}-{1 + i % 9:02d}" for i in EVERY)
MONTH_FIRST = days(f"2023-{1 + i % 9:02d}-{1 + i % 12:02d}" for i in EVERY)
SHOWS = {
    "nothing": ({}, ",", MONTH_FIRST),
    "another column, day first": ({"e": ["25/12/2020"] * ROWS}, ",", DAY_FIRST),
    "another column, month first": (
        {"e": ["12/25/2020"] * ROWS, "v": [f"{n:.2f}".replace(".", ",") for n in NUMBERS]}, ";",
        MONTH_FIRST,
    ),
    "decimal commas": ({"v": [f"{n:.2f}".replace(".", ",") for n in NUMBERS]}, ";", DAY_FIRST),
    "decimal commas, quoted": (
        {"v": [f"{n:.2f}".replace(".", ",") for n in NUMBERS]}, ",", DAY_FIRST,
    ),
    "semicolons": ({"n": WHOLE}, ";", DAY_FIRST),
    "semicolons, and decimal points": ({"v": NUMBERS}, ";", MONTH_FIRST),
}  # fmt: skip


@pytest.mark.parametrize("case", SHOWS.values(), ids=SHOWS)
def test_days_and_months_are_in_the_order_that_the_table_shows(read, case):
    columns, separator, expected = case
    frame, notes = read(separator, d=AMBIGUOUS, **columns)
    np.testing.assert_array_equal(frame["d"], expected)
    day = f"{pd.Timestamp(0) + pd.Timedelta(days=expected[9]):%Y-%m-%d}"  # the first to differ
    said = f"Days and months that could be exchanged: d ({AMBIGUOUS[9]} as {day})."
    assert said in notes


def test_one_row_that_shows_the_order_is_enough(read):
    frame, notes = read(d=["13/02/2023", *AMBIGUOUS[1:]])
    np.testing.assert_array_equal(frame["d"], [*days(["2023-02-13"]), *DAY_FIRST[1:]])
    assert not any(note.startswith("Days and months") for note in notes)


CLOCK = pd.Timestamp("2020-01-01") + pd.to_timedelta(EVERY * 433 % 1440, "min")


@pytest.mark.parametrize("form", ["%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%H:%M"])
def test_times_of_a_day_are_numbers(read, form):
    frame, notes = read(at=CLOCK.strftime(form))
    found = frame["at"] - frame["at"].min()
    np.testing.assert_allclose(found, (CLOCK - CLOCK.min()) / pd.Timedelta(days=1), atol=1e-9)
    assert f"Dates, taken as days: at ({form})." in notes


SECONDS = GENERATOR.integers(0, 50 * 3600, ROWS)
DURATIONS = {
    "hours, minutes, seconds": (
        [f"{s // 3600}:{s // 60 % 60:02d}:{s % 60:02d}" for s in SECONDS], SECONDS,
    ),
    "hours and minutes": ([f"{s // 3600}:{s // 60 % 60:02d}" for s in SECONDS], SECONDS // 60 * 60),
    "hours where there are some": (
        [f"1:{s % 3600 // 60:02d}:{s % 60:02d}" if s % 2 else f"{s % 3600 // 60}:{s % 60:02d}"
         for s in SECONDS],
        SECONDS % 3600 + 3600 * (SECONDS % 2),
    ),
    "negative": (
        [f"{'-' if s % 2 else ''}0:{s % 3600 // 60:02d}:{s % 60:02d}" for s in SECONDS],
        SECONDS % 3600 * (1 - 2 * (SECONDS % 2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DURATIONS.values(), ids=DURATIONS)
def test_durations_are_numbers(read, case):
    texts, seconds = case
    frame, notes = read(took=["", "n.a.", *texts[2:]])
    np.testing.assert_allclose(frame["took"][2:] * 86400, seconds[2:], atol=1e-6)
    assert frame["took"][:2].isna().all()
    assert "Durations, taken as days: took." in notes


@pytest.mark.parametrize("form", ["{}:{}", "{}:{}:{}", "1:{}:0{}"])
def test_what_has_one_digit_behind_a_colon_is_no_duration(read, form):
    texts = [form.format(1959 + i // 4, 1 + i % 4, i % 7) for i in EVERY]
    frame, notes = read(v=texts)
    assert frame["v"].tolist() == texts
    assert not any(note.startswith(("Durations", "Dates")) for note in notes)


@pytest.mark.parametrize("minus", ["-", "\u2212"])
def test_a_minus_may_stand_behind_a_number(read, minus):
    signs = np.where(EVERY % 9 == 0, -1, 1)
    texts = [
        f"{1000 * n:,.2f}{minus if s < 0 else ''}" for n, s in zip(NUMBERS, signs, strict=True)
    ]
    frame, _ = read(v=texts)
    np.testing.assert_allclose(frame["v"], (1000 * NUMBERS * signs).round(2))


@pytest.mark.parametrize("text", ["10-20", "-5-", "(5)-", "1-"])
def test_what_is_no_number_with_a_minus_behind_stays_text(read, text):
    frame, _ = read(v=np.where(EVERY % 3 == 0, text, np.array(["A", "B"])[EVERY % 2]))
    assert frame["v"].iloc[0] == text


@pytest.mark.parametrize("sign", [">", "<", ">=", "≤ "])
def test_limits_stand_for_what_is_beyond_them(read, sign):
    texts = np.where(EVERY % 3 == 0, np.char.add(sign, WHOLE.astype(str)), WHOLE.astype(str))
    frame, notes = read(v=texts)
    np.testing.assert_array_equal(frame["v"], WHOLE)
    others = len(np.unique(WHOLE[EVERY % 3 == 0])) - 1
    said = f"Values beyond a limit, taken as the limit: v ({str(texts[0])!r} and {others} others)."
    assert said in notes


def test_groups_with_open_ends_stay_kinds(read):
    kinds = np.array(["<20", "20", "30", "40", ">40"])[EVERY % 5]
    assert read(age=kinds)[0]["age"].tolist() == kinds.tolist()


UNITS = {
    "percent": (lambda i, n: f"{n} %" if i % 2 else f"{n}", "'%' and nothing"),
    "currencies": (lambda i, n: f"${n}" if i % 2 else f"{n} €", "'€' and '$'"),
}


@pytest.mark.parametrize("write", UNITS.values(), ids=UNITS)
def test_units_that_differ_are_named(read, write):
    texts = [write[0](i, n) for i, n in zip(EVERY, NUMBERS, strict=True)]
    _, notes = read(v=texts)
    assert f"Numbers of different units, taken as they stand: v ({write[1]})." in notes


@pytest.mark.parametrize("write", ["{} %", "${}", "{} €"])
@pytest.mark.parametrize("bare", ["0", "", "n.a."])
def test_one_unit_is_not(read, write, bare):
    _, notes = read(v=[bare, *(write.format(n) for n in NUMBERS[1:])])
    assert not any(note.startswith("Numbers of different") for note in notes)


CODES = {
    "of one length": [f"{n:05d}" for n in GENERATOR.integers(1, 99999, ROWS) // 7 * 6],
    "with gaps": ["", *(f"{n:03d}" for n in WHOLE[1:])],
    "most begin with 0": [f"0{n}" for n in GENERATOR.integers(10, 10**6, ROWS)],
    "an exponent": [f"{n}E{1 + n % 9}" for n in WHOLE],
    "with a mark": [*(f"{n:05d}" for n in WHOLE[1:]), "n.a."],
    "with others": [*(f"{n:05d}" for n in WHOLE[1:]), "00010-1234"],
}


@pytest.mark.parametrize("kind", CODES)
def test_codes_are_texts(read, kind):
    frame, notes = read(code=CODES[kind], v=NUMBERS)
    assert frame["code"].fillna("").tolist() == CODES[kind]
    example = next(filter(None, CODES[kind]))
    assert f"Codes, taken as text (numbers have no 0 in front): code ({example})." in notes


PLAIN = {
    "months": [f"{1 + i % 12:02d}" for i in EVERY],
    "numbers": [f"{n}" for n in WHOLE * 100],
    "no value": ["000", *(f"{n}" for n in WHOLE[1:] + 100)],
    "a slip": ["007", *(f"{n}" for n in WHOLE[1:] * 100)],
    "times": [moment.strftime("%H%M") for moment in CLOCK],
    "times with seconds": [moment.strftime("%H%M%S") for moment in CLOCK],
    "exponents": [f"{n}e+02" for n in WHOLE],
}


@pytest.mark.parametrize("kind", PLAIN)
def test_numbers_are_no_codes(read, kind):
    frame, notes = read(v=PLAIN[kind])
    np.testing.assert_array_equal(frame["v"], np.array(PLAIN[kind], float))
    assert not any(note.startswith("Codes") for note in notes)


def test_codes_are_inputs_by_kind(tmp_path):
    areas = np.array(["01234", "00501", "94110"])[EVERY % 3]
    path = tmp_path / "t.csv"
    pd.DataFrame({"zip": areas, "y": EVERY % 2}).to_csv(path, index=False)
    assert find_dataset(str(path), "y").feature_names == ("zip_01234", "zip_94110")


@pytest.mark.parametrize("mark", [-999, -99, -9, 999, 99999])
def test_a_number_that_may_stand_for_none_is_named(read, mark):
    values = np.where(EVERY % 6 == 0, mark, (NUMBERS / 10).round(1))
    frame, notes = read(v=values)
    np.testing.assert_array_equal(frame["v"], values)
    count = int((EVERY % 6 == 0).sum())
    assert f"Perhaps marks of missing values, taken as numbers: v ({count}: {mark})." in notes


@pytest.mark.parametrize(("others", "is_named"), [("2018-03-01", True), ("1899-10-01", False)])
def test_the_first_day_of_spreadsheets_is_named(read, others, is_named):
    days = (np.datetime64(others) + EVERY % 600).astype(str)
    _, notes = read(v=np.where(EVERY % 6 == 0, "1900-01-01", days))
    count = int((EVERY % 6 == 0).sum())
    said = f"Perhaps marks of missing values, taken as numbers: v ({count}: 1900-01-01)."
    assert (said in notes) == is_named


@pytest.mark.parametrize(
    "values",
    [WHOLE - 109, EVERY - 99, np.where(EVERY % 6 == 0, 9, EVERY % 5), np.full(ROWS, -99)],
    ids=["near", "a range", "small", "alone"],
)
def test_a_number_among_others_is_not(read, values):
    _, notes = read(v=values)
    assert not any(note.startswith("Perhaps") for note in notes)


MOMENTS = pd.Timestamp("2019-03-18") + pd.to_timedelta(EVERY * 40, "D")
WRITTEN = {
    "a point behind the day": "%d. %B %Y",
    "mail": "%a, %d %b %Y",
    "mail, one digit": "%a, %-d %b %Y",
    "mail, with its time": "%a, %d %b %Y %H:%M:%S GMT",
    "a weekday in full": "%A, %B %d, %Y",
    "month and year": "%B %Y",
    "month and year, short": "%b %Y",
    "month and year, of spreadsheets": "%b-%y",
    "month and year in numbers": "%m/%Y",
    "year and month": "%Y %b",
    "year and month in numbers": "%Y-%m",
}


@pytest.mark.parametrize("form", WRITTEN.values(), ids=WRITTEN)
def test_dates_as_people_write_them(read, form):
    frame, notes = read(d=MOMENTS.strftime(form))
    has_days = "%d" in form or "%-d" in form
    expected = MOMENTS if has_days else MOMENTS.to_period("M").to_timestamp()
    np.testing.assert_array_equal(frame["d"], days(expected))
    assert any(note.startswith("Dates, taken as days: d (") for note in notes)


@pytest.mark.parametrize(
    "texts",
    [
        [f"{'May' if i % 2 else 'Jun'} {1 + i % 30}" for i in EVERY],
        [f"Mars {2000 + i % 20}" for i in EVERY],
        [f"{i % 4 + 1}/{i % 7 + 1}" for i in EVERY],
    ],
)
def test_what_may_be_no_date_stays_text(read, texts):
    frame, notes = read(d=texts)
    assert frame["d"].tolist() == texts
    assert not any(note.startswith("Dates") for note in notes)


def test_hours_past_24_are_durations(read):
    frame, _ = read(took=[f"{20 + i % 30}:{i % 60:02d}" for i in EVERY])
    np.testing.assert_allclose(frame["took"] * 24, 20 + EVERY % 30 + EVERY % 60 / 60)
