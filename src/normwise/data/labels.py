"""What labels ask for, and the numbers that Keras' losses take for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.nested import Arrays, leaves, shapes
from normwise.data.quantities import is_quantity
from normwise.domain import Task
from normwise.errors import DataError, listed

__all__ = ["Labelling", "class_numbers", "labelling", "own_labels"]

Array = NDArray[Any]
# Whole numbers 0, 1, …, k-1 are how classes are counted; above this many they count something.
MOST_CLASSES = 100
# Other whole numbers are classes where they are few and each comes often, else a quantity.
FEW_NUMBERS, OFTEN = 20, 5
# A class needs an example to train on and one to validate on.
FEWEST_ROWS = 2


@dataclass(frozen=True, eq=False)
class Labelling:
    """How labels become numbers.

    Attributes:
        task: What the labels ask for.
        distinct: The distinct labels, ascending: the k-th stands for class k.
        in_doubt: Whether nobody said what could be classes as well as a quantity.
        one_hot: Whether a label is a row with a single 1, at the place of its class.
    """

    task: Task
    distinct: Array
    in_doubt: bool = False
    one_hot: bool = False

    @property
    def values(self) -> Array:
        """The labels of the classes in order; none where they are no classes."""
        return self.distinct if self.task in ("binary", "classes") else self.distinct[:0]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes in order; none where the labels are their numbers."""
        if self._are_numbers_of_classes:
            return ()
        return tuple(_plain(value) for value in self.values)

    def encode(self, targets: Arrays) -> Arrays:
        """Labels in the shape and type that Keras' losses take without guessing.

        ``(n, 1)`` float32 for two classes, ``(n,)`` int32 for several or rows with a single 1 as
        they came, ``(n, k)`` float32 for a regression.
        """
        if self.task == "own":
            return targets
        if self.one_hot:
            return targets.astype(np.float32)
        if self.task == "regression":
            width = int(np.prod(targets.shape[1:]))  # -1 would not do for no rows
            with np.errstate(over="ignore"):  # what becomes infinite is refused with its place
                return targets.reshape(len(targets), width).astype(np.float32)
        codes = np.searchsorted(self.values, targets.reshape(len(targets)))
        return codes[:, None].astype(np.float32) if self.task == "binary" else codes.astype("i4")

    def form(self, targets: Arrays) -> tuple[tuple[int, ...], str] | None:
        """Shape and type of a label as it came.

        ``None`` where it is a text, or a row of numbers that may have a fraction.

        >>> labelling("y", np.array([0, 1])).form(np.array([[0], [1]], "u1"))
        ((1,), '|u1')
        """
        is_one, kind = targets.shape[1:] in ((), (1,)), targets.dtype.kind
        if self.task == "own" or kind == "U" or (kind == "f" and not is_one):
            return None
        return targets.shape[1:], targets.dtype.str

    def note(self, name: str, targets: Arrays) -> str:
        """What became of the labels, in a sentence; empty where nothing needs saying."""
        if self.task == "own":
            return ""
        if self.task == "regression":
            low, high, mean = (float(f(targets)) for f in (np.min, np.max, np.mean))
            note = f"{name} goes from {low:,.6g} to {high:,.6g} (mean {mean:,.6g})."
            return f"{note} If these are classes: --task classes." if self.in_doubt else note
        if not self.names:
            return f"If {name} is a quantity: --task regression." if self.in_doubt else ""
        counts = np.bincount(np.searchsorted(self.values, targets.reshape(len(targets))))
        rows = [f"{value} ({count:,})" for value, count in zip(self.names, counts, strict=True)]
        note = f"Classes of {name}, with their rows: {listed(rows)}."
        return f"{note} If they are a quantity: --task regression." if self.in_doubt else note

    @property
    def _are_numbers_of_classes(self) -> bool:
        numbers = self.values.dtype.kind in "biuf"
        return numbers and np.array_equal(self.values, np.arange(len(self.values)))


def labelling(
    what: str, targets: Array, task: Task | None = None, *, otherwise: str = ""
) -> Labelling:
    """See what labels ask for, or check that they fit the ``task`` that was asked for.

    Two different values are ``binary`` if they are whole numbers or texts; texts, whole
    numbers from 0 without a gap, and few whole numbers that come often are ``classes``, unless
    they are spread as what counts or measures something is; so are rows with a single 1;
    everything else is a ``regression``.

    Args:
        what: What to call the labels in a message.
        targets: Finite numbers or texts, ``(n,)`` or ``(n, k)``.
        task: What to take them for; inferred if ``None``.
        otherwise: What else to do where they never differ, in words.

    Raises:
        DataError: There is nothing to learn, or the labels do not fit the task.

    >>> labelling("y", np.array([3, 5, 7] * 20)).task
    'classes'
    >>> labelling("y", np.array([3, 5, 7] * 20), "regression").task
    'regression'
    >>> labelling("y", np.array(["no", "yes"])).encode(np.array(["yes", "no"])).tolist()
    [[1.0], [0.0]]
    """
    if targets.ndim > 2 or targets.ndim == 0:
        raise DataError(
            f"{what} has shape {targets.shape}; expected one label or one row of numbers an "
            f"example: (n,) or (n, k); reshape it"
        )
    column = targets[:, 0] if targets.shape[1:] == (1,) else targets
    values = np.unique(column)
    _check_distinct(what, column, values, otherwise)
    if task in (None, "classes") and _is_one_hot(column, values):
        return Labelling("classes", np.arange(column.shape[1]), one_hot=True)
    if task is None:
        task = _inferred(what, column, values)
        return Labelling(task, values, in_doubt=_could_be_either(column, values))
    _check_fit(what, column, values, task)
    return Labelling(task, values)


