"""Internal covariate shift, as Ioffe & Szegedy (2015) and Santurkar et al. (2018) define it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain.inside import ROUNDING
from normwise.report.axes import Scale
from normwise.report.formatting import number, scientific
from normwise.report.line_chart import Line, LineChart, drawn, line_of
from normwise.report.section import Cell, Column, Section, Table
from normwise.report.sections.inside.signals import inputs_of
from normwise.report.seen import Seen, median_of

__all__ = ["build", "details"]

_MEAN, _DEVIATION = "activations/unit_mean", "activations/unit_deviation"
_COSINE, _RELATIVE = "shift/cosine", "shift/relative"
# From which cosine on a turn is called what: 8, 26 and 60 degrees.
_TURNS = {0.99: "hardly a turn", 0.9: "a small turn", 0.5: "a clear turn", -1.0: "a large turn"}
Numbers = Mapping[str, NDArray[Any]]


def build(seen: Seen) -> Section | None:
    """How far a step moves what layers take, and how far it turns their gradients."""
    drift, cosine = _per_step(seen), dict(seen.with_series(_COSINE))
    over = _over_epochs(seen, "drift in a step", drift) or _by_layer(seen)
    charts = (*over, *_cosines(seen, cosine))
    if not charts:
        return None
    return Section(
        "Internal covariate shift",
        text=tuple(_sentences(seen, drift, cosine)),
        charts=charts,
        caption=(
            "Drift, as Ioffe & Szegedy (2015) mean it: of mean and deviation of each unit that a "
            "layer takes, on the same examples before and after a step, the distance of the two "
            "normal distributions over the first one's deviation; the mean of at most 16 units, "
            "evenly chosen, the median of the layers. Cosine, after Santurkar et al. (2018): of a "
            "layer's gradient as it is and with the step of all layers below it taken, those that "
            f"what it takes depends on. Drawn: {seen.in_words}."
        ),
    )


def _sentences(seen: Seen, drift: Numbers, cosine: Numbers) -> Iterator[str]:
    moved, turned = seen.typical(drift), seen.typical(cosine)
    if moved:
        yield f"A step moves what a layer takes by {seen.told(moved)} of its deviation."
    if turned:
        yield (
            f"The step of the layers below turns a layer's gradient by an angle with the cosine "
            f"{seen.told(turned, _turn)}."
        )


def _turn(cosine: float) -> str:
    """A cosine, and what that is in words."""
    least = max((one for one in _TURNS if cosine >= one), default=-1.0)
    return f"{number(cosine)}, {_TURNS[least]}"


def details(seen: Seen) -> Section | None:
    """The same from epoch to epoch, and how large the change of a gradient is."""
    drift, relative = _per_epoch(seen), dict(seen.with_series(_RELATIVE))
    charts = (
        *_over_epochs(seen, f"drift from one {seen.unit} to the next", drift),
        *_over_epochs(seen, f"cosine over the {seen.unit}s", _of_layers(seen, _COSINE), "linear"),
        *drawn(
            "change of the gradient by layer",
            f"at a typical {seen.unit}",
            (_across(seen, name, one, "log") for name, one in relative.items()),
            seen.colors,
            across="layer",
            unit="change over the gradient",
            scale="log",
        ),
    )
    if not charts:
        return None
    return Section(
        f"Shift from {seen.unit} to {seen.unit}, and of gradients",
        table=_table(seen, drift, relative),
        charts=charts,
        caption=(
            f"Drift from one {seen.unit} to the next: the same distance, of what a layer takes at "
            f"both. Change: the norm of the difference between a layer's gradients with "
            f"and without the step of the layers below it, over the norm of the first. Drawn: "
            f"{seen.in_words}."
        ),
    )


def _per_step(seen: Seen) -> Numbers:
    """The drift of what layers take, ``(epochs,)`` each: the median of the layers."""
    return {
        name: median_of(drift[:, list(inputs_of(seen, name).values())], 1)
        for name, drift in seen.with_series("shift/drift")
        if inputs_of(seen, name)
    }


def _by_layer(seen: Seen) -> tuple[LineChart, ...]:
    """The drift of what each layer takes, from the second on, in the one step that is known."""
    return drawn(
        "drift in a step",
        "of what each layer takes",
        (
            _at(name, {number: drift[-1, at] for number, at in inputs_of(seen, name).items()})
            for name, drift in seen.with_series("shift/drift")
        ),
        seen.colors,
        across="layer",
        unit="of the deviation",
        scale="log",
    )


def _per_epoch(seen: Seen) -> Numbers:
    found = {}
    for name in seen.runs:
        mean, deviation = (seen.each(name, series) for series in (_MEAN, _DEVIATION))
        places = list(inputs_of(seen, name).values())
        if mean is not None and deviation is not None and places and not seen.looks.is_one:
            own = _drifts(mean[:, :, places], deviation[:, :, places])
            found[name] = np.concatenate([[np.nan], median_of(own, (0, 2))])
    return found


def _drifts(mean: NDArray[Any], deviation: NDArray[Any]) -> NDArray[Any]:
    """From each epoch to the next: ``(runs, epochs, signals, units)`` to the mean of the units."""
    varies = deviation > ROUNDING * np.abs(mean)
    before = np.where(varies, deviation, np.nan)[:, :-1]
    distance = np.hypot(np.diff(mean, axis=1), np.diff(deviation, axis=1)) / before
    known = np.isfinite(distance)
    total = np.where(known, distance, 0).sum(-1)
    mean_of_units = np.full(total.shape, np.nan)
    np.divide(total, known.sum(-1), out=mean_of_units, where=known.any(-1))
    return mean_of_units


def _of_layers(seen: Seen, series: str) -> Numbers:
    return {name: median_of(one, 1) for name, one in seen.with_series(series)}


def _across(seen: Seen, name: str, values: NDArray[Any], scale: Scale = "linear") -> Line | None:
    """A line over the layers, of which some are looked at, at a typical epoch."""
    return _at(name, dict(zip(_shifted(seen, name), median_of(values), strict=True)), scale)


def _at(name: str, values: Mapping[int, float], scale: Scale = "log") -> Line | None:
    """A line of the numbers of layers to values."""
    whole = np.full(max(values, default=0), np.nan)
    whole[[number - 1 for number in values]] = list(values.values())
    return line_of(name, whole, scale=scale)


def _shifted(seen: Seen, name: str) -> list[int]:
    """Numbers, from 1, of the layers whose gradients are compared.

    Older studies have their names alone; layers of one name follow one another in both.
    """
    places = seen.names(name, "shifted_places")
    if places:
        return [int(place) + 1 for place in places]
    layers, found = seen.names(name, "layers"), [0]
    for layer in seen.names(name, "shifted"):
        found.append(layers.index(layer, found[-1]) + 1)
    return found[1:]


def _over_epochs(
    seen: Seen, title: str, numbers: Numbers, scale: Scale = "log"
) -> tuple[LineChart, ...]:
    return drawn(
        title,
        "median of the layers",
        (seen.over_looks(name, values, scale=scale) for name, values in numbers.items()),
        seen.colors,
        across=seen.unit,
        unit="of the deviation" if scale == "log" else "cosine",
        scale=scale,
    )


def _cosines(seen: Seen, cosine: Numbers) -> tuple[LineChart, ...]:
    return drawn(
        "cosine of gradients by layer",
        f"with and without the step of the layers below, at a typical {seen.unit}",
        (_across(seen, name, one) for name, one in cosine.items()),
        seen.colors,
        across="layer",
        unit="cosine",
    )


def _table(seen: Seen, per_epoch: Numbers, relative: Numbers) -> Table:
    headers = (
        "variant",
        "drift, a step",
        f"to the next {seen.unit}",
        "cosine",
        "change of gradient",
    )
    columns = (
        _per_step(seen),
        per_epoch,
        dict(seen.with_series(_COSINE)),
        relative,
    )
    typical = [seen.typical(one) for one in columns]
    rows = tuple(
        (
            Cell(name, color=seen.colors[name]),
            *(Cell(scientific(one.get(name, np.nan))) for one in typical),
        )
        for name in seen.runs
    )
    return Table(tuple(Column(header, is_main=True) for header in headers), rows)
