"""Durations as people type them."""

from __future__ import annotations

import re

from normwise.errors import SpecError

__all__ = ["seconds_of"]

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}


def seconds_of(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``1.5h`` or ``1h30m``.

    Raises:
        SpecError: It is none of these, or nothing.

    >>> seconds_of("10m"), seconds_of("1h30m"), seconds_of("45")
    (600.0, 5400.0, 45.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms]?)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text.strip() or seconds <= 0:
        raise SpecError(
            f"budget {text!r} does not parse; expected a duration above 0 in seconds, minutes or "
            f"hours; try --budget 10m"
        )
    return seconds
