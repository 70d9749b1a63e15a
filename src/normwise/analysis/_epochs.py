"""Reading epochs-to-target as they arrive from a caller, and refusing what cannot be one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normwise.domain import CONFIDENCE
from normwise.errors import SpecError

__all__ = ["checked_confidence", "checked_epochs", "checked_horizon", "checked_margin"]

FloatArray = NDArray[np.float64]


def checked_horizon(horizon: float) -> float:
    """``horizon`` as a float.

    Raises:
        SpecError: It is not a finite number above 0.

    >>> checked_horizon(30)
    30.0
    """
    value = float(horizon)
    if not 0.0 < value < math.inf:
        msg = (
            f"horizon is {value:g}; expected a finite number above 0, the epochs every replica "
            f"was given; try horizon=30"
        )
        raise SpecError(msg)
    return value


def checked_confidence(confidence: float) -> float:
    """``confidence`` as a float.

    Raises:
        SpecError: It is not strictly between 0 and 1.

    >>> checked_confidence(0.95)
    0.95
    """
    value = float(confidence)
    if not 0.0 < value < 1.0:
        msg = (
            f"confidence is {value:g}; expected a fraction above 0 and below 1; "
            f"try confidence={CONFIDENCE}"
        )
        raise SpecError(msg)
    return value


def checked_margin(margin: float) -> float:
    """``margin`` as a float.

    Raises:
        SpecError: It is not a finite number above 1.

    >>> checked_margin(1.25)
    1.25
    """
    value = float(margin)
    if not 1.0 < value < math.inf:
        msg = (
            f"margin is {value:g}; expected a finite ratio above 1, below which a speed-up does "
            f"not matter; try margin=1.25"
        )
        raise SpecError(msg)
    return value


def checked_epochs(name: str, epochs: ArrayLike, horizon: float) -> FloatArray:
    """``epochs`` as a one-dimensional array in (0, horizon], ``inf`` for never reached.

    Args:
        name: What the caller calls them, for the message.
        epochs: Epochs to the target, shape (n,), n ≥ 1.
        horizon: Epochs every replica was given.

    Returns:
        A new float64 array of shape (n,).

    Raises:
        SpecError: Wrong shape, no values, not numbers, NaN, ≤ 0, or finite above
            the horizon.

    >>> checked_epochs("baseline_epochs", [12, 30, float("inf")], 30.0)
    array([12., 30., inf])
    """
    try:
        values = np.array(epochs, dtype=np.float64)
    except (TypeError, ValueError):
        msg = (
            f"{name} is {epochs!r}; expected a flat sequence of numbers; "
            f"try {name}=[12, 15, float('inf')]"
        )
        raise SpecError(msg) from None
    if values.ndim != 1 or values.size == 0:
        msg = (
            f"{name} has shape {values.shape}; expected one dimension with one value a replica; "
            f"try {name}=[12, 15, float('inf')]"
        )
        raise SpecError(msg)
    _refuse(name, values, np.isnan(values), "a number", "float('inf') for never reached")
    _refuse(name, values, values <= 0, "epochs above 0", "counting epochs from 1")
    beyond = np.isfinite(values) & (values > horizon)
    _refuse(
        name,
        values,
        beyond,
        f"at most the horizon, {horizon:g}",
        f"horizon={values[beyond].max(initial=0.0):g}, or float('inf') for never reached",
    )
    return values


def _refuse(name: str, values: FloatArray, bad: NDArray[np.bool_], expected: str, fix: str) -> None:
    if bad.any():
        index = int(np.argmax(bad))
        msg = f"{name}[{index}] is {values[index]:g}; expected {expected}; try {fix}"
        raise SpecError(msg)
