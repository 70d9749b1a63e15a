"""Rows that belong together stand on one side of the split."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain import Task
from normwise.errors import DataError

__all__ = ["split_by_group"]

Array = NDArray[Any]
PARTS = 5


def split_by_group(
    name: str, groups: Array, targets: Array, task: Task
) -> tuple[Array, Array, str]:
    """Row numbers of the training and the validation part, and the sentence that says it.

    A fifth of the rows validates, as near as whole groups allow, classes as near to their
    proportion.

    Args:
        name: The name of the column that holds the groups.
        groups: The group of each row, as a number from 0; a row of -1 is a group of its own.
        targets: The label of each row.
        task: What the labels ask for.

    Raises:
        DataError: There are no two groups, or no split leaves every class something to train on.

    >>> groups = np.repeat(np.arange(10), 3)
    >>> train, val, note = split_by_group("person", groups, np.arange(30.0), "regression")
    >>> set(groups[train]) & set(groups[val]), note
    (set(), '24 rows train, 6 validate (split by person: 8 and 2 groups, seed 0).')
    """
    alone = np.flatnonzero(groups < 0)
    groups = groups.copy()
    groups[alone] = groups.max(initial=-1) + 1 + np.arange(len(alone))
    count = len(np.unique(groups))
    if count < 2:
        raise DataError(
            f"group column {name!r} has the same value in every row; expected at least two groups, "
            f"one to train on and one to validate on; name another with --group-column"
        )
    for train, val in _splits(groups, targets, task, min(PARTS, count)):
        if task == "regression" or len(np.unique(targets[train])) == len(np.unique(targets)):
            sizes = [len(np.unique(groups[part])) for part in (train, val)]
            return train, val, _note(name, train, val, sizes)
    raise DataError(
        f"group column {name!r} has {count} groups, and each split by them leaves a class without "
        f"a row to train on; expected every class in several groups; leave --group-column out"
    )


def _splits(groups: Array, targets: Array, task: Task, parts: int) -> list[tuple[Array, Array]]:
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

    if task == "regression":
        splitter = GroupShuffleSplit(1, test_size=1 / PARTS, random_state=0)
    else:
        splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            found = list(splitter.split(groups, targets, groups))
        except ValueError:  # not as many rows of any class as there are parts
            return []
    return [(train, val) for train, val in found if len(train) and len(val)]


def _note(name: str, train: Array, val: Array, sizes: list[int]) -> str:
    groups = " and ".join(f"{size:,}" for size in sizes)
    return (
        f"{len(train):,} rows train, {len(val):,} validate (split by {name}: {groups} groups, "
        f"seed 0)."
    )
