"""Numbers and estimates as a reader sees them, the same in terminal, HTML and PNG."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from normwise.domain import Estimate

__all__ = [
    "NONE",
    "NOT_REACHED",
    "cost_interval",
    "decimals",
    "epochs",
    "epochs_interval",
    "in_epochs",
    "mean",
    "median",
    "number",
    "percent",
    "ratio",
    "ratio_interval",
    "roughly",
    "saved",
    "scientific",
    "seconds",
    "seconds_interval",
    "signed",
    "spread",
    "value_interval",
]

NONE = "—"
NOT_REACHED = "not reached"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(share: float) -> str:
    """A share as a percentage, such as a confidence.

    >>> percent(0.95), percent(0.9875)
    ('95%', '98.75%')
    """
    return f"{100 * share:.4g}%"


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


def scientific(value: float) -> str:
    """A measured number to two significant digits, however small or large it is.

    >>> scientific(0.31), scientific(1.56e-19), scientific(1e-9), scientific(2.3e7), scientific(0.0)
    ('0.31', '1.6×10⁻¹⁹', '10⁻⁹', '2.3×10⁷', '0')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return number(value, 2) if value else "0"
    digits, _, power = f"{value:.1e}".partition("e")
    of_ten = f"10{str(int(power)).translate(_RAISED)}"
    return of_ten if digits == "1.0" else f"{digits.removesuffix('.0')}×{of_ten}"


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


def roughly(seconds: float) -> str:
    """A time with no more digits than an estimate has.

    >>> roughly(7.2), roughly(47), roughly(400)
    ('10 s', '50 s', '7 min')
    """
    if seconds < 57:
        return f"{math.ceil(seconds / 5) * 5} s"
    return f"{math.ceil(seconds / 60)} min"


def epochs(value: float) -> str:
    """A number of epochs; ``not reached`` for infinity.

    >>> epochs(25.0), epochs(16.52), epochs(1234.0), epochs(math.inf)
    ('25', '16.5', '1234', 'not reached')
    """
    if math.isinf(value):
        return NOT_REACHED
    return NONE if math.isnan(value) else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def in_epochs(value: float) -> str:
    """A number of epochs with its unit; ``not reached`` for infinity.

    >>> in_epochs(1.0), in_epochs(16.5), in_epochs(math.inf)
    ('1 epoch', '16.5 epochs', 'not reached')
    """
    if not math.isfinite(value):
        return epochs(value)
    return f"{epochs(value)} {'epoch' if value == 1 else 'epochs'}"


def mean(estimate: Estimate | None) -> str:
    """A mean, with as many decimals as its interval warrants, without the interval.

    >>> mean(Estimate(0.8476, 0.8455, 0.8497)), mean(Estimate(0.8476, 0.84757, 0.84763))
    ('0.848', '0.84760')
    """
    if estimate is None or not math.isfinite(estimate.value):
        return NONE
    if not 1e-4 <= abs(estimate.value) < 1e6:
        return number(estimate.value)
    return f"{estimate.value:.{_places(estimate)}f}"


def median(estimate: Estimate | None) -> str:
    """A median of replicas of which some may have diverged, without its interval.

    >>> median(Estimate(0.8476, 0.8455, 0.8497)), median(Estimate(-math.inf, -math.inf, 0.8))
    ('0.848', 'diverged')
    """
    return "diverged" if estimate is not None and math.isinf(estimate.value) else mean(estimate)


def value_interval(estimate: Estimate | None) -> str:
    """The interval of a metric; empty where there is none.

    >>> value_interval(Estimate(0.8476, 0.8455, 0.8497))
    '[0.846, 0.850]'
    >>> value_interval(Estimate(0.3, 0.2, math.inf)), value_interval(Estimate(0.8, -math.inf, 0.85))
    ('0.200 or more', '0.850 or less')
    """
    if estimate is None:
        return ""
    shown = [end for end in (estimate.value, estimate.high, estimate.low) if math.isfinite(end)]
    return _bounded(estimate, f".{_places(replace(estimate, value=(shown or [0.0])[0]))}f")


def signed(estimate: Estimate) -> tuple[str, str]:
    """A difference and its interval, with their signs.

    >>> signed(Estimate(-0.003, -0.0104, 0.0)), signed(Estimate(0.2, 0.1, math.inf))
    (('-0.0030', '[-0.0104, +0.0000]'), ('+0.200', '+0.100 or more'))
    >>> signed(Estimate(-math.inf, -math.inf, -0.1))
    ('diverged', '-0.100 or less')
    >>> signed(Estimate(-5.6e29, -math.inf, math.inf))
    ('-5.6e+29', '')
    """
    half = _half(estimate)
    ends = (estimate.value, estimate.low, estimate.high)
    largest = max((abs(end) for end in ends if math.isfinite(end)), default=0.0)
    places = decimals(half, 2) if half else decimals(largest, 3)
    form = f"+.{places}f" if largest < 1e6 else "+.3g"
    value = f"{estimate.value:{form}}" if math.isfinite(estimate.value) else median(estimate)
    return value, _bounded(estimate, form)


