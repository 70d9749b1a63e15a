"""Kinds of files that data come in: what the command line says of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DATA_FILES", "DataFile", "data_files"]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A kind of file with data; ``normwise.data.formats`` reads it.

    Attributes:
        suffix: The ending of its name with the dot, in small letters.
        needs: What has to be in it or typed with it, in a few words.
        has_columns: Whether it is a table, of which a column is predicted.
    """

    suffix: str
    needs: str
    has_columns: bool = False

    @property
    def example(self) -> str:
        """A name for help and messages.

        >>> DATA_FILES[".csv"].example
        'FILE.csv'
        """
        return f"FILE{self.suffix}"


DATA_FILES = {
    kind.suffix: kind
    for kind in (
        DataFile(".csv", "--target-column NAME", has_columns=True),
        DataFile(".npz", "x_train and y_train in it"),
    )
}


def data_files(*, with_columns: bool = False) -> str:
    """Examples of all kinds, in words.

    Args:
        with_columns: Whether to name the formats of tables alone.

    >>> data_files()
    'FILE.csv or FILE.npz'
    """
    *first, last = (
        kind.example for kind in DATA_FILES.values() if kind.has_columns or not with_columns
    )
    return f"{', '.join(first)} or {last}" if first else last
