"""What a study trains on: arrays, split once, and what was done to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain import Task
from normwise.errors import DataError

__all__ = ["Dataset", "Task", "check_finite"]

Array = NDArray[Any]
# A look at all values takes this much memory at once, whatever the size of the array.
PIECE_BYTES = 2**24


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and validation arrays, first axis the examples.

    Attributes:
        name: What the user calls it.
        x_train: Inputs, ``(n, …)``, float32 unless integers were given.
        y_train: Labels, ``(n, 1)`` float32 for two classes, ``(n,)`` int32 for
            several, ``(n, k)`` float32 for a regression.
        x_val: Validation inputs.
        y_val: Validation labels.
        task: What the labels ask for.
        feature_names: Names of the columns of two-dimensional inputs.
        class_names: Names of the classes, in label order.
        notes: What was done to the data, in sentences for the report.

    Raises:
        DataError: Shapes do not fit, there is nothing to train on, or a value
            is not finite.
    """

    name: str
    x_train: Array
    y_train: Array
    x_val: Array
    y_val: Array
    task: Task
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in ("train", "val"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            _check_part(self.name, part, x, y)
        if self.x_train.shape[1:] != self.x_val.shape[1:]:
            raise DataError(
                f"data {self.name!r}: training examples have shape {self.x_train.shape[1:]}, "
                f"validation examples {self.x_val.shape[1:]}; expected the same; "
                f"pass arrays whose shapes agree after the first axis"
            )
        if self.y_train.shape[1:] != self.y_val.shape[1:]:
            raise DataError(
                f"data {self.name!r}: training labels have shape {self.y_train.shape}, validation "
                f"labels {self.y_val.shape}; expected the same after the first axis; check how the "
                f"arrays were made"
            )

    def __getstate__(self) -> dict[str, Any]:
        """As another process gets it: with all values, also of arrays mapped from a file."""
        return {
            name: np.asarray(value) if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    @property
    def task_note(self) -> str:
        """What the labels were taken for, in a sentence."""
        kind = f"{self.classes} classes" if self.classes else "numbers to predict (a regression)"
        return f"The labels of {self.name} were taken for {kind}."

    @property
    def said(self) -> tuple[str, ...]:
        """All that a report says of the data."""
        return *self.notes, self.task_note

    def require(self, task: Task | None) -> Dataset:
        """This data set, if its labels are what was asked for.

        Raises:
            DataError: They were taken for something else.
        """
        if task not in (None, self.task):
            raise DataError(
                f"data {self.name!r} has labels for the task {self.task}, and {task} was asked "
                f"for; expected {self.task}; leave the task out, or pass arrays or a FILE.csv"
            )
        return self

    @property
    def classes(self) -> int:
        """Number of classes; 0 for a regression."""
        if self.task == "regression":
            return 0
        return 2 if self.task == "binary" else int(max(self.y_train.max(), self.y_val.max())) + 1

    @property
    def fingerprint(self) -> str:
        """Hash of all values, so that a resumed study knows its data."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_val, self.y_val):
            digest.update(f"{array.dtype}{array.shape}".encode())
            for piece in _pieces(array):
                digest.update(np.ascontiguousarray(piece).tobytes())
        return digest.hexdigest()[:16]


def _check_part(name: str, part: str, x: Array, y: Array) -> None:
    if len(x) != len(y) or len(x) == 0:
        raise DataError(
            f"data {name!r}: {len(x)} inputs and {len(y)} labels in the {part} part; "
            f"expected as many of each, and at least one; check how the arrays were cut"
        )
    for kind, array in (("inputs", x), ("labels", y)):
        check_finite(name, f"the {part} {kind}", array)


def check_finite(name: str, where: str, array: Array) -> None:
    """Refuse NaN and infinite values.

    Raises:
        DataError: There are some; says how many and where the first is.

    >>> check_finite("mine", "x_train", np.zeros((3, 2)))
    """
    if array.dtype.kind != "f" or array.size == 0:
        return
    rows = np.concatenate([_bad_in_rows(piece) for piece in _pieces(array)])
    if rows.any():
        first, count = int(np.flatnonzero(rows)[0]), int(np.count_nonzero(rows))
        raise DataError(
            f"data {name!r}: {int(rows.sum())} NaN or infinite values in {where} (first in row "
            f"{first}); expected finite numbers; fill them or drop the {count} rows they are in"
        )


def _bad_in_rows(piece: Array) -> Array:
    bad: Array = ~np.isfinite(piece.reshape(len(piece), -1))
    counts: Array = bad.sum(axis=1)
    return counts


def _pieces(array: Array) -> Iterator[Array]:
    """Rows of the array, a few megabytes at a time."""
    rows = max(1, PIECE_BYTES * len(array) // max(1, array.nbytes))
    return (array[start : start + rows] for start in range(0, len(array), rows))
