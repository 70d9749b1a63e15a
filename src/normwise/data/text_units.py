"""What stands beside numbers: currencies, units, and letters for thousands and millions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normwise.data.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MINUS", "Beside", "taken_apart"]

# Signs that people and programs write for a minus.
MINUS = "-\u2212\u2010\u2011\u2013\uff0d"
# Codes of currencies, and what else stands in front of an amount.
CODES = (
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "AUD", "CAD", "NZD", "SEK", "NOK",
    "DKK", "PLN", "CZK", "HUF", "RUB", "TRY", "BRL", "MXN", "ZAR", "KRW", "SGD", "HKD", "THB",
    "IDR", "MYR", "PHP", "VND", "ILS", "AED", "SAR", "RON", "BGN", "UAH", "EGP", "NGN", "KES",
    "ARS", "CLP", "COP", "PEN", "TWD", "ISK", r"Rs\.?", r"kr\.?", r"S?Fr\.?",
    r"(?:US|CA?|AU?|NZ|HK|NT|R|S)\$",
)  # fmt: skip
CURRENCY = rf"(?:(?i:{'|'.join(CODES)})(?![^\W\d_])|[$€£¥￥₹₽₩₺₪₫₱฿₴₦¢])"
# How many each letter and word stands for.
MANY = {
    **dict.fromkeys(("k", "tsd", "thousand"), 1e3),
    **dict.fromkeys(("lakh", "lakhs"), 1e5),
    **dict.fromkeys(("m", "mn", "mio", "million", "millions"), 1e6),
    **dict.fromkeys(("crore", "crores"), 1e7),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), 1e9),
    **dict.fromkeys(("t", "tn", "trillion", "trillions"), 1e12),
}
# A letter stands right behind the number, and no other letter behind it. These are units as well
# (metres, bytes, tonnes), unless another letter or a currency shows what they are.
DOUBTFUL = ("m", "b", "B", "t", "T")
LETTER = r"([kKmMbBtT])(?![^\W\d_])"
WORDS = "|".join(sorted((word for word in MANY if word[1:]), key=len, reverse=True))
WORD = rf"\s?((?i:{WORDS}))\.?(?![^\W\d_])"
# Begins with a letter or the sign of a degree or the like, and has no digit but 2 or 3 at its end.
SIGN = "[%‰°]"
UNIT = rf"{SIGN}|/?[°µ]?[^\W\d_][^\d()<>=:;,+-]*[23²³]?"
NUMBER = r"\d(?:[\d.,\s'\u2019]*\d)?(?:[.,][\u2212\u2013\u2014-]{0,2})?(?:[eE][-+]?\d+)?"
PARTS = re.compile(
    rf"^(\(?[{MINUS}+]?)\s*({CURRENCY}?)\s*([{MINUS}]?\s*{NUMBER})(?:{LETTER}|{WORD})?"
    rf"\s*({CURRENCY}|{UNIT}|)\s*(\)?[-\u2212]?)$"
)
# So few different texts are kinds, such as `2 doors` and `4 doors`; so long a unit is a sentence.
FEW_TEXTS, LONGEST = 5, 20
SQUARES = str.maketrans("²³", "23")


@dataclass(frozen=True, eq=False)
class Beside:
    """Texts, taken apart into numbers and what stands beside them.

    Attributes:
        bare: The texts without it, one for each; as they were where they are no numbers.
        units: A currency, a unit, or nothing.
        factors: What the numbers are multiplied by: 1000 where a ``k`` stands.
        measured: Which had a unit that is a word.
    """

    bare: pd.Series
    units: pd.Series
    factors: pd.Series
    measured: pd.Series


def taken_apart(texts: Texts, *, are_kinds: bool = False) -> Beside:
    """Numbers without their currencies, their unit and their letters for thousands and millions.

    Units and letters are left out where the column has one unit alone, beside most of its numbers,
    and enough different numbers to be a quantity.

    Args:
        texts: Texts, of which some may be numbers.
        are_kinds: Whether few texts are kinds, such as classes.

    >>> import pandas as pd
    >>> texts = Texts.of(pd.Series(["$1.2M", "-3k", "USD 5", "7", "8", "9 k"]))
    >>> found = taken_apart(texts)
    >>> found.bare.tolist(), found.factors.tolist()
    (['1.2', '-3', '5', '7', '8', '9 k'], [1000000.0, 1000.0, 1.0, 1.0, 1.0, 1.0])
    """
    kinds = texts.kinds
    parts = kinds.str.extract(PARTS).fillna("")
    sign, front, number, letter, word, behind, tail = (parts[place] for place in range(7))
    is_money = behind.str.fullmatch(CURRENCY)
    behind, letter = _decided(behind, letter, (front != "") | is_money, bool((word != "").any()))
    measured = (behind != "") & ~behind.str.fullmatch(rf"{CURRENCY}|{SIGN}")
    multiplied = (letter != "") | (word != "")
    few = len(kinds) <= FEW_TEXTS or are_kinds
    if few or not _are_of_one_unit(behind[measured], number, measured):
        number = number.mask(measured, "")
        measured = measured & False
    if few:
        number = number.mask(multiplied, "")
    # However it is spelled, it is one.
    behind = behind.mask(measured, next(iter(behind[measured]), ""))
    is_number = number != ""
    return Beside(
        kinds.mask(is_number, sign + number + tail),
        (front + behind).where(is_number, ""),
        (letter + word).str.lower().map(MANY).astype("float64").where(is_number).fillna(1.0),
        measured,
    )


def _decided(
    behind: pd.Series, letter: pd.Series, is_money: pd.Series, has_words: bool
) -> tuple[pd.Series, pd.Series]:
    """Letters that may be units as well, among the units where nothing shows that they are none."""
    doubtful = letter.isin(DOUBTFUL)
    shown = has_words or ((letter != "") & (~doubtful | is_money)).any()
    if shown:
        return behind, letter
    return behind.mask(doubtful, letter + behind), letter.mask(doubtful, "")


def _are_of_one_unit(units: pd.Series, numbers: pd.Series, measured: pd.Series) -> bool:
    """Whether words beside numbers are one unit, of most of them, and the numbers are no codes."""
    names = units.str.casefold().str.rstrip(".").str.translate(SQUARES)
    names = names.str.replace(r"(?<=\w\w)s$", "", regex=True)
    bare = numbers[(numbers != "") & (numbers != "0") & ~measured]
    is_padded = numbers[measured].str.match(r"0\d").any()
    short = units.str.len().max() <= LONGEST if len(units) else True
    is_one = len(units) == 0 or bool((names == names.iloc[0]).all())
    return bool(is_one and len(units) >= len(bare) and short and not is_padded)
