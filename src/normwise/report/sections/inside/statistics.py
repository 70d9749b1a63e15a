"""What normalisations hold: γ and β, how moving statistics lag, how a batch's scatter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.report.axes import Scale
from normwise.report.formatting import number, scientific
from normwise.report.line_chart import Line, LineChart, drawn, line_of
from normwise.report.section import Cell, Column, Section, Table
from normwise.report.seen import Seen, median_of
from normwise.report.seen_words import joined

__all__ = ["build", "details", "lagging"]

_BAND = (10, 90)
# Deviations from which on a moving mean is off, and the ratio from which on a variance is, as the
# rule NW004 of `normwise check` has it.
_OFF, _TIMES_OFF = 0.25, 1.5
_SIGNS = (("scale", "γ", "gamma"), ("shift", "β", "beta"))
_RATIO = "statistics/variance_ratio"
Numbers = Mapping[str, NDArray[Any]]


def build(seen: Seen) -> Section | None:
    """γ and β over the epochs."""
    charts = _over_epochs(seen) or _by_layer(seen)
    if not charts:
        return None
    return Section(
        "What normalisation holds",
        text=tuple(_sentences(seen)),
        charts=charts,
        caption=(
            f"Of at most 16 units of each normalisation, evenly chosen, over all normalisations. "
            f"Drawn: {seen.in_words}."
        ),
    )


def _sentences(seen: Seen) -> Iterator[str]:
    held = [said for name in _named(seen) if (said := _held(seen, name))]
    if held:
        yield seen.looks.at_the_last(f"80% of the units have {joined(held)}.")
    off = seen.typical({name: one[-1:] for name, one in _over_layers(seen, "mean_lag").items()})
    if off:
        yield f"Moving means are then {seen.told(off)} deviations off those of the population."
    noise = seen.typical(_over_layers(seen, "mean_noise"))
    if noise:
        yield f"The mean of one batch scatters by {seen.told(noise)} deviations: noise in training."


def details(seen: Seen) -> Section | None:
    """Moving against population statistics, and the noise of a batch's own."""
    charts = (
        *_chart(seen, "mean_lag", "moving means off", "deviations off the population's", "log"),
        *_chart(
            seen, "variance_ratio", "moving variances", "over the population's", "log", rule=1.0
        ),
        *_chart(seen, "mean_noise", "noise of a batch's mean", "deviation of batches", "log"),
        *_chart(
            seen, "deviation_noise", "noise of a batch's deviation", "deviation of batches", "log"
        ),
    )
    if not charts:
        return None
    return Section(
        "Statistics of batches, moving and of the population",
        table=_table(seen),
        charts=charts,
        caption=(
            "Population: examples of the training part, the same at every look, under the weights "
            "of that moment. Off: |moving mean − mean| over its deviation, the mean of the "
            "channels; variances: the geometric mean of their ratios. Noise: how mean and "
            "deviation of a batch scatter from batch to batch, over the deviation of the "
            f"population. Drawn: the median normalisation, {seen.in_words}."
        ),
    )


def lagging(seen: Seen) -> str:
    """Which networks' moving statistics are off at the last look, as a sentence; empty if none.

    Of any normalisation: behind one that is off all others take something else.
    """
    off = {
        name: one[-1].max()
        for name, one in seen.with_series("statistics/mean_lag")
        if one[-1].max() > _OFF
    }
    factors = {name: _factor(one[-1]) for name, one in seen.with_series(_RATIO)}
    times = {name: one for name, one in factors.items() if one > _TIMES_OFF}
    said = [
        *([f"means are up to {seen.told(off)} deviations off"] if off else []),
        *([f"variances by a factor of up to {seen.told(times)}"] if times else []),
    ]
    if not said:
        return ""
    return (
        f"Against those of the training data, moving {joined(said)}: validation and inference run "
        f"with them, and see another network than the one that trains."
    )


def _factor(ratios: NDArray[Any]) -> float:
    """The farthest from 1, up or down."""
    return float(np.exp(np.abs(np.log(ratios)).max()))


