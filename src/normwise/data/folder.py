"""Files of well-known data, in the folder that ``NORMWISE_DATA`` names."""

from __future__ import annotations

import os
from pathlib import Path

from normwise.errors import DataError
from normwise.files import is_file

__all__ = ["FOLDER_VARIABLE", "in_data_folder", "not_found"]

FOLDER_VARIABLE = "NORMWISE_DATA"


def in_data_folder(file_name: str) -> Path | None:
    """The file in the folder, or ``None`` if it is not there.

    >>> in_data_folder("no-such-file.npz") is None
    True
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    path = Path(folder or "") / file_name
    return path if folder and is_file(path) else None


def not_found(file_name: str, data_option: str, other_way: str = "") -> DataError:
    """What to raise where a file was not found; says every way to give it.

    Args:
        file_name: As it stands in the folder.
        data_option: What to type after ``--data``.
        other_way: Where else it was looked for, and why that failed.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    where = f"{FOLDER_VARIABLE}={folder}" if folder else f"{FOLDER_VARIABLE} is not set"
    where = f"{where}; {other_way}" if other_way else where
    return DataError(
        f"{file_name!r} was not found ({where}); expected the file on this machine; try "
        f"--data {data_option}, or set {FOLDER_VARIABLE} to the folder that holds it"
    )
