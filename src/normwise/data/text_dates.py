"""Dates as people and programs write them: ``2024-01-31``, ``31.01.24``, ``Jan 31, 2024``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.texts import Texts, is_usual

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COMPACT", "EARLIEST", "LATEST", "NEVER", "Dates", "compact_days", "days_of", "since_1970",
]  # fmt: skip

DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d",
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d. %b %Y", "%d. %B %Y", "%Y-%b-%d",
    "%a %b %d %Y", "%a %d %b %Y", "%a, %d %b %Y", "%a, %b %d, %Y", "%A, %d %b %Y", "%A, %d %B %Y",
    "%A %d %B %Y", "%A, %b %d, %Y", "%A, %B %d, %Y", "%a, %d %B %Y", "%A, %d. %B %Y", "%a %d.%m.%Y",
    "%a, %d.%m.%Y",
)  # fmt: skip
MONTHS = (
    "%b %Y", "%B %Y", "%b-%Y", "%B-%Y", "%b, %Y", "%B, %Y", "%b-%y", "%Y %b", "%Y %B", "%Y-%b",
    "%m/%Y", "%Y/%m",
)  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")
# As mail and the web write them, and C's `ctime`.
MOMENTS = ("%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
FORMATS = (*map("".join, product(DAYS, TIMES)), *MONTHS, *CLOCKS, *MOMENTS)
# Formats with the day in front of the month, or behind it, in numbers.
DAY_AND_MONTH = re.compile("(%[dm])([-/.])(%[dm])")
# What each part of a format looks like: to see that is faster than to try to read a date.
LOOKS = {"%Y": r"\d{4}", "%f": r"\d{1,9}", "%p": r"[AaPp][Mm]"} | {
    **dict.fromkeys(("%b", "%B", "%a", "%A"), r"[^\W\d]+"),
    **dict.fromkeys(("%d", "%m", "%y", "%H", "%I", "%M", "%S"), r"\d{1,2}"),
}
# Dates that are written as whole numbers, the least and the greatest of them, and "never".
COMPACT, CENTURIES, NEVER = "%Y%m%d", (19000101, 21001231), 99991231
HAS_SEVERAL_NUMBERS = re.compile(r".{0,20}\d[^\d].{0,20}\d")
HAS_MONTH = re.compile(
    r"(?i)(?=.{0,20}\d).{0,20}\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
)
# What lies outside stands for "never", "always" or "unknown", as 9999-12-31 does.
EARLIEST, LATEST = "1677-09-22", "2262-04-11"
# The last year that two digits are taken for, as databases and spreadsheets do.
LAST_YEAR = 2049


@dataclass(frozen=True, eq=False)
class Dates:
    """A column of text read as dates.

    Attributes:
        texts: The column.
        form: The format of most of them; empty where none reads them.
        moments: A date for each text; none where it is no date.
    """

    texts: Texts
    form: str
    moments: pd.Series

    @cached_property
    def _dated(self) -> pd.Series:
        return _in_one_century(self.moments) if "%y" in self.form else self.moments

    @cached_property
    def days(self) -> pd.Series:
        """Days since 1970; a date outside 1677 to 2262 is one, and has none."""
        return since_1970(self._dated)

    @property
    def years(self) -> str:
        """The years that two digits were taken for; empty where all four were written."""
        if "%y" not in self.form:
            return ""
        years = self._dated.dt.year
        return f"{years.min():.0f} to {years.max():.0f}"

    @property
    def is_day_first(self) -> bool | None:
        """Whether days stand in front of months; ``None`` where months are no numbers."""
        found = DAY_AND_MONTH.match(self.form)
        return None if found is None else found[1] == "%d"

    @cached_property
    def exchanged(self) -> Dates | None:
        """The other reading of a column each of whose days might be a month, if that is another."""
        form = DAY_AND_MONTH.sub(r"\3\2\1", self.form, count=1)
        if form == self.form or form not in FORMATS:
            return None
        moments = _parsed(self.texts.kinds, form)
        as_many = (moments.notna() == self.moments.notna()).all()
        return Dates(self.texts, form, moments) if as_many and self._differ(moments).any() else None

    def _differ(self, moments: pd.Series) -> pd.Series:
        return (moments != self.moments) & moments.notna()

    @property
    def example(self) -> str:
        """How a text was read that could be read otherwise: ``03/04/2020 as 2020-03-04``."""
        if self.exchanged is None:
            return ""
        telling = np.flatnonzero(self._differ(self.exchanged.moments))[0]
        return f"{self.texts.kinds.iloc[telling]} as {self.moments.iloc[telling]:%Y-%m-%d}"


def days_of(texts: Texts) -> Dates:
    """A column of texts in the format that reads most of them as dates."""
    import pandas as pd

    nothing = pd.Series(index=texts.kinds.index, dtype="datetime64[us, UTC]")
    best, best_form = nothing, ""
    for form in _worth_trying(texts.sample):
        if is_usual(_parsed(texts.sample, form).notna()):
            moments = _parsed(texts.kinds, form)
            if texts.count(moments.notna()) > texts.count(best.notna()):
                best, best_form = moments, form
    return Dates(texts, best_form, best)


def compact_days(column: pd.Series) -> NDArray[np.float64] | None:
    """Days since 1970 of whole numbers that are dates such as 20240131; ``None`` if they are not.

    >>> import pandas as pd
    >>> compact_days(pd.Series([19700102, 99991231])).tolist()
    [1.0, nan]
    >>> compact_days(pd.Series([20240131, 20240132])) is None
    True
    """
    if not column.min() >= CENTURIES[0]:  # nearly all columns: this is quick
        return None
    numbers = column[column.notna() & (column != NEVER)]
    if numbers.empty or not numbers.between(*CENTURIES).all() or (numbers % 1 != 0).any():
        return None
    texts = Texts.of(numbers.astype("int64").astype("str"))
    moments = _parsed(texts.kinds, COMPACT)
    if moments.isna().any():
        return None
    days = np.full(len(column), np.nan)
    days[column.index.get_indexer(numbers.index)] = texts.spread(since_1970(moments))
    return days


def _worth_trying(sample: pd.Series) -> list[str]:
    """The formats that half of a sample look like."""
    values = sample.tolist()
    likely = [
        value for value in values if HAS_SEVERAL_NUMBERS.match(value) or HAS_MONTH.match(value)
    ]
    if not likely:
        return []
    looks = [form for form in FORMATS if _looks_like(likely[:3], _PATTERNS[form])]
    return ["ISO8601", *(form for form in looks if _looks_like(values, _PATTERNS[form]))]


def _looks_like(values: list[str], pattern: re.Pattern[str]) -> bool:
    """Whether half of the texts, or more, have the form of a pattern."""
    return 2 * sum(pattern.fullmatch(value) is not None for value in values) >= len(values)


def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split("(%[A-Za-z])", form)
    return re.compile("".join(LOOKS.get(part) or re.escape(part) for part in parts))


_PATTERNS = {form: _pattern(form) for form in FORMATS}


def _parsed(text: pd.Series, form: str) -> Any:
    import pandas as pd

    return pd.to_datetime(text, format=form, errors="coerce", utc=True)


def _in_one_century(moments: pd.Series) -> pd.Series:
    """Dates whose years had two digits, in the hundred years that begin behind the widest gap.

    Births of 30 to 99 and 00 to 04 are then of 1930 to 2004. The last year is 2049 at most.
    """
    import pandas as pd

    century = pd.DateOffset(years=100)
    written = moments.dt.year
    read = written.where(~(written > LAST_YEAR), written - 100)
    years = np.unique(read.dropna())
    gaps = np.diff(years, append=years[:1] + 100)
    last = years[np.flatnonzero(gaps == gaps.max())[-1]]
    read = read.where(~(read > last), read - 100)
    return moments.mask(read < written, moments - century)


def since_1970(moments: pd.Series) -> pd.Series:
    """Days since 1970, in UTC; none for a moment outside 1677 to 2262."""
    import pandas as pd

    start, earliest, latest = (pd.Timestamp(day, tz="UTC") for day in (0, EARLIEST, LATEST))
    return (moments.where(moments.between(earliest, latest)) - start) / pd.Timedelta(days=1)
