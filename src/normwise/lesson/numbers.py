"""Numbers as a recording keeps them: few digits, in nested lists, ``None`` where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["counted", "rounded"]

# Digits of a number that count: more than any picture shows.
_DIGITS = 4


def rounded(values: Any) -> Any:
    """To four digits that count, each by itself.

    >>> rounded([0.123456, 2.0, float("nan")])
    [0.1235, 2.0, None]
    """
    if isinstance(values, list | tuple | np.ndarray):
        return [rounded(one) for one in values]
    return float(f"{float(values):.{_DIGITS}g}") if np.isfinite(values) else None


def counted(values: Any, steps: int) -> Any:
    """Shares from 0 to 1 as whole numbers of steps.

    >>> counted([0.25, 1.0, float("nan")], 100)
    [25, 100, None]
    """
    if isinstance(values, list | tuple | np.ndarray):
        return [counted(one, steps) for one in values]
    return round(float(values) * steps) if np.isfinite(values) else None
