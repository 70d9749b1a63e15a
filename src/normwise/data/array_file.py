"""Inputs and labels in two ``.npy`` files; large ones are mapped, not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.archive_keys import AskNames, no_names
from normwise.data.arrays import from_arrays
from normwise.data.dataset import Dataset
from normwise.data.given import Given
from normwise.data.plain_array import check_numbers
from normwise.domain import Task
from normwise.errors import DataError, first_line
from normwise.files import is_file

__all__ = ["from_npy", "given_in_npy"]

Array = NDArray[Any]
# As of an archive: below it a copy is safer, since a file can change under a mapping.
LARGE_BYTES = 2**26


def from_npy(
    path: Path, labels: str | None, task: Task | None = None, names: AskNames = no_names
) -> Dataset:
    """Inputs and labels, of which a fifth validates.

    Args:
        path: The inputs, examples first.
        labels: The file with as many labels.
        task: What the labels ask for; inferred if ``None``.
        names: Says whether the model needs labels; asked where there are none.

    Raises:
        DataError: There are no labels, a file does not read or holds objects, or the arrays cannot
            be trained on.
    """
    said = names() if labels is None else None
    if labels is None and (said is None or said.needs_labels):
        raise DataError(
            f"data {path.name!r} holds inputs alone; expected their labels in a file beside it; "
            f"try --labels LABELS.npy"
        )
    y, key = (None, "y") if labels is None else (_array(Path(labels)), Path(labels).name)
    keys = ("x", key, "x_val", "y_val")
    return from_arrays(_array(path), y, name=path.name, task=task, keys=keys)


def given_in_npy(path: Path, labels: str | None) -> Given:
    """All rows as they are, and their labels where there are any.

    Raises:
        DataError: A file does not read, or there are not as many labels as inputs.
    """
    x, y = _array(path), None if labels is None else _array(Path(labels))
    check_numbers(f"data {path.name!r}", x)
    if y is not None and len(y) != len(x):
        raise DataError(
            f"there are {len(x)} examples in {path.name!r} and {len(y)} labels in {labels!r}; "
            f"expected as many of each; check how the arrays were cut"
        )
    return Given(x, y)


def _array(path: Path) -> Array:
    if not is_file(path):
        raise DataError(
            f"there is no file {str(path)!r}; expected an array that numpy.save wrote; check the "
            f"path from {str(Path.cwd())!r}"
        )
    try:
        is_large = path.stat().st_size >= LARGE_BYTES
        array: Array = np.load(path, mmap_mode="r" if is_large else None, allow_pickle=False)
    except Exception as error:  # noqa: BLE001 (a broken file raises what it pleases)
        raise DataError(
            f"cannot read {str(path)!r} ({first_line(error)}); expected an array of numbers in "
            f"NumPy's format; write it with numpy.save('{path.stem}.npy', numpy.asarray(x))"
        ) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise DataError(
            f"{str(path)!r} is an archive of several arrays; expected one array; name it .npz"
        )
    if array.ndim == 0:
        raise DataError(
            f"{str(path)!r} holds a single number; expected an array, examples first; check how it "
            f"was made"
        )
    return array
