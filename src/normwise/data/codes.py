"""Columns of digits that are codes and no numbers: ``01234``, ``007``, ``81E5``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from normwise.data.raw_table import Table, is_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["codes_in"]

# So many rows show whether a column is worth to be read again as it is written.
ROWS = 1000
# What is never more has no second digit to speak of.
LEAST = 10
# Nobody writes a number so: with 0 in front of two digits and more (`07` may be a month, `000` no
# value), or an exponent behind whole digits (programs write 8.1e+06, people 8e6).
PADDED, WITH_E = r"(?=\d{3})0+[1-9]\d*", r"\d+E\d+"
DIGITS = rf"\d+|{WITH_E}"
DIGITS_SHARE = 0.9
# Times of a day as `0930` or `093000`, which have an order.
CLOCK = r"(?:[01]\d|2[0-4])[0-5]\d(?:[0-5]\d)?"


def codes_in(table: Table, target: str) -> dict[str, pd.Series]:
    """The columns whose fields are codes, as they are written.

    All fields of a column, but for a few marks, have as many digits, and some begin with 0; or most
    begin with it; or all have an exponent.

    Args:
        table: As it was read.
        target: The column to predict, which is left out.
    """
    inputs = table.frame.drop(columns=[target, *(table.typed - {target})])
    whole = [name for name in inputs.columns if _may_be_codes(inputs[name])]
    some = table.as_text(whole, ROWS)
    again = table.as_text([name for name in some if _are_codes(some[name])], None)
    texts = {name: inputs[name] for name in inputs.columns if is_text(inputs[name])}
    likely = {name: text for name, text in texts.items() if _are_codes(text[:ROWS])} | {**again}
    return {
        name: likely[name] for name in inputs.columns if name in likely and _are_codes(likely[name])
    }


def _are_codes(column: pd.Series) -> bool:
    """Whether (nearly) all texts of a column are codes.

    >>> import pandas as pd
    >>> _are_codes(pd.Series(["02134", "94110", None])), _are_codes(pd.Series(["7", "12"]))
    (True, False)
    """
    texts = column.dropna()
    codes = texts[texts.str.fullmatch(DIGITS)]
    if codes.empty or len(codes) < DIGITS_SHARE * len(texts) or codes.str.fullmatch(CLOCK).all():
        return False
    padded, lengths = codes.str.fullmatch(PADDED), codes.str.len()
    as_long = padded.any() and lengths.min() == lengths.max()
    return bool(as_long or 2 * padded.sum() >= len(codes) or codes.str.fullmatch(WITH_E).all())


def _may_be_codes(column: pd.Series) -> bool:
    if column.dtype.kind not in "iuf":
        return False
    numbers = column.to_numpy(np.float64)
    numbers = numbers[np.isfinite(numbers)]
    in_range = len(numbers) > 0 and numbers.min() >= 0 and numbers.max() >= LEAST
    return bool(in_range and (numbers % 1 == 0).all())
