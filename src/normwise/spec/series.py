"""Settings of several numbers: as a list, or as a range on a logarithmic scale."""

from __future__ import annotations

import contextlib
import math

from pydantic_core import PydanticCustomError

__all__ = ["MOST", "series", "spread"]

# More replicas or epochs than any study runs: a slip of the finger, found before it hangs.
MOST = 100_000


def series(value: object) -> object:
    """A tuple of one or several values; a text may list them: 1,2,3, or FIRST:LAST:COUNT.

    >>> series("2,10,30"), series(["2", "8:32:3"]), series(0.1)
    ((2, 10, 30), (2, 8.0, 16.0, 32.0), (0.1,))
    """
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else (value,)
    listed = [item.split(",") if isinstance(item, str) else [item] for item in items]
    parts = [part for parts in listed for part in parts]
    spread_out = [spread(part) if isinstance(part, str) else (part,) for part in parts]
    return tuple(number for numbers in spread_out for number in numbers)


def spread(text: str) -> tuple[object, ...]:
    """Numbers from FIRST to LAST, evenly on a logarithmic scale; or the text as it is.

    >>> spread("1e-4:1:5")
    (0.0001, 0.001, 0.01, 0.1, 1.0)
    """
    parts = text.split(":")
    if len(parts) != 3:
        return (_number(text),)
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
    except ValueError:
        return (text,)
    if not (0 < first < last < math.inf and 2 <= count <= MOST):
        raise PydanticCustomError(
            "range", "FIRST:LAST:COUNT with 0 < FIRST < LAST and a COUNT of 2 or more"
        )
    shares = (step / (count - 1) for step in range(count))
    # Not with the ratio of the ends, which can be beyond all floats.
    steps = (first ** (1 - share) * last**share for share in shares)
    # As people write them: 0.001, not 0.0009999999999999998.
    return tuple(float(f"{value:.6g}") for value in steps)


def _number(text: str) -> object:
    """What the command line gives as text; a message then shows a number."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
