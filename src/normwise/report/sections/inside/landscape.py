"""The loss along the step, as in figure 4 of Santurkar et al. (2018)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normwise.report.axes import Scale
from normwise.report.formatting import scientific
from normwise.report.line_chart import Line, LineChart, drawn
from normwise.report.section import Cell, Column, Section, Table
from normwise.report.seen import Seen, median_of
from normwise.report.seen_words import joined

__all__ = ["build", "details"]

_LOSS = "landscape/loss"
_PREDICTIVENESS, _SMOOTHNESS = "landscape/gradient_distance", "landscape/smoothness"
_FALLS_FAR = 10  # times
# The variant that others are compared with; ranges that differ by less are alike; and of its loss
# what a network that learns has got rid of.
_BASELINE, _ALIKE, _LEARNED = "none", 1.5, 0.1
_TIMES, _OVER_DISTANCE = "times the step", "change of gradient over distance"
Ends = tuple[NDArray[Any], NDArray[Any]]


def build(seen: Seen) -> Section | None:
    """The range of the loss along the step, and effective β-smoothness."""
    charts = _over_epochs(seen) or _by_size(seen)
    if not charts:
        return None
    return Section(
        "Landscape of the loss",
        text=tuple(_sentences(seen)),
        charts=charts,
        caption=(
            f"From where a step begins all weights are moved along it, by {_sizes(seen)} times the "
            f"step, and loss and gradient are computed on the same batch. Bands go from the lowest "
            f"loss to the highest, lines are the middle of them. β-smoothness: the norm of the "
            f"change of the gradient over the distance gone. After figure 4 of Santurkar et al. "
            f"(2018), who go along the gradient; of plain gradient descent the step is the same. "
            f"Less is smoother, between networks that both learn: where weights hardly move, the "
            f"loss does not either. Drawn: {seen.in_words}."
        ),
    )


def details(seen: Seen) -> Section | None:
    """How far gradients along the step are from the one that it follows, and the loss by size."""
    charts = (
        *_ranges(
            seen,
            _PREDICTIVENESS,
            "gradient predictiveness",
            "least to most",
            "change of the gradient",
            "log",
        ),
        *(() if seen.looks.is_one else _by_size(seen)),
    )
    if not charts:
        return None
    return Section(
        "Along the step, by its size",
        table=_table(seen),
        charts=charts,
        caption=(
            "Gradient predictiveness: the norm of the difference between the gradient along the "
            "step and where it begins; bands go from the least to the most along the step. Drawn: "
            f"{seen.in_words}."
        ),
    )


def _sizes(seen: Seen) -> str:
    sizes = seen.names(next(iter(seen.runs)), "steps")
    return f"{sizes[0]} to {sizes[-1]}" if sizes else "several"


def _sentences(seen: Seen) -> list[str]:
    """The range of the loss, what that comes to, and β-smoothness."""
    spans = seen.typical({name: high - low for name, (low, high) in _ends(seen, _LOSS)})
    smooth = seen.typical({name: high for name, (_, high) in _ends(seen, _SMOOTHNESS)})
    said = []
    if spans:
        said.append(
            f"Along a step, at {_sizes(seen)} times its size, the loss ranges over "
            f"{seen.told(spans)}{seen.looks.when_typical}."
        )
        said += _conclusions(seen, spans)
    if smooth:
        said.append(
            f"Along it the gradient changes by up to {seen.told(smooth)} times the distance "
            f"gone{seen.looks.when_typical}."
        )
    return said


def _conclusions(seen: Seen, spans: Mapping[str, float]) -> Iterator[str]:
    """Whether the loss is smoother than without normalisation, of networks that learn."""
    if seen.looks.is_one:
        return
    learning = [name for name in spans if _learns(seen, name)]
    if still := [name for name in spans if name not in learning]:
        yield (
            f"Where a network hardly learns, here {joined(still)}, that says nothing about how "
            f"smooth its loss is."
        )
    if _BASELINE in learning:
        base = spans[_BASELINE]
        alike: dict[str, list[str]] = {}
        for name in learning:
            if name != _BASELINE:
                alike.setdefault(_smoother(spans[name], base), []).append(name)
        for does, names in alike.items():
            yield f"By that range it is {does} with {joined(names)} as without normalisation."


def _learns(seen: Seen, name: str) -> bool:
    """Whether the loss where a step begins has fallen by a tenth."""
    loss = seen.of(name, "gradients/loss")
    return loss is not None and bool(np.nanmin(loss) < loss[0] - _LEARNED * abs(loss[0]))


def _smoother(span: float, base: float) -> str:
    if max(span, base) <= _ALIKE * min(span, base):
        return "about as smooth"
    return f"{scientific(max(span, base) / min(span, base))} times as " + (
        "smooth" if span < base else "rough"
    )


def _ends(seen: Seen, series: str) -> list[tuple[str, Ends]]:
    """Of each variant the least and the most along the step, ``(epochs,)`` each."""
    found = []
    for name in seen.runs:
        own = seen.each(name, series)
        if own is not None:
            found.append((name, (median_of(own.min(-1)), median_of(own.max(-1)))))
    return found


def _ranges(
    seen: Seen, series: str, title: str, subtitle: str, unit: str, scale: Scale
) -> tuple[LineChart, ...]:
    return drawn(
        title,
        subtitle,
        (
            seen.over_looks(name, _middle(*ends, scale), band=ends, scale=scale)
            for name, ends in _ends(seen, series)
        ),
        seen.colors,
        across=seen.unit,
        unit=unit,
        scale=scale,
    )


def _middle(low: NDArray[Any], high: NDArray[Any], scale: Scale) -> NDArray[Any]:
    if scale == "linear":
        return np.asarray((low + high) / 2)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(low * high))


def _over_epochs(seen: Seen) -> tuple[LineChart, ...]:
    """The range of the loss, and the largest β-smoothness."""
    return (
        *_ranges(
            seen, _LOSS, "loss along the step", "lowest to highest", "loss", _scale_of_loss(seen)
        ),
        *drawn(
            "effective β-smoothness",
            "largest along the step",
            (
                seen.over_looks(name, high, scale="log")
                for name, (_, high) in _ends(seen, _SMOOTHNESS)
            ),
            seen.colors,
            across=seen.unit,
            unit=_OVER_DISTANCE,
            scale="log",
        ),
    )


def _scale_of_loss(seen: Seen) -> Scale:
    """Where a loss falls far, its range at the end is seen on a logarithmic axis alone."""
    ends = [end[np.isfinite(end)] for _, both in _ends(seen, _LOSS) for end in both]
    lowest = min((end.min() for end in ends if end.size), default=0.0)
    highest = max((end.max() for end in ends if end.size), default=0.0)
    return "log" if lowest > 0 and highest > _FALLS_FAR * lowest else "linear"


def _by_size(seen: Seen) -> tuple[LineChart, ...]:
    """Loss and β-smoothness by how far along the step, at a typical epoch."""
    subtitle = "along it" if seen.looks.is_one else f"at a typical {seen.unit}"
    loss, smoothness = {}, {}
    for name in seen.runs:
        along, before = seen.each(name, _LOSS), seen.each(name, "gradients/loss")
        smooth = seen.each(name, _SMOOTHNESS)
        if along is not None and before is not None and smooth is not None:
            with np.errstate(invalid="ignore", divide="ignore"):
                loss[name] = median_of(along / before[..., None], (0, 1))
            smoothness[name] = median_of(smooth, (0, 1))
    return (
        *drawn(
            "loss by the size of the step",
            subtitle,
            (_line(seen, name, values) for name, values in loss.items()),
            seen.colors,
            across=_TIMES,
            unit="loss over that before the step",
            rule=1.0,
            rule_name="as before",
        ),
        *drawn(
            "β-smoothness by the size of the step",
            subtitle,
            (_line(seen, name, values) for name, values in smoothness.items()),
            seen.colors,
            across=_TIMES,
            unit=_OVER_DISTANCE,
        ),
    )


def _line(seen: Seen, name: str, values: NDArray[Any]) -> Line | None:
    sizes = np.array([float(size) for size in seen.names(name, "steps")])
    known = np.isfinite(values)
    if not known.any():
        return None
    return Line(name, tuple(sizes[known].tolist()), tuple(values[known].tolist()))


def _table(seen: Seen) -> Table:
    headers = ("variant", "range of loss", "predictiveness", "β-smoothness")
    numbers: list[Mapping[str, float]] = [
        seen.typical({name: high - low for name, (low, high) in _ends(seen, _LOSS)}),
        *(
            seen.typical({name: high for name, (_, high) in _ends(seen, series)})
            for series in (_PREDICTIVENESS, _SMOOTHNESS)
        ),
    ]
    rows = tuple(
        (
            Cell(name, color=seen.colors[name]),
            *(Cell(scientific(one.get(name, np.nan))) for one in numbers),
        )
        for name in seen.runs
    )
    return Table(tuple(Column(header, is_main=True) for header in headers), rows)
