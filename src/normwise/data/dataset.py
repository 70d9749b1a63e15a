"""What a study trains on: arrays, split once, and what was done to them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normwise.data.mapped_rows import looked_at, pieces, was_looked_at
from normwise.data.nested import Arrays, count, is_nested, leaves, mapped, rows, shapes, structure
from normwise.domain import Task
from normwise.errors import DataError

__all__ = ["Dataset", "Examples", "Task", "check_finite"]

Array = NDArray[Any]


class Examples(NamedTuple):
    """Examples of one part, or some of them.

    Attributes:
        x: Inputs, first axis the examples.
        y: Their labels.
        weights: How much each counts in the loss; all alike if ``None``.
    """

    x: Arrays
    y: Arrays
    weights: Arrays = None

    @property
    def batch(self) -> tuple[Arrays, ...]:
        """The same as a loader gives it to ``fit``: without what there is not."""
        if self.weights is not None:
            return tuple(self)
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def handed(self) -> Any:
        """The same as a step gets it from ``fit`` of arrays: inputs alone stand in no tuple."""
        is_alone = self.y is None and self.weights is None and not isinstance(self.x, list | tuple)
        return self.x if is_alone else self.batch


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and validation arrays, first axis the examples.

    Inputs, labels and weights are arrays, or lists, tuples and dictionaries of them where a model
    has several inputs or outputs.

    Attributes:
        name: What the user calls it.
        x_train: Inputs, ``(n, …)``, float32 unless integers were given.
        y_train: Labels, ``(n, 1)`` float32 for two classes, ``(n,)`` int32 or ``(n, k)`` with a
            single 1 in each row for several, ``(n, k)`` float32 for a regression; in any other
            form where only the model's own loss knows what they are.
        x_val: Validation inputs.
        y_val: Validation labels.
        task: What the labels ask for.
        feature_names: Names of the columns of two-dimensional inputs.
        class_names: Names of the classes, in label order.
        notes: What was done to the data, in sentences for the report.
        weights: How much each example of the training and of the validation part counts in the
            loss: ``(n,)``, or ``(n, steps)`` for each time step, or such arrays for each output;
            all alike if ``None``.
        label_form: Shape and type of a label as it was given, ``()`` or ``(k,)``, for code of the
            user's own that sees it; ``None`` where labels are as they were given.

    Raises:
        DataError: Shapes do not fit, there is nothing to train on, or a value
            is not finite.
    """

    name: str
    x_train: Arrays
    y_train: Arrays
    x_val: Arrays
    y_val: Arrays
    task: Task
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    weights: tuple[Arrays, Arrays] = (None, None)
    label_form: tuple[tuple[int, ...], str] | None = None

    def __post_init__(self) -> None:
        for part, examples in (("train", self.train), ("val", self.val)):
            _check_part(self.name, part, examples)
        _check_alike(self.name, "examples", self.x_train, self.x_val)
        _check_alike(self.name, "labels", self.y_train, self.y_val)

    def __getstate__(self) -> dict[str, Any]:
        """As another process gets it: with all values, also of arrays mapped from a file."""
        return {name: _loaded(value) for name, value in vars(self).items()}

    @property
    def train(self) -> Examples:
        """The training part."""
        return Examples(self.x_train, self.y_train, self.weights[0])

    @property
    def val(self) -> Examples:
        """The validation part."""
        return Examples(self.x_val, self.y_val, self.weights[1])

    def of(self, train: Examples, val: Examples) -> Dataset:
        """The same data set with other examples, such as the first of each part."""
        return replace(
            self,
            x_train=train.x,
            y_train=train.y,
            x_val=val.x,
            y_val=val.y,
            weights=(train.weights, val.weights),
        )

    @property
    def examples(self) -> int:
        """How many examples train."""
        return count(self.x_train)

    @property
    def task_note(self) -> str:
        """What the labels were taken for, in a sentence."""
        if self.y_train is None:
            return f"{self.name} has no labels: the model's own loss looks at none."
        if self.task == "own":
            return f"The labels of {self.name} stay as they are, for the model's own loss."
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
        """Number of classes; 0 where the labels are none."""
        if self.task in ("regression", "own"):
            return 0
        if self.task == "binary":
            return 2
        if self.label_width > 1:
            return self.label_width
        return int(max(self.y_train.max(), self.y_val.max())) + 1

    @property
    def label_width(self) -> int:
        """Numbers in the label of an example, where labels are one array: 1, or those of a row."""
        return math.prod(self.y_train.shape[1:])

    @property
    def fingerprint(self) -> str:
        """Hash of all inputs and labels, so that a resumed study knows its data."""
        digest = hashlib.sha256()
        for part in (self.x_train, self.y_train, self.x_val, self.y_val):
            if is_nested(part):
                digest.update(str(structure(part)).encode())
            for array in leaves(part):
                digest.update(f"{array.dtype}{array.shape}".encode())
                for piece in pieces(array):
                    digest.update(np.ascontiguousarray(piece).tobytes())
        return digest.hexdigest()[:16]


