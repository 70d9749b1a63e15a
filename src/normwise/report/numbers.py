"""Numbers as a reader sees them."""

from __future__ import annotations

import math

__all__ = ["NONE", "decimals", "number", "seconds"]

NONE = "—"


def number(value: float | None, digits: int = 3) -> str:
    """A measured number to three significant digits; ``—`` for none.

    >>> number(0.84761), number(1.0), number(12345.6), number(3.2e-7), number(math.nan)
    ('0.848', '1.00', '12300', '3.2e-07', '—')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits}g}"
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.{decimals(rounded, digits)}f}"


def decimals(value: float, digits: int) -> int:
    """Decimals that show ``digits`` significant digits of ``value``."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0


def seconds(value: float) -> str:
    """A duration in the unit that suits it.

    >>> seconds(6.2e-5), seconds(0.0123), seconds(2.5), seconds(312.0), seconds(math.inf)
    ('62.0 µs', '12.3 ms', '2.50 s', '5.20 min', '—')
    """
    if not math.isfinite(value):
        return NONE
    units = ((7200.0, 1 / 3600, "h"), (120.0, 1 / 60, "min"), (1.0, 1.0, "s"), (1e-3, 1e3, "ms"))
    for least, factor, unit in units:
        if value >= least:
            return f"{number(value * factor)} {unit}"
    return f"{number(value * 1e6)} µs"
