"""Kinds that are spelled in several ways, in capitals or not: ``Yes``, ``yes`` and ``YES``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["one_spelling"]

# Words of so few different letters are often codes, in which capitals count (`AaBb`, `pH`), unless
# they are an answer.
FEWEST_LETTERS = 3
ANSWERS = {"no", "ja", "si", "sí", "da", "na", "ok", "on"}
# Whole columns of one letter, of which each is an answer.
LETTERS = ({"y", "n"}, {"t", "f"}, {"j", "n"}, {"m", "f"})


def one_spelling(column: pd.Series) -> dict[str, str]:
    """Each text that is to be another, which differs in capitals alone and comes more often.

    >>> import pandas as pd
    >>> one_spelling(pd.Series(["Yes", "yes", "Yes", "AA", "Aa", "aa", None]))
    {'yes': 'Yes'}
    """
    counts = column.value_counts()  # the most frequent first
    folded: dict[str, list[str]] = {}
    for text in counts.index:
        folded.setdefault(text.casefold(), []).append(text)
    several = {name: texts for name, texts in folded.items() if len(texts) > 1}
    if not several:
        return {}
    are_letters = any(set(folded) <= letters for letters in LETTERS)
    return {
        text: texts[0]
        for name, texts in several.items()
        if are_letters or _is_word(name, texts)
        for text in texts[1:]
    }


def _is_word(name: str, spellings: Iterable[str]) -> bool:
    """Whether these are a word in small letters, in capitals, or with some in front."""
    letters = {letter for letter in name if letter.isalpha()}
    usual = all(
        text in (text.lower(), text.upper(), text.capitalize(), text.title()) for text in spellings
    )
    return usual and (len(letters) >= FEWEST_LETTERS or name in ANSWERS)
