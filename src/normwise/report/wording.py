"""Numbers and names as a reader sees them, the same in terminal, HTML and PNG."""

from __future__ import annotations

import math
from collections.abc import Callable

from normwise.domain import SOLO_LIMIT, Estimate, SoloCheck, Target
from normwise.report.curves import BAND
from normwise.report.numbers import NONE, decimals, number, seconds
from normwise.report.page import Page, Row

__all__ = [
    "arrived",
    "completeness",
    "cost_interval",
    "counts",
    "curves_key",
    "epochs",
    "epochs_interval",
    "mean",
    "metric_label",
    "number",
    "prose",
    "ratio",
    "ratio_interval",
    "saved",
    "seconds",
    "seconds_interval",
    "solo_sentence",
    "spread",
    "target_text",
]

NOT_REACHED = "not reached"


def epochs(value: float) -> str:
    """A number of epochs; ``not reached`` for infinity.

    >>> epochs(25.0), epochs(16.52), epochs(1234.0), epochs(math.inf)
    ('25', '16.5', '1234', 'not reached')
    """
    if math.isinf(value):
        return NOT_REACHED
    return NONE if math.isnan(value) else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


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


def arrived(row: Row) -> str:
    """How many replicas reached the target, of how many: ``28/30``."""
    return f"{row.summary.epochs_to_target.reached}/{row.summary.seeds}"


def counts(row: Row) -> tuple[str, ...]:
    """What became of the replicas that did not reach the target."""
    times = row.summary.epochs_to_target
    named = (
        (times.censored, "not yet"),
        (times.diverged, "diverged"),
        (row.failed, "failed"),
    )
    return tuple(f"{count} {name}" for count, name in named if count)


def metric_label(metric: str, *, paired: bool = True) -> str:
    """A metric's name in words.

    >>> metric_label("val_accuracy"), metric_label("accuracy"), metric_label("loss", paired=False)
    ('validation accuracy', 'training accuracy', 'loss')
    """
    words = metric.removeprefix("val_").replace("_", " ")
    if metric.startswith("val_"):
        return f"validation {words}"
    return f"training {words}" if paired else words


def target_text(target: Target) -> str:
    """The target in words.

    >>> target_text(Target.parse("val_accuracy>=0.8"))
    'validation accuracy of at least 0.8'
    """
    bound = "at least" if target.relation == ">=" else "at most"
    return f"{metric_label(target.metric)} of {bound} {target.value:g}"


def solo_sentence(check: SoloCheck | None) -> str:
    """What retraining one replica alone found.

    >>> solo_sentence(None)
    'Not run.'
    >>> grown = solo_sentence(SoloCheck("after", 3, 0.2, 0.1, {"none": 0.0, "after": 2e-6}))
    >>> "first batches 2e-06: the same training" in grown
    True
    >>> failed = SoloCheck("after", 3, 0.2, 0.1, {"none": 0.0, "after": 0.1}, ("after",))
    >>> print(solo_sentence(failed).rpartition("batches ")[2])
    0.10: more than rounding explains, in after.
    """
    if check is None:
        return "Not run."
    start, largest = check.first_epoch_difference, check.max_relative_difference
    steps = max(check.first_steps.values(), default=None)
    found = (
        f"{number(largest, 2)} over the whole run, {number(start, 2)} in the first epoch's losses"
    )
    if steps is not None:
        found += f"; over every variant's first batches {number(steps, 2)}"
    if check.failed:
        judged = f"more than rounding explains, in {' and '.join(check.failed)}"
    elif start > SOLO_LIMIT:
        judged = "the same training, which amplifies rounding, as it does that of two Keras fits"
    elif largest > SOLO_LIMIT:
        judged = "rounding, which training has amplified since"
    else:
        judged = "the same training, up to rounding"
    return (
        f"One replica ({check.variant}, seed {check.seed}) retrained alone by Keras' own fit on "
        f"the same batches: largest relative difference {found}: {judged}."
    )


def curves_key(page: Page) -> str:
    """How to read the curves."""
    parts = {curve.part for panel in page.panels for curve in panel.curves}
    lines = ", solid for validation and dashed for training" if len(parts) > 1 else ""
    bands = "validation " if len(parts) > 1 else ""
    low, high = BAND
    return (
        f"Lines are medians over the replicas{lines}; bands hold {high - low:.0f}% of the "
        f"{bands}replicas, from the {low:.0f}th to the {high:.0f}th percentile."
    )


def prose(text: str) -> list[tuple[bool, str]]:
    """Text cut at its backquotes: (whether it was quoted, piece).

    >>> prose("`after` helps.")
    [(True, 'after'), (False, ' helps.')]
    """
    pieces = enumerate(text.split("`"))
    return [(index % 2 == 1, piece) for index, piece in pieces if piece]


def completeness(page: Page) -> str:
    """A warning if the study stopped early; else empty."""
    if not page.incomplete:
        return ""
    return "Incomplete: the study stopped before its end; this is what its finished runs say."
