"""Sensitivity: how much each variant depends on an axis of the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from normwise.domain import CONFIDENCE, AxisPoint, Estimate, Sensitivity, VariantSummary
from normwise.report import formatting as f
from normwise.report.axis_names import axis_name, value_text
from normwise.report.results import StudyResults
from normwise.report.section import Cell, Column, Section, Table

__all__ = ["build"]

# Of what each value is another network, and not the same one trained otherwise.
_APART = "depth"


def build(results: StudyResults) -> Section | None:
    """A row for each variant and axis; a sentence for each axis where there is no room for it."""
    found = [
        (variant, one)
        for variant in results.summary.variants
        for one in variant.sensitivity or ()
        if any(point.reached for point in one.points)
    ]
    if not found:
        return None
    return Section(
        "How sensitive it is",
        text=tuple(_by_value([one for one in found if one[1].axis == _APART], results.baseline)),
        in_words=tuple(
            _sentence([one for one in found if one[1].axis == axis], results.baseline)
            for axis in dict.fromkeys(one.axis for _, one in found)
        ),
        table=Table(
            _columns(results.baseline),
            tuple(_row(variant, one, results) for variant, one in found),
        ),
        caption=_caption(results.baseline),
    )


def _columns(baseline: str) -> tuple[Column, ...]:
    headers = ["variant", "over", "arrives at", "epochs", "slowest over quickest"]
    against = [f"arrivals against {baseline}", f"less sensitive than {baseline}"]
    return tuple(map(Column, [*headers, *(against if baseline else [])]))


def _row(variant: VariantSummary, one: Sensitivity, results: StudyResults) -> tuple[Cell, ...]:
    against = [
        Cell(_points(one.arrived_gain), (_points_interval(one.arrived_gain),)),
        Cell(f.ratio(one.slowdown_ratio), (f.ratio_interval(one.slowdown_ratio),)),
    ]
    return (
        Cell(variant.name, color=results.colors[variant.name]),
        Cell(_values(one)),
        Cell(_arrives(one), (f"{_share(one.arrived.value)} of runs", _shares(one.arrived))),
        Cell(_epochs(one)),
        Cell(f.ratio(one.slowdown), (f.ratio_interval(one.slowdown),)),
        *(against if results.baseline else []),
    )


def _sentence(own: Sequence[tuple[VariantSummary, Sensitivity]], baseline: str) -> str:
    """All variants over one axis."""
    (_, first), *_ = own
    each = "; ".join(_in_words(variant, one, baseline) for variant, one in own)
    return f"Over {_values(first)}, {each}."


def _in_words(variant: VariantSummary, one: Sensitivity, baseline: str) -> str:
    runs = f"{_share(one.arrived.value)} of runs {_shares(one.arrived)}"
    gain = f"{_points(one.arrived_gain)} {_points_interval(one.arrived_gain)}"
    against = f", against {baseline} {gain}" if one.arrived_gain else ""
    apart, less = _whole(one.slowdown), _whole(one.slowdown_ratio)
    apart = f", slowest over quickest {apart}" if apart else ""
    less = f", {less} less than {baseline}" if apart and less else ""
    epochs = _in_epochs(one)
    return f"{variant.name} arrives at {_arrives(one)} ({runs}{against}){epochs}{apart}{less}"


def _whole(estimate: Estimate | None) -> str:
    """A ratio and its interval; empty where nothing is known."""
    text = f.ratio(estimate)
    return "" if text == f.NONE else " ".join(filter(None, [text, f.ratio_interval(estimate)]))


def _by_value(found: Sequence[tuple[VariantSummary, Sensitivity]], baseline: str) -> Iterator[str]:
    """Each value by itself, where the networks are others: who arrives when."""
    points: dict[float | str | None, list[tuple[str, AxisPoint]]] = {}
    for variant, one in found:
        for point in one.points:
            points.setdefault(point.value, []).append((variant.name, point))
    for value, own in points.items():
        each = "; ".join(_at_value(name, point, baseline) for name, point in own)
        yield f"At {axis_name(_APART)} {value_text(value)}: {each}."


def _at_value(name: str, point: AxisPoint, baseline: str) -> str:
    ratio = _whole(point.epochs_ratio)
    sooner = f", sooner than {baseline} {ratio}" if ratio else ""
    return f"{name} {f.in_epochs(point.epochs.value)} ({point.reached}/{point.replicas}{sooner})"


def _values(one: Sensitivity) -> str:
    return f"{len(one.points)} {axis_name(one.axis, several=True)}"


def _arrives(one: Sensitivity) -> str:
    return f"{sum(point.arrives for point in one.points)} of {len(one.points)}"


def _epochs(one: Sensitivity) -> str:
    """From the quickest median to the slowest, of the values at which it arrives."""
    medians = [point.epochs.value for point in one.points if math.isfinite(point.epochs.value)]
    ends = dict.fromkeys(f.epochs(end) for end in (min(medians), max(medians))) if medians else {}
    return " to ".join(ends) or f.NONE


def _in_epochs(one: Sensitivity) -> str:
    epochs = _epochs(one)
    if epochs == f.NONE:
        return ""
    return f" in {epochs} {'epoch' if epochs == '1' else 'epochs'}"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _shares(estimate: Estimate) -> str:
    return f"[{_share(estimate.low)}, {_share(estimate.high)}]"


def _points(estimate: Estimate | None) -> str:
    """A difference of shares, with its sign.

    >>> _points(Estimate(0.5, 0.1, 0.7)), _points(Estimate(-0.25, -0.5, 0.1)), _points(None)
    ('+50%', '-25%', '—')
    """
    return f.NONE if estimate is None else f"{estimate.value:+.0%}"


def _points_interval(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"[{estimate.low:+.0%}, {estimate.high:+.0%}]"


def _caption(baseline: str) -> str:
    against = (
        f" Against {baseline}, over the same seeds: the difference of these shares, and "
        f"{baseline}'s slowest over quickest divided by the variant's, so that above 1 the "
        f"variant depends less on the axis."
    )
    return (
        f"Each value at the best of the other axes. A variant arrives at a value where half of its "
        f"replicas do; of runs: the share of values at which a seed arrives, mean over seeds. "
        f"Slowest over quickest: epochs at the two values that every second seed chose, over the "
        f"other seeds (median).{against if baseline else ''} Each interval holds at "
        f"{f.percent(CONFIDENCE)} by itself."
    )
