"""Trips by car and by train: two inputs on scales far apart, and a line that tells them apart."""

from __future__ import annotations

import numpy as np

from normwise.data.dataset import Dataset

__all__ = ["trips"]

_MILES_AN_HOUR = (50.0, 90.0)  # the median of each class
_SPREAD = 0.25  # standard deviation of the logarithm of that speed
_TRIPS, _TRAINING = 1000, 500


def trips() -> Dataset:
    """1,000 trips, their length in miles and hours; the first 500 train, the rest validate.

    Half an hour to ten hours long, at 50 miles an hour by car and 90 by train, each with a
    log-normal spread: the best rule is right in 88% of them.

    >>> [float(round(column)) for column in trips().x_train.max(axis=0)]
    [1586.0, 10.0]
    """
    random = np.random.default_rng(1)
    by_train = random.integers(2, size=_TRIPS)
    hours = random.uniform(0.5, 10.0, _TRIPS)
    speeds = np.take(_MILES_AN_HOUR, by_train) * np.exp(_SPREAD * random.standard_normal(_TRIPS))
    x = np.stack([speeds * hours, hours], axis=1).astype(np.float32)
    y = by_train.astype(np.float32)[:, None]
    return Dataset(
        name="trips",
        x_train=x[:_TRAINING],
        y_train=y[:_TRAINING],
        x_val=x[_TRAINING:],
        y_val=y[_TRAINING:],
        task="binary",
        feature_names=("miles", "hours"),
        class_names=("car", "train"),
        notes=("1,000 invented trips, first 500 train; the inputs are raw.",),
    )
