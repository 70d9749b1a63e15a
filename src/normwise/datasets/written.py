"""Numbers and dates that a table holds as text."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from normwise.datasets.reading import is_text
from normwise.errors import listed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_values", "written_numbers"]

# So many of a hundred values may be something else; they count as missing, and that is said.
MOST_ODD = 5
# What stands for no value among numbers and dates, though it may be a category among categories.
NO_VALUE = ("none", "unknown", "missing", "n.a.", "nil", "not available")
# Sign, digits that may stand in groups of three (or no more than a float tells apart), decimals;
# with a currency or a per cent sign.
NUMBER = (
    r"^([-+]?)\s*[$€£¥]?\s*"
    r"(\d{{1,3}}(?:[{groups}\s']\d{{3}})+|\d{{1,15}})(?:[{decimal}](\d*))?((?:[eE][-+]?\d+)?)"
    r"\s*[%$€£¥]?$"
)
DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d",
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y",
    "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%a %b %d %Y", "%A, %d %B %Y",
)  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
FORMATS = ("ISO8601", *map("".join, product(DAYS, TIMES)), "%H:%M", "%H:%M:%S")
# Dates that are written as whole numbers, and the least and the greatest of them.
COMPACT, CENTURIES = "%Y%m%d", (19000101, 21001231)
# So many different values show whether a way to read them is worth a try on all.
SAMPLE = 50
HAS_SEVERAL_NUMBERS = r"^.{0,20}\d[^\d].{0,20}\d"


def read_values(frame: pd.DataFrame, decimal: str) -> tuple[pd.DataFrame, list[str]]:
    """Turn columns of written numbers and of dates into numbers.

    A date becomes its days since 1970.

    Args:
        frame: A table; columns that hold other text stay as they are.
        decimal: What stands before the decimals of a number in this table.

    Returns:
        The table, and what was done, in sentences.
    """
    frame = frame.copy(deep=False)
    numbers, dates, odd = [], [], []
    for name in [name for name in frame.columns if _are_days(frame[name])]:
        frame[name] = _since_1970(_parsed(frame[name].astype("str"), COMPACT))
        dates.append(f"{name} ({COMPACT})")
    for name in [name for name in frame.columns if is_text(frame[name])]:
        text = frame[name].mask(frame[name].str.lower().isin(NO_VALUE))
        values = written_numbers(text, decimal)
        if _fit(values, text):
            numbers.append(name)
        else:
            values, form = _days(text)
            if not _fit(values, text):
                continue
            dates.append(f"{name} ({form})")
        frame[name] = values
        strange = text[values.isna() & text.notna()]
        if len(strange):
            odd.append(f"{name} ({len(strange):,}, such as {strange.iloc[0]!r})")
    said = [
        ("Numbers written as text", numbers),
        ("Dates, taken as days", dates),
        ("Taken for missing among numbers or dates", odd),
    ]
    return frame, [f"{what}: {listed(names)}." for what, names in said if names]


def written_numbers(text: pd.Series, decimal: str) -> pd.Series:
    """What each text says as a number, such as ``$1,234.50``; NaN where it is none.

    >>> import pandas as pd
    >>> written_numbers(pd.Series(["1,234.5", "12 %", "x"]), ".").tolist()
    [1234.5, 12.0, nan]
    """
    import pandas as pd

    # A comma within quotes may stand for decimals where others separate fields.
    other = "." if decimal == "," else ","
    best = pd.Series(float("nan"), text.index)
    for signs in ((decimal, other), (other, decimal)):
        if _is_usual(_numbers(_sample(text), *signs)):
            best = max(best, _numbers(text, *signs), key=pd.Series.count)
    return best


def _numbers(text: pd.Series, decimal: str, groups: str) -> pd.Series:
    import pandas as pd

    parts = text.str.extract(NUMBER.format(decimal=decimal, groups=groups))
    digits = parts[1].str.replace(r"\D", "", regex=True)
    plain = parts[0] + digits + "." + parts[2].fillna("0") + parts[3].fillna("")
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def _days(text: pd.Series) -> tuple[pd.Series, str]:
    """Days since 1970 and the format that most values have; NaN where they have it not."""
    import pandas as pd

    sample = _sample(text)
    best, best_form = pd.Series(float("nan"), text.index), ""
    if not sample.str.contains(HAS_SEVERAL_NUMBERS).any():
        return best, best_form
    for form in FORMATS:
        if not _is_usual(_parsed(sample, form)):
            continue
        days = _since_1970(_parsed(text, form))
        if days.count() > best.count():
            best, best_form = days, form
    return best, best_form


def _are_days(column: pd.Series) -> bool:
    """Whether whole numbers are dates such as 20240131."""
    import pandas as pd

    if not pd.api.types.is_integer_dtype(column) or not column.between(*CENTURIES).all():
        return False
    return bool(_parsed(column.astype("str"), COMPACT).notna().all())


def _since_1970(moments: pd.Series) -> pd.Series:
    import pandas as pd

    return (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)


def _sample(text: pd.Series) -> pd.Series:
    return text.dropna().drop_duplicates().iloc[:SAMPLE]


def _is_usual(read: pd.Series) -> bool:
    """Whether so much of a sample was read that all of it deserves a try."""
    return bool(2 * read.count() >= len(read) > 0)


def _parsed(text: pd.Series, form: str) -> pd.Series:
    import pandas as pd

    return pd.to_datetime(text, format=form, errors="coerce", utc=True)


def _fit(values: pd.Series, text: pd.Series) -> bool:
    """Whether (nearly) all that is there was read."""
    there = text.count()
    return bool(there and 100 * (there - values.count()) <= MOST_ODD * there)
