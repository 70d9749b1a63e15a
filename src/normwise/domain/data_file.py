"""Kinds of files that data come in: what the command line says of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMPRESSIONS", "DATA_FILES", "DataFile", "data_files", "kind_of"]

# What may stand behind the suffix of a compressed file.
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip", ".zst")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A kind of file with data; ``normwise.data.formats`` reads it.

    Attributes:
        suffix: The ending of its name with the dot, in small letters.
        needs: What has to be in it or typed with it, in a few words.
        has_columns: Whether it is a table, of which a column is predicted.
        others: More endings that say the same.
        is_text: Whether it is text, which may be compressed: its name then has one of
            ``COMPRESSIONS`` at its end.
        has_labels_beside: Whether its labels are in a file of their own.
        is_folder: Whether it is a folder, whatever its name.
    """

    suffix: str
    needs: str
    has_columns: bool = False
    others: tuple[str, ...] = ()
    is_text: bool = False
    has_labels_beside: bool = False
    is_folder: bool = False

    @property
    def example(self) -> str:
        """A name for help and messages.

        >>> DATA_FILES[".csv"].example
        'FILE.csv'
        """
        return "FOLDER" if self.is_folder else f"FILE{self.suffix}"

    @property
    def ending(self) -> str:
        """The same where an example stands in front of it."""
        return "a FOLDER of pictures" if self.is_folder else self.suffix


_COLUMN = "--target-column NAME"


def _table(suffix: str, *others: str, form: str = "", is_text: bool = False) -> DataFile:
    needs = f"{_COLUMN}; {form}" if form else _COLUMN
    return DataFile(suffix, needs, has_columns=True, others=others, is_text=is_text)


DATA_FILES = {
    kind.suffix: kind
    for kind in (
        _table(".csv", form="also .csv.gz and the like", is_text=True),
        _table(".tsv", ".tab", is_text=True),
        _table(".jsonl", ".ndjson", form="a record a line", is_text=True),
        _table(".json", form="a list of records", is_text=True),
        _table(".parquet", ".pq"),
        _table(".feather", ".arrow", ".ipc"),
        _table(".xlsx", ".xlsm", form="of the first sheet"),
        DataFile(".npz", "x_train and y_train in it, or the model's names"),
        DataFile(".npy", "--labels LABELS.npy", has_labels_beside=True),
        DataFile("/", "pictures in a sub-folder for each class", is_folder=True),
    )
}


def kind_of(name: str) -> DataFile | None:
    """What kind of file one of this name is; ``None`` where its ending says nothing.

    >>> kind_of("a/T.CSV.gz").suffix, kind_of("t.npz.gz"), kind_of("t.pq").suffix
    ('.csv', None, '.parquet')
    """
    plain = name.lower()
    packed = next(filter(plain.endswith, COMPRESSIONS), "")
    plain = plain.removesuffix(packed)
    for kind in DATA_FILES.values():
        if plain.endswith((kind.suffix, *kind.others)) and (kind.is_text or not packed):
            return kind
    return None


def data_files(*, with_columns: bool = False) -> str:
    """Examples of all kinds, in words.

    Args:
        with_columns: Whether to name the formats of tables alone.

    >>> data_files()
    'FILE.csv, .tsv, .jsonl, .json, .parquet, .feather, .xlsx, .npz, .npy or a FOLDER of pictures'
    """
    first, *others = (kind for kind in DATA_FILES.values() if kind.has_columns or not with_columns)
    names = [first.example, *(kind.ending for kind in others)]
    return f"{', '.join(names[:-1])} or {names[-1]}" if others else names[0]
