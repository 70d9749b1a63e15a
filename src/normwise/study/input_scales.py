"""How large the inputs are, one by one: what a report draws where they are on unequal scales."""

from __future__ import annotations

import math

import numpy as np

from normwise.data import Dataset
from normwise.data.mapped_rows import is_on_disk
from normwise.data.nested import is_nested
from normwise.report import InputScale

__all__ = ["input_scales"]

_APART = 10.0  # the largest over the smallest, from which on it is worth a picture
_QUANTILES = (0.1, 0.5, 0.9)


def input_scales(dataset: Dataset) -> tuple[InputScale, ...]:
    """The size of each column of the training part, in its order.

    Nothing where inputs are no columns, have no names, or are much alike. A column that is zero
    throughout has no size.

    >>> from normwise.data import find_dataset
    >>> [f"{one.name} {one.middle:.1f}" for one in input_scales(find_dataset("trips"))]
    ['miles 343.5', 'hours 5.3']
    """
    x = dataset.x_train
    if is_nested(x) or x.ndim != 2 or is_on_disk(x) or len(dataset.feature_names) != x.shape[1]:
        return ()
    columns = zip(dataset.feature_names, np.abs(x).T, strict=True)
    found = [
        InputScale(name, *map(float, np.quantile(sizes[sizes > 0], _QUANTILES)))
        for name, sizes in columns
        if np.any(sizes > 0)
    ]
    middles = [one.middle for one in found]
    apart = max(middles) / min(middles) if found else math.nan
    return tuple(found) if apart >= _APART else ()
