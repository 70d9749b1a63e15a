"""Where a table begins: behind titles and comments, with its names or with its first row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from normwise.data.raw_table import MISSING, in_one_line
from normwise.data.text_numbers import looks_like_number

__all__ = ["Head", "find_head", "width_of"]

COMMENT = re.compile(r"\s*(?:#|//)\s*")
# So few rows show nothing of a table; of so many in a column are numbers where it is one of them.
FEWEST_ROWS, NUMBERS_SHARE = 3, 0.9
# What is quoted of a line, and of so many lines.
QUOTED, SHOWN = 40, 3

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Head:
    """Where a table begins.

    Attributes:
        above: So many rows stand above it, titles, comments and empty ones.
        names: Its columns' names where no row of its own has them; ``None`` where one has.
        said: What was decided, in sentences.
    """

    above: int = 0
    names: tuple[str, ...] | None = None
    said: tuple[str, ...] = ()


def width_of(rows: Rows) -> int:
    """In how many fields most rows are.

    >>> width_of([["A title"], ["a", "b"], ["1", "2"]])
    2
    """
    counts = Counter(len(row) for row in rows if row and not COMMENT.match(row[0]))
    return max(counts, key=lambda width: counts[width], default=1)


def find_head(rows: Rows, target: str | None = None) -> Head:
    """See where a table begins, by its first rows.

    A row above has fewer fields than the table, or a comment; the first one behind that is no such
    has the names, unless it has numbers where the others have, and there is no column to predict
    of that name.

    Args:
        rows: The first rows of what was read, as the texts of their fields.
        target: The column to predict, if one was named.

    >>> find_head([["Report"], ["a", "y"], ["1", "0"], ["2", "1"], ["3", "0"]]).above
    1
    >>> find_head([["5.1", "x"], ["4.9", "x"], ["4.7", "y"], ["4.6", "y"]]).names
    ('column 1', 'column 2')
    """
    width = width_of(rows)
    above = next((at for at, row in enumerate(rows) if not _is_above(row, width, target)), 0)
    table = [row for row in rows[above:] if any(row)]
    if not table:
        return Head()
    said = _said_of(rows[:above])
    if _has_names(table[0], width):
        return Head(above, said=said)
    commented = _commented_names(rows[:above], width)
    if commented:
        return Head(above, commented, said)
    if _is_row(table, width) and target not in [in_one_line(field) for field in table[0]]:
        names = tuple(f"column {place}" for place in range(1, width + 1))
        note = (
            f"The first line is a row, for it has numbers where the others have; the columns are "
            f"numbered, {names[0]} to {names[-1]}."
        )
        return Head(above, names, (*said, note))
    only_comments = all(COMMENT.match(row[0]) for row in rows[:above] if any(row))
    return Head(above, said=said) if only_comments else Head()


def _is_above(row: Sequence[str], width: int, target: str | None) -> bool:
    """Whether a row is empty, a comment or a title: its first fields are filled, and not many."""
    filled = [in_one_line(field) for field in row if field.strip()]
    if not filled or COMMENT.match(row[0]):
        return True
    if target in filled or not row[0].strip():
        return False
    # A name less than there are columns is a mistake that is not to be guessed about.
    most = max(width // 2, width - 2) if len(row) < width else width // 2
    return (len(row) < width or width > 2) and len(filled) <= most


def _has_names(row: Sequence[str], width: int) -> bool:
    """Whether a row holds a name for each column, but for one."""
    filled = [in_one_line(field) for field in row if field.strip()]
    are_texts = not any(map(looks_like_number, filled))
    return are_texts and len(row) == width and width - len(filled) <= 1


def _commented_names(above: Rows, width: int) -> tuple[str, ...] | None:
    """The names in the last comment, as `numpy.savetxt` writes them."""
    comments = [row for row in above if any(row)]
    if not comments or not COMMENT.match(comments[-1][0]):
        return None
    first, *others = comments[-1]
    names = [COMMENT.sub("", first, count=1), *others]
    return tuple(map(in_one_line, names)) if _has_names(names, width) else None


def _is_row(table: Rows, width: int) -> bool:
    """Whether the first row is one like the others: with numbers in every column of numbers.

    Numbers that are evenly spaced, such as years, may be names, unless a text beside them comes
    again.
    """
    first, *others = table
    others = [row for row in others if len(row) == width]
    if len(first) != width or len(others) < FEWEST_ROWS:
        return False
    numbers, comes_again = [], False
    for place, field in enumerate(first):
        column = [row[place] for row in others if row[place].strip() not in MISSING]
        if sum(map(looks_like_number, column)) < NUMBERS_SHARE * len(column) or not column:
            comes_again |= field in column
        elif field.strip() in MISSING:
            continue
        elif not looks_like_number(field):
            return False
        else:
            numbers.append(field)
    return bool(numbers) and (comes_again or _cannot_be_names(numbers))


def _cannot_be_names(numbers: list[str]) -> bool:
    """Whether numbers are too many to be names by chance, and are no series as of years."""
    if len(set(numbers)) < len(numbers):
        return True
    if len(numbers) < FEWEST_ROWS:
        return False
    steps = np.diff([float(re.sub(r"[^\d.eE+-]", "", number) or 0) for number in numbers])
    return bool(np.ptp(steps) > 0.1 * np.abs(steps).max())


def _said_of(above: Rows) -> tuple[str, ...]:
    lines = [in_one_line(" ".join(filter(None, row))) for row in above]
    lines = [f"{line[:QUOTED]!r}" for line in lines if line]
    if not lines:
        return ()
    more = ", …" if len(lines) > SHOWN else ""
    return (
        f"Lines above the table ({len(lines)}) were left out: {', '.join(lines[:SHOWN])}{more}.",
    )
