"""A column of text by its different values: each is read once, however often it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Texts"]

# So many different values show whether a way to read them is worth a try on all.
SAMPLE = 50


@dataclass(frozen=True, eq=False)
class Texts:
    """The different texts of a column, and the rows that hold them.

    Attributes:
        kinds: The different texts, in the order in which they come.
        codes: Which of the texts each row holds, ``(rows,)``; -1 for none.
        rows: How many rows hold each text, ``(texts,)``.
    """

    kinds: pd.Series
    codes: NDArray[np.intp]
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, column: pd.Series) -> Texts:
        """A column of texts and missing values.

        >>> import pandas as pd
        >>> texts = Texts.of(pd.Series(["b", "a", None, "b"]))
        >>> texts.kinds.tolist(), texts.codes.tolist(), texts.rows.tolist()
        (['b', 'a'], [0, 1, -1, 0], [2, 1])
        """
        import pandas as pd

        codes, kinds = pd.factorize(column)
        rows = np.bincount(codes[codes >= 0], minlength=len(kinds))
        return cls(pd.Series(kinds, dtype="str"), codes, rows)

    @property
    def sample(self) -> pd.Series:
        """The first few of the different texts."""
        return self.kinds.iloc[:SAMPLE]

    def count(self, which: Any) -> int:
        """In how many rows the texts stand that ``which``, one boolean a text, names."""
        return int(self.rows[np.asarray(which, bool)].sum())

    def spread(self, values: pd.Series) -> NDArray[np.float64]:
        """One number a text as one a row; NaN where there is none."""
        return np.append(values.to_numpy(np.float64), np.nan)[self.codes]


def is_usual(read: pd.Series) -> bool:
    """Whether so much of a sample was read that all of it deserves a try."""
    return bool(2 * read.sum() >= len(read) > 0)
