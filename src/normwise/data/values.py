"""From a table's columns as they are written to columns of numbers, where they are numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from normwise.data.codes import codes_in
from normwise.data.reading import Table, is_text
from normwise.data.sentinels import FIRST_DAY, sentinel_of
from normwise.data.text_dates import COMPACT, NEVER, Dates, compact_days, days_of
from normwise.data.text_durations import durations_of
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


@dataclass
class Values:
    """A table whose columns of written numbers and dates are numbers.

    Attributes:
        frame: Its columns; those that hold other text as they were.
        decimal: The sign before decimals that most columns prove, if any does.
        numbers: Columns of numbers that were written as text.
        decided: Those in which a sign had to be told from that of thousands, with an example.
        codes: Columns of digits that are codes, as text.
        limited: Columns in which a limit stands for what is beyond it, with an example.
        units: Columns of numbers with different signs beside them, and which.
        dates: Columns of dates, with their format.
        exchanged: Those whose days could be months as well, with an example.
        centuries: Those whose years had two digits, and what they were taken for.
        durations: Columns of hours, minutes and seconds.
        sentinels: Columns of numbers with one that may stand for no value.
        missing: Columns in which some texts were taken for missing, and which.
    """

    frame: pd.DataFrame
    decimal: Sign | None = None
    numbers: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    exchanged: list[str] = field(default_factory=list)
    centuries: list[str] = field(default_factory=list)
    durations: list[str] = field(default_factory=list)
    sentinels: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What was done, in sentences."""
        said = [
            ("Numbers written as text", self.numbers),
            ("Decimals and thousands, told apart for each column", self.decided),
            ("Codes, taken as text (numbers have no 0 in front)", self.codes),
            ("Values beyond a limit, taken as the limit", self.limited),
            ("Numbers of different units, taken as they stand", self.units),
            ("Dates, taken as days", self.dates),
            ("Days and months that could be exchanged", self.exchanged),
            ("Years of two digits", self.centuries),
            ("Durations, taken as days", self.durations),
            ("Perhaps marks of missing values, taken as numbers", self.sentinels),
            ("Taken for missing among numbers or dates", self.missing),
        ]
        return [f"{what}: {listed(names)}." for what, names in said if names]


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
    values = Values(table.frame.copy(deep=False), codes=_examples(codes))
    texts = [name for name in table.frame.columns if is_text(table.frame[name])]
    names = [name for name in texts if name not in codes]
    written = {name: Numerals(Texts.of(table.frame[name])) for name in names}
    found = {name: _numerals_in(one, name == target) for name, one in written.items()}
    numerals = {name: one for name, one in found.items() if one is not None}
    values.decimal = _decimal(table, numerals)
    numerals |= _with_points(table, values.decimal)
    for name, one in numerals.items():
        if one is not written.get(name, one):
            beyond = written[name].texts.kinds[written[name].beyond]
            values.limited.append(f"{name} ({beyond.iloc[0]!r} and {len(beyond) - 1} others)")
        _take_numbers(values, table, name, one)
    times = [name for name in names if name not in numerals and name != target]
    _take_times(values, table, {name: written[name].texts for name in times})
    for name in table.frame.columns:
        if not is_text(table.frame[name]) and name != target:
            _take_compact_dates(values, name)
    _name_sentinels(values)
    return values


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
    numerals = {name: Numerals(Texts.of(again[name])) for name in doubtful}
    return {
        name: one
        for name, one in numerals.items()
        if one.either.any()
        # Between commas, decimal points are what everybody expects.
        and (table.separator != "," or _decimal_of(one, decimal, ",") == ",")
    }


def _floats(table: Table) -> list[str]:
    return [name for name in table.frame.columns if table.frame[name].dtype.kind == "f"]


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
    values.numbers.append(name)
    if numerals.either.any() or decimal == ",":
        values.decided.append(f"{name} ({numerals.example(decimal)})")
    if numerals.units:
        values.units.append(f"{name} ({' and '.join(numerals.units)})")
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
            values.durations.append(name)
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
    with_points = [name for name in _floats(table) if name not in values.numbers]
    return not any((table.frame[name] % 1 > 0).any() for name in with_points)


def _take_dates(values: Values, name: str, dates: Dates) -> None:
    values.frame[name] = dates.texts.spread(dates.days)
    values.dates.append(f"{name} ({dates.form})")
    if dates.example:
        values.exchanged.append(f"{name} ({dates.example})")
    if dates.years:
        values.centuries.append(f"{name} ({dates.years})")
    _take_missing(values, name, dates.texts, dates.days)


def _examples(codes: dict[str, pd.Series]) -> list[str]:
    return [f"{name} ({column.dropna().iloc[0]})" for name, column in codes.items()]


def _name_sentinels(values: Values) -> None:
    for name in values.frame.columns:
        column = values.frame[name]
        found = None if is_text(column) else sentinel_of(column.to_numpy(np.float64))
        if found is not None:
            mark = "1900-01-01" if found == FIRST_DAY else f"{found:.15g}"
            values.sentinels.append(f"{name} ({(column == found).sum():,}: {mark})")


def _take_compact_dates(values: Values, name: str) -> None:
    days = compact_days(values.frame[name])
    if days is None:
        return
    never = int((values.frame[name] == NEVER).sum())
    values.frame[name] = days
    values.dates.append(f"{name} ({COMPACT})")
    if never:
        values.missing.append(f"{name} ({never:,}: '{NEVER}')")


def _take_missing(values: Values, name: str, texts: Texts, numbers: pd.Series) -> None:
    odd = texts.kinds[numbers.isna()]
    if len(odd):
        shown = ", ".join(map(repr, odd.iloc[:SHOWN])) + (", …" if len(odd) > SHOWN else "")
        values.missing.append(f"{name} ({texts.count(numbers.isna()):,}: {shown})")


def _fit(texts: Texts, read: pd.Series) -> bool:
    """Whether (nearly) all that is there was read: all but marks of missing values and oddities."""
    if not read.any():
        return False
    marks = texts.kinds.str.lower().isin(NO_VALUE) | texts.kinds.str.match(MARK)
    odd, there = ~(read | marks), texts.count(~marks)
    rare = 100 * texts.count(odd) <= MOST_ODD * there
    few = 2 * texts.count(odd) <= there and odd.sum() <= FEW_TEXTS and read.sum() > MANY_NUMBERS
    return bool(there and (rare or few))
