"""Rows of a table that are none: units below the names, names again, totals and remarks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from normwise.data.raw_table import MISSING, in_one_line
from normwise.data.text_numbers import Numerals, looks_like_number
from normwise.data.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TOTAL", "drop_others"]

# What a total calls itself, in some languages.
TOTAL = re.compile(
    r"(?i)(?:(?:grand|sub|column)[ -]?)?(?:totals?|sums?|summe|gesamt(?:summe)?|insgesamt|somme"
    r"|totale|suma|averages?|avg|mean|mittelwert|durchschnitt|moyenne)\s*:?"
)
# Units are short; rows that show what a column holds; so many rows at the end may be none.
LONGEST_UNIT, SAMPLE_ROWS, LAST_ROWS = 20, 100, 5
NUMBERS_SHARE = 0.9
NEAR = 1e-2


def drop_others(cells: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    """Which rows are rows, and what the others are, in sentences.

    Args:
        cells: Text as it is written, empty where nothing is; the columns have their names.

    >>> import pandas as pd
    >>> cells = pd.DataFrame({"a": ["kg", "1.5", "a", "2", "3.5"], "y": ["", "x", "y", "z", "Sum"]})
    >>> are_rows, said = drop_others(cells)
    >>> are_rows.tolist(), len(said)
    ([False, True, False, True, False], 3)
    """
    said = []
    names = [in_one_line(str(name)) for name in cells.columns]
    are_rows = ~(cells == names).all(axis="columns")
    again = int((~are_rows).sum())
    if again:
        said.append(f"The names come again in {again:,} rows, which were left out.")
    first = int(np.argmax(are_rows)) if are_rows.any() else 0
    if are_rows.any() and _are_units(cells[are_rows]):
        are_rows.iloc[first] = False
        said.append(f"The row of units was left out: {_shown(cells.iloc[first])}.")
    for place in reversed(np.flatnonzero(are_rows)[-LAST_ROWS:].tolist()):
        what = _what_is_last(cells.iloc[place], cells[are_rows].iloc[:-1])
        if what is None:
            break
        are_rows.iloc[place] = False
        said.append(f"{what}: {_shown(cells.iloc[place])}.")
    return are_rows, said


def _shown(row: pd.Series) -> str:
    return ", ".join(cell for cell in map(in_one_line, row) if cell)[:80]


def _are_units(cells: pd.DataFrame) -> bool:
    """Whether the first row has words where all others have numbers, and none of their texts."""
    first, others = cells.iloc[0], cells.iloc[1 : SAMPLE_ROWS + 1]
    if len(others) < 2:
        return False
    units = 0
    columns = 0
    for place in range(cells.shape[1]):
        cell = first.iloc[place].strip()
        column = [text for text in others.iloc[:, place] if text.strip() not in MISSING]
        if not column or sum(map(looks_like_number, column)) < NUMBERS_SHARE * len(column):
            if cell and cell in column:
                return False
            continue
        columns += 1
        if looks_like_number(cell) or (cell in MISSING and cell) or len(cell) > LONGEST_UNIT:
            return False
        units += bool(re.search(r"[^\W\d]|[%°$€£¥]", cell))
    return units > 0 and 2 * units >= columns


def _what_is_last(row: pd.Series, others: pd.DataFrame) -> str | None:
    """What the last row is, where it is none: a total, or a remark in its first field alone."""
    filled = [place for place, cell in enumerate(row) if cell.strip()]
    if len(row) > 2 and filled == [0] and not looks_like_number(row.iloc[0]):
        return "A remark at the end was left out"
    named = [place for place in filled if TOTAL.fullmatch(row.iloc[place].strip())]
    if not any(_comes_once(row.iloc[place], others.iloc[:, place]) for place in named):
        return None
    gaps = [place for place in range(len(row)) if place not in filled]
    is_bare = any((others.iloc[:, place].str.strip() != "").mean() > 0.5 for place in gaps)
    numbers = [place for place in filled if looks_like_number(row.iloc[place])]
    are_sums = [_is_of(row.iloc[place], others.iloc[:, place]) for place in numbers]
    return "A row of totals was left out" if is_bare or (are_sums and all(are_sums)) else None


def _comes_once(cell: str, column: pd.Series) -> bool:
    return not (column.str.strip() == cell.strip()).any()


def _is_of(cell: str, column: pd.Series) -> bool:
    """Whether a number is the sum or the mean of a column."""
    import pandas as pd

    numbers = Numerals.of(Texts.of(pd.Series([cell, *column]).where(lambda text: text != "")))
    values = numbers.texts.spread(numbers.numbers("."))
    value, others = values[0], values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value) or len(others) < 2 or value == 0:
        return False
    return bool(np.isclose([others.sum(), others.mean()], value, rtol=NEAR, atol=0).any())
