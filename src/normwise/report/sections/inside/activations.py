"""Activations: what goes into them over the training, and where they are saturated or dead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.domain.inside import LEVELS
from normwise.report.formatting import scientific
from normwise.report.histogram_chart import HistogramChart, histogram_of
from normwise.report.line_chart import LineChart, drawn, line_of, on_one_axis
from normwise.report.section import Chart, Section
from normwise.report.sections.inside.signals import activations_of, hidden, normalised_of
from normwise.report.seen import Seen, median_of

__all__ = ["build", "details"]

# Variants of which an inner unit, or a histogram, is shown.
_MOST = 4
# Below it values of units are as good as constant; and shares of units that are worth a word.
_ALIKE, _FEW = 1e-3, 0.005
_MEDIAN = LEVELS.index(50)
_OUTER = LEVELS.index(5), LEVELS.index(95)
_UNITS, _QUANTILES = "activations/unit_quantiles", "activations/quantiles"


def build(seen: Seen) -> Section | None:
    """What goes into an inner unit over the training, a panel a variant; or into each layer."""
    panels = _units(seen)
    charts: tuple[LineChart, ...] = panels or _by_layer(seen)
    if not charts:
        return None
    left = sum(bool(hidden(seen, name)) for name in seen.runs) - len(panels) if panels else 0
    more = f" {left} more variants are left out here." if left > 0 else ""
    drawn_here = (
        "Lines: the median of what goes into the activation of one unit, over the same examples at "
        "every look; bands: from the 15th to the 85th percentile, as in figure 1 of Ioffe & "
        "Szegedy (2015). The unit is the middle one of the last hidden layer."
        if panels
        else "Of what goes into the activations of each hidden layer the median, and 90% of it."
    )
    return Section(
        "Activations",
        text=tuple(_sentences(seen)),
        charts=charts,
        caption=f"{drawn_here}{more} Drawn: {seen.in_words}.",
    )


def details(seen: Seen) -> Section | None:
    """What goes into some layers over the epochs, histograms, saturated and dead units."""
    charts: tuple[Chart, ...] = (
        *(() if seen.looks.is_one else _by_layer(seen)),
        *_some_layers(seen),
        *_shares(seen, "saturated", "share of values where the activation is flat"),
        *_shares(seen, "dead", "share of units with slope 0 at every example"),
        *_histograms(seen),
    )
    if not charts:
        return None
    return Section(
        "Activations, layer by layer",
        charts=charts,
        caption=(
            "Bands: 90% of what goes into the activations of a layer. Saturated: the slope of an "
            "activation that is bounded on both sides is below 5% of its steepest; dead: it is 0 "
            "at every example. Histograms: of the middle normalisation, and where there is none "
            f"of the middle layer, in one run, at the last {seen.unit}. All else: {seen.in_words}."
        ),
    )


def _sentences(seen: Seen) -> Iterator[str]:
    alike = {name: varies for name, varies in _variation(seen).items() if varies < _ALIKE}
    moves = {name: one for name, one in seen.typical(_moves(seen)).items() if name not in alike}
    if moves and not seen.looks.is_one:
        yield (
            f"Over the training the median of what goes into an inner unit wanders over "
            f"{seen.told(moves)} times its own spread: below 0.1 it hardly moves, above 1 it "
            f"leaves the band in which it lay."
        )
    for name, varies in alike.items():
        yield (
            f"{name}: what goes into the last hidden layer's activations varies from example to "
            f"example by {scientific(varies)} of its size: there all examples look alike."
        )
    for series, what in (("saturated", "values"), ("dead", "units")):
        most = {name: np.nanmax(shares[-1]) for name, shares in _of_hidden(seen, series)}
        if max(most.values(), default=0) >= _FEW:
            yield seen.looks.at_the_last(
                f"{seen.told(most, '{:.0%}'.format)} of the {what} are {series}, in the "
                f"layer with most of them."
            )


def _variation(seen: Seen) -> dict[str, float]:
    """How far units vary over the examples, over the size of all values, at the last look."""
    found = {}
    for name, deviation in seen.with_series("activations/unit_deviation"):
        mean, whole = (seen.of(name, f"activations/{one}") for one in ("mean", "deviation"))
        places = hidden(seen, name)
        if places and mean is not None and whole is not None:
            size = np.hypot(mean[-1, places[-1]], whole[-1, places[-1]])
            if size > 0:
                found[name] = float(median_of(deviation[-1, places[-1]]) / size)
    return found


def _unit(seen: Seen, name: str) -> NDArray[Any] | None:
    """Quantiles of what the middle unit of the last hidden layer takes, ``(epochs, levels)``."""
    places, found = hidden(seen, name), seen.of(name, _UNITS)
    if found is None or not places:
        return None
    units = found[:, places[-1]]
    there = np.flatnonzero(np.isfinite(units).any((0, 2)))
    return units[:, there[len(there) // 2]] if there.size else None


def _moves(seen: Seen) -> dict[str, NDArray[Any]]:
    """How far the median of a unit goes, over the typical half of its band."""
    found = {}
    for name in seen.runs:
        unit = _unit(seen, name)
        if unit is not None:
            spread = median_of(unit[:, 2] - unit[:, 0]) / 2
            middle = unit[:, 1][np.isfinite(unit[:, 1])]
            if middle.size and spread > 0:
                found[name] = np.ptp(middle) / spread
    return found


def _units(seen: Seen) -> tuple[LineChart, ...]:
    """A panel a variant, all with the same axis."""
    found: list[LineChart] = []
    for name in seen.runs:
        unit = _unit(seen, name)
        if unit is not None:
            line = seen.over_looks(name, unit[:, 1], band=(unit[:, 0], unit[:, 2]))
            found += drawn(
                "an inner unit" if len(seen.runs) == 1 else f"an inner unit: {name}",
                "15th, 50th and 85th percentile",
                [line],
                {name: seen.colors[name]},
                across=seen.unit,
                unit="what goes into its activation",
            )
    return on_one_axis(found[:_MOST])


def _parts(quantiles: NDArray[Any]) -> dict[str, Any]:
    """The median, and the band about it."""
    low, high = (quantiles[:, place] for place in _OUTER)
    return {"values": quantiles[:, _MEDIAN], "band": (low, high)}


def _by_layer(seen: Seen) -> tuple[LineChart, ...]:
    """At the last epoch."""
    return drawn(
        "into the activations, by layer",
        f"at {seen.looks.last}",
        (
            line_of(name, **_parts(quantiles[-1, hidden(seen, name)]))
            for name, quantiles in seen.with_series(_QUANTILES)
            if hidden(seen, name)
        ),
        seen.colors,
        across="layer",
        unit="value",
    )


def _some_layers(seen: Seen) -> tuple[LineChart, ...]:
    """The first, the middle and the last hidden layer over the epochs, on one axis."""
    depth = max((len(hidden(seen, name)) for name in seen.runs), default=0)
    found = [
        drawn(
            f"into the activation of layer {at + 1}",
            "median and 90%",
            (
                seen.over_looks(name, **_parts(quantiles[:, hidden(seen, name)[at]]))
                for name, quantiles in seen.with_series(_QUANTILES)
                if len(hidden(seen, name)) > at
            ),
            seen.colors,
            across=seen.unit,
            unit="value",
        )
        for at in sorted({0, depth // 2, depth - 1})
        if at >= 0
    ]
    return on_one_axis([chart for own in found for chart in own])


def _of_hidden(seen: Seen, series: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Of the inner activations, ``(epochs, activations)``, where any is known."""
    for name, found in seen.with_series(f"activations/{series}"):
        own = found[:, activations_of(seen, name)]
        if np.isfinite(own[-1:]).any():
            yield name, own


