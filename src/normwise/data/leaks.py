"""Columns that predict the target alone: often it in other words, or known only afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.raw_table import is_text
from normwise.domain import Task

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["leaks"]

Array = NDArray[Any]
# So well does a column predict what it was not fitted to: of the classes, on average, the share
# that is right; of a quantity, the share of its variance. Of fewer rows chance makes such columns.
PREDICTED, FEWEST_ROWS = 0.99, 10
# So many rows show it.
MOST_ROWS = 1000


def leaks(table: pd.DataFrame, targets: Array, train: Array, val: Array, task: Task) -> list[str]:
    """Names of the columns that predict the rows that validate, each alone; none of one column.

    Args:
        table: Columns of numbers and text.
        targets: The label of each row.
        train: Rows that a tree of a column's values is fitted to.
        val: Rows that it is to predict.
        task: What the labels ask for.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"a": np.arange(100.0) // 2 % 7, "b": np.arange(100) % 2 * 3 + 1})
    >>> rows = np.arange(100)
    >>> leaks(table, rows % 2, rows[:80], rows[80:], "binary")
    ['b']
    """
    train, val = train[:MOST_ROWS], val[:MOST_ROWS]
    if len(val) < FEWEST_ROWS or len(table.columns) < 2:
        return []
    score = _share_of_variance if task == "regression" else _share_of_classes
    labels = targets if task == "regression" else np.unique(targets, return_inverse=True)[1]
    return [
        str(name)
        for name in table.columns
        if score(_in_order(table[name]), labels, train, val) >= PREDICTED
    ]


def _in_order(column: pd.Series) -> Array:
    """Numbers that have the order of a column's numbers, or one for each text, ``(n, 1)``."""
    codes, _ = column.factorize(sort=not is_text(column))
    return np.where(codes < 0, np.nan, codes)[:, None]


def _share_of_classes(values: Array, labels: Array, train: Array, val: Array) -> float:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(min_samples_leaf=2, random_state=0)
    is_right = tree.fit(values[train], labels[train]).predict(values[val]) == labels[val]
    kinds, rows = np.unique(labels[val], return_counts=True)
    kinds = kinds[rows > 1]
    if len(kinds) < 2:  # who guesses the other class is always right
        return 0.0
    return float(np.mean([is_right[labels[val] == one].mean() for one in kinds]))


def _share_of_variance(values: Array, labels: Array, train: Array, val: Array) -> float:
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=0)
    score: float = tree.fit(values[train], labels[train]).score(values[val], labels[val])
    return score
