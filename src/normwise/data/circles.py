"""Two circles, one inside the other: the tutorials' own data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.data.dataset import Dataset

__all__ = ["circles"]


def circles() -> Dataset:
    """1,000 noisy points on two circles; the first 500 train, the rest validate.

    >>> circles().x_train.shape
    (500, 2)
    """
    x, y = _made(500, noise=0.1, seed=1)
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


def _made(of_each: int, noise: float, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """What scikit-learn's ``make_circles`` makes, to the bit, without a second to import it.

    Args:
        of_each: Points on each circle.
        noise: Deviation of each coordinate.
        seed: Of the order and the noise.

    Returns:
        Points, ``(2 · of_each, 2)``, in random order, and whether each lies on the inner circle.
    """
    draw = np.random.RandomState(seed)
    angles = np.linspace(0, 2 * np.pi, of_each, endpoint=False)
    outer = np.column_stack([np.cos(angles), np.sin(angles)])
    order = np.arange(2 * of_each)
    draw.shuffle(order)
    x = np.concatenate([outer, 0.8 * outer])[order]
    return x + draw.normal(scale=noise, size=x.shape), order // of_each