def _shares(seen: Seen, series: str, subtitle: str) -> tuple[LineChart, ...]:
    """By layer at the last epoch, where there is any such unit."""
    found = dict(_of_hidden(seen, series))
    if not any(np.nanmax(one[-1]) >= _FEW for one in found.values()):
        return ()
    return drawn(
        f"{series}, by layer, at {seen.looks.last}",
        subtitle,
        (line_of(name, one[-1]) for name, one in found.items()),
        seen.colors,
        across="layer",
        unit="share",
        domain=(0.0, 1.0),
    )


def _histograms(seen: Seen) -> tuple[HistogramChart, ...]:
    """A panel a variant: what a normalisation takes and gives, or what an activation takes."""
    found = []
    for name, runs in list(seen.runs.items())[:_MOST]:
        norms, inner = normalised_of(seen, name), hidden(seen, name)
        if norms:
            before, behind = norms[len(norms) // 2]
            parts = {"before normalisation": before, "behind it": behind}
        elif inner:
            parts = {"into the activation": inner[len(inner) // 2]}
        else:
            continue
        histograms = {part: histogram_of(runs[0], at) for part, at in parts.items()}
        known = {part: one for part, one in histograms.items() if one is not None}
        layer = seen.names(name, "signals")[list(parts.values())[-1]]
        if known:
            found.append(HistogramChart(name, layer, known, seen.colors[name]))
    return tuple(found)
