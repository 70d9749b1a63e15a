"""From a table's columns as they are written to columns of numbers, where they are numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from normwise.data.codes import codes_in
from normwise.data.raw_table import Table, is_text
from normwise.data.sentinels import FIRST_DAY, sentinels_of
from normwise.data.spellings import one_spelling
from normwise.data.text_dates import (
    COMPACT,
    EARLIEST,
    LATEST,
    NEVER,
    Dates,
    compact_days,
    days_of,
    since_1970,
)
from normwise.data.text_durations import DAY, durations_of
from normwise.data.text_numbers import Numerals, Sign
from normwise.data.texts import Texts
from normwise.errors import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Values", "read_values"]

# So many of a hundred values may be something else; they count as missing, and that is said.
MOST_ODD = 5
# More may be, where these are few different texts among more different numbers than categories
# have: marks of missing or unmeasured values, such as `absent` or `<0.1`.
FEW_TEXTS, MANY_NUMBERS = 5, 20
# What stands for no value among numbers and dates, though it may be a category among categories;
# and so does what has neither a letter nor a digit (`.`, `*`), and an error of a spreadsheet.
NO_VALUE = (
    "none", "unknown", "missing", "n.a.", "na", "n.d.", "nd", "nil", "not available", "no data",
    "not applicable", "not detected", "not measured",
)  # fmt: skip
MARK = r"^(?:[\W_]+|#[\w/]+[!?]?)$"
SHOWN = 5


class Done(Enum):
    """What was done to a column, as a note of the dataset begins; in the order of the notes."""

    NUMBERS = "Numbers written as text"
    DECIDED = "Decimals and thousands, told apart for each column"
    CODES = "Codes, taken as text (numbers have no 0 in front)"
    LIMITED = "Values beyond a limit, taken as the limit"
    MEASURED = "Units beside numbers, left out"
    MULTIPLIED = "Letters for thousands and more"
    UNITS = "Numbers of different units, taken as they stand"
    DATES = "Dates, taken as days"
    EXCHANGED = "Days and months that could be exchanged"
    CENTURIES = "Years of two digits"
    DURATIONS = "Durations, taken as days"
    SPELLINGS = "Kinds that differ in capitals alone, taken as one"
    SENTINELS = "Perhaps marks of missing values, taken as numbers"
    MISSING = "Taken for missing among numbers or dates"


@dataclass
class Values:
    """A table whose columns of written numbers and dates are numbers.

    Attributes:
        frame: Its columns; those that hold other text as they were.
        decimal: The sign before decimals that most columns prove, if any does.
        done: What was done, to the columns that it was done to, each as the notes say it: its name,
            most often with an example or a count.
    """

    frame: pd.DataFrame
    decimal: Sign | None = None
    done: dict[Done, dict[str, str]] = field(default_factory=lambda: {done: {} for done in Done})

    def note(self, done: Done, column: str, example: str = "") -> None:
        """Note what was done to a column, so that the notes say it."""
        self.done[done][column] = f"{column} ({example})" if example else column

    @property
    def notes(self) -> list[str]:
        """What was done, in sentences."""
        said = {done.value: list(columns.values()) for done, columns in self.done.items()}
        return [f"{what}: {listed(columns)}." for what, columns in said.items() if columns]


def read_values(table: Table, target: str) -> Values:
    """Turn columns of written numbers and of dates into numbers.

    Which sign stands before decimals is decided for each column: by its own values, else by what
    most other columns prove. A date becomes its days since 1970.

    Args:
        table: As it was read.
        target: The column to predict, whose texts may be classes: it is numbers only where all of
            its values are, but for marks such as ``?``, or many different ones.
    """
    codes = codes_in(table, target)
    table = replace(table, frame=table.frame.assign(**codes))
    values = Values(table.frame.copy(deep=False))
    _take_typed_times(values)
    for name, column in codes.items():
        values.note(Done.CODES, name, column.dropna().iloc[0])
    texts = [name for name in values.frame.columns if is_text(values.frame[name])]
    names = [name for name in texts if name not in codes and name not in table.typed]
    written = {name: _numerals(table.frame[name], name == target) for name in names}
    found = {name: _numerals_in(one, name == target) for name, one in written.items()}
    numerals = {name: one for name, one in found.items() if one is not None}
    values.decimal = _decimal(table, numerals)
    numerals |= _with_points(table, values.decimal)
    for name, one in numerals.items():
        if one is not written.get(name, one):
            beyond = written[name].texts.kinds[written[name].beyond]
            values.note(Done.LIMITED, name, f"{beyond.iloc[0]!r} and {len(beyond) - 1} others")
        _take_numbers(values, table, name, one)
    times = [name for name in names if name not in numerals and name != target]
    _take_times(values, table, {name: written[name].texts for name in times})
    for name in table.frame.columns:
        if table.frame[name].dtype.kind in "iuf" and name != target:
            _take_compact_dates(values, name)
    _join_spellings(values)
    _name_sentinels(values)
    return values


def _numerals(column: pd.Series, is_target: bool) -> Numerals:
    texts = Texts.of(column)
    return Numerals.of(texts, are_kinds=is_target and len(texts.kinds) <= MANY_NUMBERS)


def _numerals_in(numerals: Numerals, is_target: bool) -> Numerals | None:
    """A column of numbers, with its limits in place of what is beyond them; ``None`` if of none.

    One mark such as ``<0.1`` says that nothing was measured; many different ones are a scale that
    ends somewhere else for each.
    """
    if not numerals.are_usual:
        return None
    beyond, read = numerals.beyond, numerals.numbers(".").notna()
    texts = numerals.texts
    is_scale = beyond.sum() > FEW_TEXTS and texts.count(beyond) <= texts.count(read)
    if is_scale and read.sum() > MANY_NUMBERS:
        numerals = numerals.limits()
    return numerals if _are_numbers(numerals, is_target) else None


def _are_numbers(numerals: Numerals, is_target: bool) -> bool:
    read = numerals.numbers(".").notna()
    if is_target and read.sum() <= MANY_NUMBERS and not _are_marks(numerals.texts.kinds[~read]):
        return False  # a word is a class among classes
    return _fit(numerals.texts, read)


def _are_marks(texts: pd.Series) -> bool:
    return bool(texts.str.match(MARK).all())


def _decimal(table: Table, numerals: dict[str, Numerals]) -> Sign | None:
    """The sign before decimals that most columns prove; ``None`` where none does."""
    proofs = Counter(one.proved for one in numerals.values())
    proofs["."] += sum(_proves_points(table.frame[name]) for name in _floats(table))
    if proofs["."] == proofs[","]:
        return None
    return "." if proofs["."] > proofs[","] else ","


def _with_points(table: Table, decimal: Sign | None) -> dict[str, Numerals]:
    """Columns read with decimal points whose points may stand between thousands instead."""
    columns = {name: table.frame[name] for name in _floats(table)}
    doubtful = [name for name, column in columns.items() if not _proves_points(column)]
    if decimal == "." or (decimal is None and table.separator == ","):
        # To be sure takes bare numbers beside; not many columns are worth to be read again.
        doubtful = [name for name in doubtful if _are_mostly_whole(columns[name])]
    again = table.as_text(doubtful, None)
    numerals = {name: Numerals.of(Texts.of(text)) for name, text in again.items()}
    return {
        name: one
        for name, one in numerals.items()
        if one.either.any()
        # Between commas, decimal points are what everybody expects.
        and (table.separator != "," or _decimal_of(one, decimal, ",") == ",")
    }


def _floats(table: Table) -> list[str]:
    """Columns of numbers that were read from text."""
    names = [name for name in table.frame.columns if name not in table.typed]
    return [name for name in names if table.frame[name].dtype.kind == "f"]


def _proves_points(column: pd.Series) -> bool:
    """Whether a number read with a decimal point can have no other meaning.

    Thousands are 1 or more, and three digits stand behind their point.
    """
    numbers = np.abs(column.to_numpy())
    numbers = numbers[np.isfinite(numbers)]
    thousandths = numbers * 1000
    broken = np.abs(thousandths - np.round(thousandths)) > 1e-9 * (1 + thousandths)
    return bool((broken | ((numbers > 0) & (numbers < 1))).any())


def _are_mostly_whole(column: pd.Series) -> bool:
    numbers = column[np.isfinite(column)].to_numpy()
    whole = int((numbers % 1 == 0).sum())
    return len(numbers) // 2 <= whole < len(numbers)


def _take_numbers(values: Values, table: Table, name: str, numerals: Numerals) -> None:
    decimal = _decimal_of(numerals, values.decimal, table.separator)
    numbers = numerals.numbers(decimal)
    values.frame[name] = numerals.texts.spread(numbers)
    values.note(Done.NUMBERS, name)
    if numerals.either.any() or decimal == ",":
        values.note(Done.DECIDED, name, numerals.example(decimal, numerals.either))
    beside = numerals.beside
    for done, telling in ((Done.MEASURED, beside.measured), (Done.MULTIPLIED, beside.factors > 1)):
        if telling.any():
            values.note(done, name, numerals.example(decimal, telling))
    if numerals.units:
        values.note(Done.UNITS, name, " and ".join(numerals.units))
    _take_missing(values, name, numerals.texts, numbers)


def _decimal_of(numerals: Numerals, usual: Sign | None, separator: str) -> Sign:
    """The sign before decimals in one column; ``usual`` is that of the table's others."""
    own = numerals.proved or numerals.beside_bare(sure=True) or usual
    if own is None and separator != ",":
        own = numerals.beside_bare(sure=False)
    return own or "."