def _bounded(estimate: Estimate, form: str) -> str:
    low, high = (f"{end:{form}}" for end in (estimate.low, estimate.high))
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        return f"[{low}, {high}]"
    if math.isfinite(estimate.low):
        return f"{low} or more"
    return f"{high} or less" if math.isfinite(estimate.high) else ""


def spread(estimate: Estimate | None) -> str:
    """Half the width of a mean's interval; empty where there is none.

    >>> spread(Estimate(0.8476, 0.8455, 0.8497)), spread(Estimate(0.8476, math.nan, math.nan))
    ('± 0.002', '')
    """
    half = _half(estimate)
    if estimate is None or half is None or not math.isfinite(estimate.value):
        return ""
    if not 1e-4 <= abs(estimate.value) < 1e6:
        return f"± {number(half)}"
    return f"± {half:.{_places(estimate)}f}"


def _half(estimate: Estimate | None) -> float | None:
    half = math.nan if estimate is None else (estimate.high - estimate.low) / 2
    return half if math.isfinite(half) else None


def _places(estimate: Estimate) -> int:
    """Decimals: three digits of the mean, more if the interval is narrower than that."""
    places = decimals(estimate.value, 3) if estimate.value else 3
    half = _half(estimate)
    return min(6, max(places, decimals(half, 1) if half else 0))


def epochs_interval(estimate: Estimate) -> str:
    """The 95% interval of a number of epochs; empty where there is none.

    >>> epochs_interval(Estimate(16.0, 14.0, 18.0)), epochs_interval(Estimate(40.0, 31.0, math.inf))
    ('[14, 18]', '31 or more')
    >>> epochs_interval(Estimate(14.5, 0.0, math.inf))  # of four seeds, say
    'no bounds yet'
    """
    return _brackets(estimate, epochs)


def saved(estimate: Estimate) -> str:
    """How many epochs a variant saves on average, with the interval.

    >>> saved(Estimate(9.31, 8.1, 10.5)), saved(Estimate(-2.0, -3.0, -1.0))
    ('saves 9.31 [8.1, 10.5]', 'takes 2 more [1, 3]')
    >>> saved(Estimate(math.nan, math.nan, math.nan))
    ''
    """
    if not math.isfinite(estimate.value):
        return ""
    sign = -1.0 if estimate.value < 0 else 1.0
    value, *ends = (f"{sign * end:.3g}" for end in (estimate.value, estimate.low, estimate.high))
    low, high = ends if sign > 0 else reversed(ends)
    return f"saves {value} [{low}, {high}]" if sign > 0 else f"takes {value} more [{low}, {high}]"


def ratio(estimate: Estimate | None) -> str:
    """A ratio, or the bound that the data set it where one side never reached the target.

    >>> ratio(Estimate(1.5625, 1.3, 1.8)), ratio(Estimate(math.inf, 4.0, math.inf))
    ('1.56×', 'above 4.00×')
    >>> ratio(Estimate(0.0, 0.0, 0.42)), ratio(Estimate(math.nan, math.nan, math.nan)), ratio(None)
    ('below 0.42×', '—', '—')
    >>> ratio(Estimate(math.inf, 0.0, math.inf))  # too few seeds to say anything
    '—'
    """
    if estimate is None or math.isnan(estimate.value):
        return NONE
    if math.isinf(estimate.value):
        return f"above {_factor(estimate.low)}×" if 0 < estimate.low < math.inf else NONE
    if estimate.value == 0:
        return f"below {_factor(estimate.high)}×" if math.isfinite(estimate.high) else NONE
    return f"{_factor(estimate.value)}×"


def ratio_interval(estimate: Estimate | None) -> str:
    """The 95% interval of a ratio; empty where there is none, or the ratio is a bound.

    >>> ratio_interval(Estimate(1.5625, 1.0, 1.8))
    '[1.00, 1.80]'
    >>> ratio_interval(Estimate(math.inf, 4.0, math.inf))
    ''
    """
    if estimate is None or not 0 < estimate.value < math.inf:
        return ""
    return _brackets(estimate, _factor)


def cost_interval(estimate: Estimate | None) -> str:
    """The interval of a cost; empty where there is none.

    >>> cost_interval(Estimate(0.5, 0.4, 0.6))
    '[0.400, 0.600]'
    """
    return "" if estimate is None else _brackets(estimate, number)


def seconds_interval(estimate: Estimate) -> str:
    """The interval of a duration; empty where there is none.

    >>> seconds_interval(Estimate(0.25, 0.2, 0.3))
    '[200 ms, 300 ms]'
    """
    return _brackets(estimate, seconds)


def _factor(value: float) -> str:
    """Two decimals around 1, so that a ratio and its interval line up; else three digits."""
    return f"{value:.2f}" if 0.1 <= value < 10 else number(value)


def _brackets(estimate: Estimate, show: Callable[[float], str]) -> str:
    if not math.isfinite(estimate.low) or math.isnan(estimate.high):
        return ""
    if math.isinf(estimate.high):
        return f"{show(estimate.low)} or more" if estimate.low > 0 else "no bounds yet"
    return f"[{show(estimate.low)}, {show(estimate.high)}]"