def class_numbers(labels: Array) -> Array:
    """The number of the class of each example, ``(n,)``: of rows, that of the largest share.

    >>> class_numbers(np.array([[0.0], [1.0]])).tolist(), class_numbers(np.eye(2)).tolist()
    ([0, 1], [0, 1])
    """
    is_one = labels.shape[1:] in ((), (1,))
    numbers: Array = (labels if is_one else labels.argmax(axis=-1)).ravel().astype(int)
    return numbers


def own_labels(what: str, labels: Arrays) -> Labelling:
    """Labels that only a loss knows: they stay as they are.

    Raises:
        DataError: Some are texts.
    """
    if any(array.dtype.kind == "U" for array in leaves(labels)):
        raise DataError(
            f"{what} holds texts in several arrays or dimensions ({shapes(labels)}); expected "
            f"numbers there, as the model's loss takes them; convert them, as in "
            f"numpy.unique(labels, return_inverse=True)[1]"
        )
    return Labelling("own", np.zeros(0))


def _check_distinct(what: str, column: Array, values: Array, otherwise: str) -> None:
    if len(values) == 0:
        raise DataError(
            f"{what} has shape {column.shape}; expected at least one example with a label; check "
            f"which column or array holds the labels"
        )
    if len(values) == 1:
        raise DataError(
            f"{what} is {_quoted(values)} in every row; expected at least two different values; "
            f"check which column or array holds the labels{otherwise}"
        )


def _inferred(what: str, column: Array, values: Array) -> Task:
    if column.ndim > 1:
        return "regression"
    several = len(values) > 2
    if _is_text(values):
        if several and (len(values) > MOST_CLASSES or not _come(FEWEST_ROWS, column, values)):
            raise DataError(
                f"{what} is text with {len(values)} different values in {len(column)} rows; "
                f"expected numbers, or at most {MOST_CLASSES} classes; {_remedy(column, values)}"
            )
        return "classes" if several else "binary"
    if not several and _are_whole(values):
        return "binary"
    if not _could_be_either(column, values):
        return "regression"
    _, counts = np.unique(column, return_counts=True)
    return "regression" if is_quantity(values, counts) else "classes"


def _is_one_hot(column: Array, values: Array) -> bool:
    """Whether each row has a single 1, at the place of its class, and else 0."""
    return column.ndim > 1 and set(values) == {0, 1} and bool((column.sum(axis=-1) == 1).all())


def _could_be_either(column: Array, values: Array) -> bool:
    """Whether labels are whole numbers, few enough to be classes and more than two."""
    numbers = column.ndim == 1 and values.dtype.kind in "iuf" and len(values) > 2
    if not numbers or not _are_whole(values):
        return False
    counted = np.array_equal(values, np.arange(len(values)))
    most, rows = (MOST_CLASSES, FEWEST_ROWS) if counted else (FEW_NUMBERS, OFTEN)
    return len(values) <= most and _come(rows, column, values)


def _check_fit(what: str, column: Array, values: Array, task: Task) -> None:
    if task == "regression":
        if _is_text(values):
            raise DataError(
                f"{what} is text, such as {_quoted(values)}, and cannot be a quantity; expected "
                f"numbers for the task regression; {_remedy(column, values)}"
            )
        return
    if column.ndim > 1:
        raise DataError(
            f"{what} has shape {column.shape}; expected one label an example for the task {task}; "
            f"try --task regression"
        )
    if task == "binary" and len(values) != 2:
        raise DataError(
            f"{what} has {len(values)} different values; expected two for the task binary; "
            f"{_remedy(column, values)}"
        )
    if not _come(FEWEST_ROWS, column, values) and len(values) > 2:
        raise DataError(
            f"{what} has {len(values)} different values in {len(column)} rows; expected classes of "
            f"at least {FEWEST_ROWS} rows each; {_remedy(column, values)}"
        )


def _remedy(column: Array, values: Array) -> str:
    """What to type instead: a task that these labels fit, if there is one."""
    other = "check which column or array holds the labels"
    if _come(FEWEST_ROWS, column, values):
        return f"try --task classes, or {other}"
    return other if _is_text(values) else f"try --task regression, or {other}"


def _come(times: int, column: Array, values: Array) -> bool:
    return len(column) >= times * len(values)


def _are_whole(values: Array) -> bool:
    return bool(np.equal(np.mod(values, 1), 0).all())


def _is_text(values: Array) -> bool:
    return values.dtype.kind in "OU"


def _quoted(values: Array) -> str:
    return repr(str(values[0])) if _is_text(values) else _plain(values[0])


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)
