"""Units, currencies and signs beside numbers, each against the numbers that were written."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normwise.data import find_dataset
from normwise.data.csv_file import read_csv_file
from normwise.data.text_numbers import Numerals
from normwise.data.texts import Texts
from normwise.data.values import read_values

ROWS = 60
GENERATOR = np.random.default_rng(41)
WHOLE = GENERATOR.permutation(900)[:ROWS] + 1
TENTHS = WHOLE / 10
EVERY = np.arange(ROWS)


@pytest.fixture
def read(tmp_path):
    """A column of texts as a table's; what it was read as, and the notes."""

    def make(texts, target="y"):
        path = tmp_path / "t.csv"
        frame = pd.DataFrame({"v": texts, "y": EVERY % 2})
        path.write_text(frame.to_csv(index=False), "utf-8")
        values = read_values(read_csv_file(path), target)
        return values.frame["v"], values.notes

    return make


MONEY = [
    "₹{}", "USD {}", "CHF {}", "{} EUR", "{}€", "US${}", "R$ {}", "Rs. {}", "kr {}", "{} kr", "₩{}",
    "eur {}", "${} ", "{} zł",
]  # fmt: skip


@pytest.mark.parametrize("form", MONEY)
def test_money_is_its_amount(read, form):
    found, notes = read([form.format(f"{n:,.2f}") for n in TENTHS * 1000])
    np.testing.assert_allclose(found, TENTHS * 1000)
    assert "Numbers written as text: v." in notes


SIGNS = {
    "a minus of mathematics": lambda n: f"\u2212{n}",
    "a dash": lambda n: f"\u2013{n}",
    "a hyphen that does not break": lambda n: f"\u2011{n}",
    "behind": lambda n: f"{n:.2f}-",
    "parentheses": lambda n: f"({n:.2f})",
    "parentheses around money": lambda n: f"($ {n:.2f})",
    "in front of a currency": lambda n: f"-USD {n}",
    "behind a currency": lambda n: f"€-{n}",
}


@pytest.mark.parametrize("write", SIGNS.values(), ids=SIGNS)
def test_a_sign_is_a_sign(read, write):
    texts = [write(n) if i % 3 == 0 else f"{n}" for i, n in enumerate(TENTHS)]
    found, _ = read(texts)
    np.testing.assert_allclose(found, np.where(EVERY % 3 == 0, -TENTHS, TENTHS))


UNITS = {
    "kg": "{} kg", "attached": "{}kg", "areas": "{} m²", "rates": "{} km/h", "degrees": "{} °C",
    "prices": "${}/kg", "Kelvin": "{} K", "metres": "{}m", "words": "{} square feet",
    "limits": "{} mg/dl",
}  # fmt: skip


@pytest.mark.parametrize("form", UNITS.values(), ids=UNITS)
def test_a_unit_is_left_out_and_said(read, form):
    found, notes = read([form.format(n) for n in TENTHS])
    np.testing.assert_allclose(found, TENTHS)
    assert f"Units beside numbers, left out: v ({form.format(TENTHS[0])} as {TENTHS[0]})." in notes
    assert not any(note.startswith("Numbers of different units") for note in notes)


def test_one_unit_may_be_spelled_in_several_ways(read):
    forms = ["{} year", "{} years", "{} Years", "{} years."]
    found, notes = read([forms[i % 4].format(n) for i, n in enumerate(WHOLE)])
    np.testing.assert_array_equal(found, WHOLE)
    assert not any(note.startswith("Numbers of different units") for note in notes)


def test_numbers_without_the_unit_are_named(read):
    found, notes = read([f"{n} kg" if i % 3 else f"{n}" for i, n in enumerate(TENTHS)])
    np.testing.assert_allclose(found, TENTHS)
    assert "Numbers of different units, taken as they stand: v ('kg' and nothing)." in notes


