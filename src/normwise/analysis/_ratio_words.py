"""A ratio of epochs and its interval, in words."""

from __future__ import annotations

import math

from normwise.domain import Estimate, VerdictKind

__all__ = ["ratio_words"]

_ABOVE = "above 1"


def ratio_words(outcome: VerdictKind, ratio: Estimate) -> str:
    """How much sooner, as far as it can be told, with the interval.

    Args:
        outcome: What the ratio says.
        ratio: Baseline over variant.

    >>> ratio_words("helps", Estimate(1.5, 1.2, 1.9))
    '1.5 times sooner (1.2 to 1.9)'
    """
    interval = f"({_span(ratio)})"
    unbounded = ratio.low == 0.0 and math.isinf(ratio.high)
    if outcome == "hurts" and ratio.value == 0.0:
        return f"at most {ratio.high:.3g} times as fast {interval}"
    unknown = math.isnan(ratio.value) or ratio.value == 0.0
    if unknown or (math.isinf(ratio.value) and outcome != "helps"):
        return "a speed-up that cannot be estimated " + ("yet" if unbounded else interval)
    if math.isinf(ratio.value):
        least = _decided(ratio.low, helps=True)
        return f"{least if least.startswith('slightly') else f'at least {least}'} {interval}"
    if outcome in ("helps", "hurts"):
        return f"{_decided(ratio.value, helps=outcome == 'helps')} {interval}"
    return f"{_speed(ratio.value)} {interval}"


def _decided(ratio: float, *, helps: bool) -> str:
    times = f"{ratio:.3g}"
    if times == "1":
        return "slightly sooner" if helps else "slightly later"
    return f"{times} times {'sooner' if helps else 'as fast'}"


def _speed(ratio: float) -> str:
    return f"a speed-up of {ratio:.3g}" if ratio >= 1 else f"{ratio:.3g} times as fast"


def _span(ratio: Estimate) -> str:
    if math.isfinite(ratio.high):
        return f"{_end(ratio.low)} to {_end(ratio.high)}"
    if ratio.low == 0:
        return "without bounds yet"
    low = _end(ratio.low)
    return low if low == _ABOVE else f"{low} and up"


def _end(ratio: float) -> str:
    """An end of an interval, which may lie so close beside 1 that digits would not show it."""
    text = f"{ratio:.3g}"
    if text != "1" or ratio == 1:
        return text
    return _ABOVE if ratio > 1 else "below 1"
