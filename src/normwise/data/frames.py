"""Two data frames that have to have the same columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from normwise.errors import DataError, listed

__all__ = ["in_columns_of"]

REORDERED = "The validation part's columns were put in the order of the training part's."


def in_columns_of(train: Any, val: Any) -> tuple[Any, list[str]]:
    """The validation part with its columns in the training part's order, and what was done.

    A model knows columns by their places alone. Only frames with names of their own are
    compared; whatever else there is stays as it is.

    Raises:
        DataError: A column of one has no counterpart in the other.

    >>> import pandas as pd
    >>> train, val = pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [4], "a": [3]})
    >>> val, notes = in_columns_of(train, val)
    >>> val.to_numpy().tolist(), len(notes)
    ([[3, 4]], 1)
    """
    if not (_is_named(train) and _is_named(val)):
        return val, []
    wanted, there = list(train.columns), list(val.columns)
    if wanted == there:
        return val, []
    if len({*wanted}) < len(wanted) or sorted(map(str, wanted)) != sorted(map(str, there)):
        lacking = [str(name) for name in wanted if name not in there]
        strange = [str(name) for name in there if name not in wanted]
        raise DataError(
            f"the validation part has the columns {listed(strange or there)}, and the training "
            f"part {listed(lacking or wanted)}; expected the same of both; encode them as one "
            f"table, and split it then"
        )
    return val[wanted], [REORDERED]


def _is_named(values: Any) -> bool:
    """Whether it is a frame whose columns somebody named, rather than counted."""
    if not hasattr(values, "columns") or np.ndim(values) != 2:
        return False
    return list(values.columns) != list(range(len(values.columns)))