def test_letters_for_thousands_and_millions(read):
    forms = {"{}k": 1e3, "{}M": 1e6, "{}": 1, "{} million": 1e6, "${}bn": 1e9, "€{} Mio.": 1e6}
    names = [list(forms)[i % 6] for i in EVERY]
    found, notes = read([name.format(n) for name, n in zip(names, TENTHS, strict=True)])
    np.testing.assert_allclose(found, [forms[n] * v for n, v in zip(names, TENTHS, strict=True)])
    shown = f"{TENTHS[0]}k as {TENTHS[0] * 1000:.15g}"
    assert f"Letters for thousands and more: v ({shown})." in notes


@pytest.mark.parametrize(
    "texts",
    [
        [f"{n} {'kg' if i % 2 else 'g'}" for i, n in enumerate(WHOLE)],
        [f"{n} {'h' if i % 3 else 'min'}" for i, n in enumerate(WHOLE)],
        [f"{n}{'ABCD'[i % 4]}" for i, n in enumerate(WHOLE)],
        [f"{n:04d} kg" for n in WHOLE],
        [f"{n} of {n + 3}" for n in WHOLE],
        [f"{n}-{n + 3} kg" for n in WHOLE],
        [f"room {n}" for n in WHOLE],
        [f"{i % 4 + 1} doors" for i in EVERY],
        ["5k", "10k"] * 30,
        [f"{i % 12 + 1} {'am' if i % 5 else 'pm'}" for i in EVERY],
        [f"{n} people were there on that day" for n in WHOLE],
    ],
    ids=[
        "two units", "two of time", "letters of kinds", "codes", "two numbers", "ranges", "names",
        "few kinds", "few runs", "hours", "sentences",
    ],
)  # fmt: skip
def test_what_cannot_be_decided_stays_text(read, texts):
    found, notes = read(texts)
    assert found.tolist() == texts
    assert not any(note.startswith(("Units", "Letters", "Numbers")) for note in notes)


@pytest.mark.parametrize("form", ["{} kg", "{}k", "{}M"])
def test_few_kinds_to_predict_stay_classes(read, form):
    texts = [form.format(i % 4 + 1) for i in EVERY]
    assert read(texts, "v")[0].tolist() == texts


def test_a_quantity_with_a_unit_can_be_predicted(tmp_path):
    path = tmp_path / "t.csv"
    frame = pd.DataFrame({"a": TENTHS[::-1], "v": [f"{n} kg" for n in TENTHS]})
    frame.to_csv(path, index=False)
    data = find_dataset(str(path), "v")
    assert data.task == "regression"
    values = np.concatenate([data.y_train, data.y_val]).ravel()
    np.testing.assert_allclose(np.sort(values), np.sort(TENTHS), rtol=1e-6)


NUMBERS = st.lists(
    st.decimals(-9999, 9999, places=2), min_size=8, max_size=30, unique=True
)  # fmt: skip


@given(
    NUMBERS, st.sampled_from(["{} kg", "CHF {}", "{} %", "{}M", "₹ {}", "{}\u00a0€", "{} sq ft"])
)
def test_any_numbers_are_read_back(numbers, form):
    """With decimal points, and the sign in front of all."""
    texts = pd.Series([form.format(number) for number in numbers])
    found = Numerals.of(Texts.of(texts)).numbers(".")
    factor = 1e6 if form == "{}M" else 1
    np.testing.assert_allclose(found, [float(number) * factor for number in numbers], rtol=1e-12)


@given(st.lists(st.text("0123456789 .,-kgMK€%()abC", max_size=8), min_size=1, max_size=12))
def test_any_text_is_taken_apart_into_as_many(texts):
    kinds = Texts.of(pd.Series(texts, dtype="str"))
    numerals = Numerals.of(kinds)
    found = numerals.numbers(".")
    assert len(found) == len(kinds.kinds)
    # What is no number is left as it is.
    unread = numerals.beside.bare[numerals.beside.units == ""]
    assert unread.str.len().le(kinds.kinds[unread.index].str.len()).all()