def _take_times(values: Values, table: Table, columns: dict[str, Texts]) -> None:
    """Durations and dates, with days and months in the order that the table shows elsewhere."""
    dates: dict[str, Dates] = {}
    for name, texts in columns.items():
        lasting = durations_of(texts)
        if lasting is not None and _fit(texts, lasting.notna()):
            values.frame[name] = texts.spread(lasting)
            values.note(Done.DURATIONS, name)
            _take_missing(values, name, texts, lasting)
            continue
        found = days_of(texts)
        if _fit(texts, found.moments.notna()):
            dates[name] = found
    day_first = _is_day_first(values, table, dates)
    for name, found in dates.items():
        other = found.exchanged
        is_other = other is not None and other.is_day_first == day_first
        _take_dates(values, name, other if other is not None and is_other else found)


def _is_day_first(values: Values, table: Table, dates: dict[str, Dates]) -> bool | None:
    """Whether days stand before months where dates do not show it: as in the others they do.

    Else so in a table with decimal commas.
    """
    shown = Counter(one.is_day_first for one in dates.values() if one.exchanged is None)
    if shown[True] != shown[False]:
        return shown[True] > shown[False]
    return True if _has_decimal_commas(values, table) else None


def _has_decimal_commas(values: Values, table: Table) -> bool:
    """Whether decimals stand behind commas; fields without any, whether semicolons part them."""
    if values.decimal is not None or table.separator != ";":
        return values.decimal == ","
    with_points = [name for name in _floats(table) if name not in values.done[Done.NUMBERS]]
    return not any((table.frame[name] % 1 > 0).any() for name in with_points)


