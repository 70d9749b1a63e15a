"""Two circles, one inside the other: the tutorials' own data."""

from __future__ import annotations

import numpy as np

from normwise.data.dataset import Dataset

__all__ = ["circles"]


def circles() -> Dataset:
    """1,000 noisy points on two circles; the first 500 train, the rest validate.

    >>> circles().x_train.shape
    (500, 2)
    """
    from sklearn.datasets import make_circles

    x, y = make_circles(n_samples=1000, noise=0.1, random_state=1)
    x, y = x.astype(np.float32), y.astype(np.float32)[:, None]
    return Dataset(
        name="circles",
        x_train=x[:500],
        y_train=y[:500],
        x_val=x[500:],
        y_val=y[500:],
        task="binary",
        feature_names=("x1", "x2"),
        class_names=("outer", "inner"),
        notes=("make_circles(n_samples=1000, noise=0.1, random_state=1), first 500 train.",),
    )