def _over_epochs(seen: Seen) -> tuple[LineChart, ...]:
    return tuple(
        chart
        for what, sign, series in _SIGNS
        for chart in drawn(
            f"{what} {sign} of all normalisations",
            f"median unit, and {_BAND[1] - _BAND[0]}% of the units",
            (_of_units(seen, name, series) for name in seen.runs),
            seen.colors,
            across=seen.unit,
            unit=sign,
        )
    )


def _by_layer(seen: Seen) -> tuple[LineChart, ...]:
    """Of each normalisation, in the one look that is known."""
    return tuple(
        chart
        for what, sign, series in _SIGNS
        for chart in drawn(
            f"{what} {sign} of each normalisation",
            f"median unit, and {_BAND[1] - _BAND[0]}% of the units",
            (
                line_of(name, middle, (low, high))
                for name, own in seen.with_series(f"statistics/{series}")
                for low, middle, high in [np.percentile(own[-1], (_BAND[0], 50, _BAND[1]), axis=1)]
            ),
            seen.colors,
            across="normalisation",
            unit=sign,
        )
    )


def _named(seen: Seen) -> list[str]:
    return [name for name, _ in seen.with_series("statistics/gamma")]


def _ends(seen: Seen, name: str, series: str) -> NDArray[Any] | None:
    """Lower end, median and upper end over units and normalisations, ``(3, epochs)``."""
    own = seen.of(name, f"statistics/{series}")
    if own is None:
        return None
    low, high = _BAND
    known = own.reshape(len(own), -1)
    known = known[:, np.isfinite(known).any(0)]  # some normalisations have no γ or no β
    return np.asarray(np.percentile(known, (low, 50, high), axis=1)) if known.size else None


def _of_units(seen: Seen, name: str, series: str) -> Line | None:
    ends = _ends(seen, name, series)
    return None if ends is None else seen.over_looks(name, ends[1], band=(ends[0], ends[2]))


def _held(seen: Seen, name: str) -> str:
    said = list[str]()
    for _, sign, series in _SIGNS:
        ends = _ends(seen, name, series)
        if ends is not None and np.isfinite(ends[:, -1]).all():
            said.append(f"{sign} from {number(ends[0, -1], 2)} to {number(ends[2, -1], 2)}")
    of = f" ({name})" if said and len(seen.runs) > 1 else ""
    return f"{' and '.join(said)}{of}"


def _over_layers(seen: Seen, series: str) -> dict[str, NDArray[Any]]:
    """The median normalisation, ``(epochs,)`` each."""
    return {name: median_of(one, 1) for name, one in seen.with_series(f"statistics/{series}")}


def _chart(
    seen: Seen, series: str, title: str, unit: str, scale: Scale, rule: float | None = None
) -> tuple[LineChart, ...]:
    return drawn(
        title,
        "median normalisation",
        (
            seen.over_looks(name, one, scale=scale)
            for name, one in _over_layers(seen, series).items()
        ),
        seen.colors,
        across=seen.unit,
        unit=unit,
        scale=scale,
        rule=rule,
        rule_name="right",
    )


def _table(seen: Seen) -> Table:
    means, variances = (f"{what}, {seen.looks.first}" for what in ("means off", "variances"))
    headers = ("variant", means, seen.looks.last, variances, seen.looks.last, "noise of means")
    lag, ratio = _over_layers(seen, "mean_lag"), _over_layers(seen, "variance_ratio")
    noise = seen.typical(_over_layers(seen, "mean_noise"))
    rows = tuple(
        (
            Cell(name, color=seen.colors[name]),
            *(Cell(scientific(float(lag[name][at]))) for at in (0, -1)),
            *(Cell(f"{scientific(float(ratio[name][at]))}×") for at in (0, -1)),
            Cell(scientific(noise.get(name, np.nan))),
        )
        for name in _named(seen)
    )
    return Table(tuple(Column(header, is_main=True) for header in headers), rows)