def _loaded(value: Any) -> Any:
    if is_nested(value):
        return mapped(_loaded, value)
    return np.asarray(value) if isinstance(value, np.ndarray) else value


def _check_part(name: str, part: str, examples: Examples) -> None:
    lengths = [{len(array) for array in leaves(one)} for one in examples]
    inputs, labels, weights = lengths
    if len(inputs) != 1 or not (inputs >= labels and inputs >= weights) or 0 in inputs:
        found = [
            f"{_in_words(one)} {kind}"
            for one, kind in zip(lengths, ("inputs", "labels", "weights"), strict=True)
            if one or kind == "inputs"
        ]
        raise DataError(
            f"data {name!r}: {' and '.join(found)} in the {part} part; "
            f"expected as many of each, and at least one; check how the arrays were cut"
        )
    for kind, arrays in zip(("inputs", "labels", "weights"), examples, strict=True):
        for array in leaves(arrays):
            check_finite(name, f"the {part} {kind}", array)


def _in_words(lengths: set[int]) -> str:
    return " or ".join(map(str, sorted(lengths))) or "no"


def _check_alike(name: str, kind: str, train: Arrays, val: Arrays) -> None:
    """Refuse parts whose examples have different shapes."""
    of_one = [[np.shape(array)[1:] for array in leaves(part)] for part in (train, val)]
    if structure(train) == structure(val) and of_one[0] == of_one[1]:
        return
    if any(one is None or is_nested(one) for one in (train, val)):
        shown = shapes(rows(train, slice(1))), shapes(rows(val, slice(1)))
    else:
        shown = str(of_one[0][0]), str(of_one[1][0])
    raise DataError(
        f"data {name!r}: training {kind} have shape {shown[0]}, validation {kind} {shown[1]}; "
        f"expected the same; pass arrays whose shapes agree after the first axis"
    )


def check_finite(name: str, where: str, array: Array) -> None:
    """Refuse NaN and infinite values.

    Raises:
        DataError: There are some; says how many and where the first is.

    >>> check_finite("mine", "x_train", np.zeros((3, 2)))
    """
    if array.dtype.kind != "f" or array.size == 0 or was_looked_at(array):
        return
    rows = np.concatenate([_bad_in_rows(piece) for piece in pieces(array)])
    if rows.any():
        first, count = int(np.flatnonzero(rows)[0]), int(np.count_nonzero(rows))
        raise DataError(
            f"data {name!r}: {int(rows.sum())} NaN or infinite values in {where} (first in row "
            f"{first}); expected finite numbers; fill them or drop the {count} rows they are in"
        )
    looked_at(array)


def _bad_in_rows(piece: Array) -> Array:
    bad: Array = ~np.isfinite(piece.reshape(len(piece), -1))
    counts: Array = bad.sum(axis=1)
    return counts