def _take_typed_times(values: Values) -> None:
    """Dates and durations that a table's own types say."""
    for name in values.frame.columns:
        column = values.frame[name]
        if column.dtype.kind not in "mM":
            continue
        if column.dtype.kind == "m":
            values.frame[name] = column.dt.total_seconds() / DAY
            values.note(Done.DURATIONS, name)
            continue
        values.frame[name] = since_1970(column)
        values.note(Done.DATES, name)
        beyond = int(values.frame[name].isna().sum() - column.isna().sum())
        if beyond:
            values.note(Done.MISSING, name, f"{beyond:,} outside {EARLIEST[:4]} to {LATEST[:4]}")


def _take_dates(values: Values, name: str, dates: Dates) -> None:
    values.frame[name] = dates.texts.spread(dates.days)
    values.note(Done.DATES, name, dates.form)
    if dates.example:
        values.note(Done.EXCHANGED, name, dates.example)
    if dates.years:
        values.note(Done.CENTURIES, name, dates.years)
    _take_missing(values, name, dates.texts, dates.days)


def _name_sentinels(values: Values) -> None:
    for name in values.frame.columns:
        column = values.frame[name]
        found = [] if is_text(column) else sentinels_of(column.to_numpy(np.float64))
        marks = [
            f"{(column == mark).sum():,}: "
            + ("1900-01-01" if mark == FIRST_DAY else f"{mark:.15g}")
            for mark in found
        ]
        if marks:
            values.note(Done.SENTINELS, name, ", ".join(marks))


def _join_spellings(values: Values) -> None:
    for name in values.frame.columns:
        if not is_text(values.frame[name]):
            continue
        spelled = one_spelling(values.frame[name])
        if spelled:
            values.frame[name] = values.frame[name].replace(spelled)
            values.note(Done.SPELLINGS, name, ", ".join(f"{a} as {b}" for a, b in spelled.items()))


def _take_compact_dates(values: Values, name: str) -> None:
    days = compact_days(values.frame[name])
    if days is None:
        return
    never = int((values.frame[name] == NEVER).sum())
    values.frame[name] = days
    values.note(Done.DATES, name, COMPACT)
    if never:
        values.note(Done.MISSING, name, f"{never:,}: '{NEVER}'")


def _take_missing(values: Values, name: str, texts: Texts, numbers: pd.Series) -> None:
    odd = texts.kinds[numbers.isna()]
    if len(odd):
        shown = ", ".join(map(repr, odd.iloc[:SHOWN])) + (", …" if len(odd) > SHOWN else "")
        values.note(Done.MISSING, name, f"{texts.count(numbers.isna()):,}: {shown}")


def _fit(texts: Texts, read: pd.Series) -> bool:
    """Whether (nearly) all that is there was read: all but marks of missing values and oddities."""
    if not read.any():
        return False
    marks = texts.kinds.str.lower().isin(NO_VALUE) | texts.kinds.str.match(MARK)
    odd, there = ~(read | marks), texts.count(~marks)
    rare = 100 * texts.count(odd) <= MOST_ODD * there
    few = 2 * texts.count(odd) <= there and odd.sum() <= FEW_TEXTS and read.sum() > MANY_NUMBERS
    return bool(there and (rare or few))
