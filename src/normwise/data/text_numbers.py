"""Numbers as people and programs write them: ``$1,234.50``, ``1.234,5``, ``12 %``, ``(3)``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from normwise.data.text_units import MINUS, Beside, taken_apart
from normwise.data.texts import SAMPLE, Texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Numerals", "Sign", "looks_like_number"]

Sign = Literal[".", ","]
OTHER: dict[Sign, Sign] = {".": ",", ",": "."}
# A sign, digits, decimals, or a minus behind all (SAP).
# Right behind the decimal sign a dash is none: `7.-` and `7,--` are prices without decimals.
# Digits may stand in groups of three, in India of two before the last three; without, they are no
# more than a float tells apart. No group begins with 0: a number such as 0,125 has decimals.
NUMBER = (
    rf"^(?=[^()]*$|\(.*\)$)(?![{MINUS}+(].*[-\u2212]$)([{MINUS}+(]?)\s*"
    r"([1-9]\d{{0,2}}(?:[{groups}\s'\u2019]\d{{3}})+|[1-9]\d?(?:{group}\d{{2}})+{group}\d{{3}}|\d{{1,15}})"
    r"(?:{point}(?:[-\u2212\u2013\u2014]{{1,2}}|(\d*)))?((?:[eE][-+]?\d+)?)\s*\)?([-\u2212]?)$"
)
# In front of the limit of what was measured, as in `>200`.
LIMIT = r"^(?:[<>]=?|[≤≥])\s*"
PATTERNS = {
    sign: re.compile(
        NUMBER.format(groups=re.escape(other), group=re.escape(other), point=re.escape(sign))
    )
    for sign, other in OTHER.items()
}


def looks_like_number(text: str) -> bool:
    """Whether a text alone is a number, with nothing beside it.

    >>> [looks_like_number(text) for text in ("-1,5", "1e-3", "NaN", "5 kg", "")]
    [True, True, False, False, False]
    """
    return any(pattern.match(text.strip()) for pattern in PATTERNS.values())


@dataclass(frozen=True, eq=False)
class Numerals:
    """A column of text read as numbers, with decimal points and with decimal commas.

    Attributes:
        texts: The column.
        beside: Its texts taken apart into numbers and what stands beside them.
    """

    texts: Texts
    beside: Beside

    @classmethod
    def of(cls, texts: Texts, *, are_kinds: bool = False) -> Numerals:
        """A column of text; one of few kinds, such as classes, is none of units."""
        return cls(texts, taken_apart(texts, are_kinds=are_kinds))

    @cached_property
    def readings(self) -> dict[Sign, pd.Series]:
        """By the sign before decimals: a number for each text, NaN where it is none."""
        factors = self.beside.factors
        return {sign: _read(self.beside.bare, sign) * factors for sign in OTHER}

    @cached_property
    def are_usual(self) -> bool:
        """Whether half of a sample looks like numbers, so that all of it deserves a reading."""
        sample = self.beside.bare[:SAMPLE].tolist()
        return 2 * sum(map(looks_like_number, sample)) >= len(sample) > 0

    @cached_property
    def either(self) -> pd.Series:
        """Which texts say one number with a decimal point and another with a decimal comma."""
        point, comma = self.readings["."], self.readings[","]
        return point.notna() & comma.notna() & (point != comma)

    @property
    def proved(self) -> Sign | None:
        """The sign before decimals that (most of) the column's own values prove, if they do."""
        point, comma = (self._proofs(sign) for sign in (".", ","))
        return None if point == comma else "." if point > comma else ","

    def _proofs(self, sign: Sign) -> int:
        own, other = self.readings[sign], self.readings[OTHER[sign]]
        return self.texts.count(own.notna() & other.isna())

    def beside_bare(self, *, sure: bool) -> Sign | None:
        """The sign before decimals where numbers with and without another show it.

        Where some have a sign before their last three digits and the others none at all, it
        stands between thousands: decimals would have left other digits behind it, too. That is
        ``sure`` where one ends in 0, which is not written behind decimals of any length, and
        another has hundreds without a sign.
        """
        with_sign = self.beside.bare[self.either]
        kinds = self.beside.bare[self.readings["."].notna() | self.readings[","].notna()]
        if kinds.str.contains("[.,]").sum() != len(with_sign) or len(kinds) == len(with_sign):
            return None
        if with_sign.empty:
            return None
        seen = (with_sign.str.contains(r"0\D*$").any(), kinds.str.contains(r"^\D*\d{3}\D*$").any())
        if sure and not all(seen):
            return None
        signs = {sign for sign in OTHER if with_sign.str.contains(sign, regex=False).any()}
        return OTHER[signs.pop()] if len(signs) == 1 else None

    def numbers(self, decimal: Sign) -> pd.Series:
        """What each text says, where those that say two things have ``decimal`` before decimals."""
        return self.readings[decimal].combine_first(self.readings[OTHER[decimal]])

    @property
    def units(self) -> list[str]:
        """What stands beside the numbers, where that differs: ``'$'``, ``'%'``, ``'nothing'``.

        A currency and nothing do not.
        """
        numbers = self.numbers(".")
        found = self.beside.units[numbers.notna() & (numbers != 0)]
        units = [repr(unit) for unit in found[found != ""].unique()]
        # A currency may be left out, and no other unit.
        has_unit = (found == "%") | self.beside.measured[found.index]
        if has_unit.any() and (found == "").any():
            units.append("nothing")
        return units if len(units) > 1 else []

    @property
    def beyond(self) -> pd.Series:
        """Which texts say that a value is beyond a limit, as ``>200`` and ``<0.1`` do."""
        return self.texts.kinds.str.match(LIMIT)

    def limits(self) -> Numerals:
        """The column with the limits in place of what is beyond them."""
        kinds = self.texts.kinds.str.replace(LIMIT, "", regex=True)
        return Numerals.of(replace(self.texts, kinds=kinds))

    def example(self, decimal: Sign, telling: pd.Series) -> str:
        """How the first of the telling texts was read, or the first that was: ``7 kg as 7``."""
        numbers = self.numbers(decimal)
        shown = np.flatnonzero(telling & numbers.notna())
        first = int(shown[0] if len(shown) else np.flatnonzero(numbers.notna())[0])
        return f"{self.texts.kinds.iloc[first]} as {numbers.iloc[first]:.15g}"


def _read(kinds: pd.Series, decimal: Sign) -> pd.Series:
    """Texts as numbers; NaN where one is none.

    >>> import pandas as pd
    >>> _read(pd.Series(["1,234.5", "12", "0,5", "(3)", "4-", "x"]), ".").tolist()
    [1234.5, 12.0, nan, -3.0, -4.0, nan]
    """
    import pandas as pd

    parts = kinds.str.extract(PATTERNS[decimal].pattern)
    signs = parts[0] + parts[4]
    sign = signs.map({"": "", "+": "", "(": "-", **dict.fromkeys(MINUS, "-")})
    digits = parts[1].str.replace(r"\D", "", regex=True)
    plain = sign + digits + "." + parts[2].fillna("0") + parts[3].fillna("")
    return pd.to_numeric(plain, errors="coerce").astype("float64")
