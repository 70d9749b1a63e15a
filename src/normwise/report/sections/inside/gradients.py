"""Gradients: how large they are in each layer, and where they vanish, explode or are stuck."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from normwise.analysis import RESOLUTION, GradientTrouble, first_over_last, gradient_troubles
from normwise.domain import Inside
from normwise.report.formatting import scientific
from normwise.report.line_chart import LineChart, drawn, line_of, on_one_axis
from normwise.report.section import Cell, Column, Section, Table
from normwise.report.seen import Seen, median_of
from normwise.report.seen_words import joined, numbered, of_runs

__all__ = ["build", "details", "headline"]

_DOES = {
    "vanishing": "gradients vanish",
    "exploding": "gradients explode",
    "stuck": "weights are stuck",
}
_NORM, _UPDATE, _LOSS = "gradients/norm", "gradients/update", "gradients/loss"


def build(seen: Seen) -> Section | None:
    """The gradient of each layer, at the first and at the last look."""
    charts = _by_layer(seen)
    if not _is_known(seen):
        return None
    return Section(
        "Gradients",
        text=(*_sizes(seen), *_troubles(seen), *_healthy(seen)),
        charts=charts if len(charts) < 2 else (charts[0], charts[-1]),
        caption=(
            f"The norm of the loss' gradient with respect to the kernels of each layer, from input "
            f"to output. Drawn: {seen.in_words}; what is exactly 0 is left out.{_unseen(seen)}"
        ),
    )


def _unseen(seen: Seen) -> str:
    """Layers that could not be looked at, as a sentence."""
    names = dict.fromkeys(layer for name in seen.runs for layer in seen.names(name, "unseen"))
    return f" Not looked at, as what they compute cannot be seen: {joined(names)}." if names else ""


def headline(seen: Seen) -> str:
    """What is wrong with the gradients of which network, in a few words."""
    if not any(_NORM in run.series for runs in seen.runs.values() for run in runs):
        return "Signals alone: what steps of its own do is not known"
    alike: dict[str, list[str]] = {}
    for name, runs in seen.runs.items():
        kinds = dict.fromkeys(one.kind for run in runs for one in _of_run(run))
        if kinds:
            alike.setdefault(joined(_DOES[kind] for kind in kinds), []).append(f"`{name}`")
    said = [f"in {joined(names)} {does}" for does, names in alike.items()]
    told = joined(said) if said else ""
    return told[:1].upper() + told[1:] or "No gradient vanishes, explodes or is stuck"


def details(seen: Seen) -> Section | None:
    """The same between the two, over the epochs, and how far a step moves the weights."""
    if not _is_known(seen):
        return None
    return Section(
        "Gradients and updates",
        text=tuple(_agreement(seen)),
        table=_table(seen),
        charts=(*_by_layer(seen)[1:-1], *_over_epochs(seen), *_updates(seen)),
        caption=(
            f"First over last: the gradient of the first layer over that of the last one. Update: "
            f"the norm of what a step adds to the kernels of a layer, over that of the kernels; "
            f"below the dash-dotted line, {scientific(RESOLUTION)}, a weight in float32 stays as "
            f"it is. Drawn: {seen.in_words}."
        ),
    )


def _agreement(seen: Seen) -> Iterator[str]:
    """That what was looked into is what the study trained."""
    found = [run.difference for runs in seen.runs.values() for run in runs]
    known = [difference for difference in found if difference is not None]
    if known:
        close = f"up to {scientific(max(known))} of them" if max(known) else "to the last digit"
        yield (
            f"What was looked into trained once more for it: its losses over the first epoch are "
            f"those of the study {close}."
        )


def _is_known(seen: Seen) -> bool:
    """Whether steps were looked at, which are Keras' own."""
    return any(True for _ in seen.with_series(_NORM))


def _sizes(seen: Seen) -> Iterator[str]:
    """How the gradients of the first and of the last layer compare, at a typical epoch."""
    deep = {name: norm for name, norm in seen.with_series(_NORM) if norm.shape[1] > 1}
    ratios = seen.typical({name: first_over_last(norm) for name, norm in deep.items()})
    if ratios:
        yield (
            f"The gradient of the first layer is {seen.told(ratios)} of that of the last "
            f"one{seen.looks.when_typical}."
        )


def _troubles(seen: Seen) -> Iterator[str]:
    for name, runs in seen.runs.items():
        found = [one for run in runs for one in _of_run(run)]
        for kind in dict.fromkeys(one.kind for one in found):
            own = [one for one in found if one.kind == kind]
            worst = max(own, key=lambda one: len(one.layers))
            epochs = [seen.looks.numbers[epoch - 1] for epoch in worst.epochs]
            when = numbered(seen.unit, epochs, len(seen.looks.numbers))
            there = (
                ":"
                if len(epochs) == 1
                else f". At {seen.unit} {seen.looks.numbers[worst.epoch - 1]}"
            )
            yield (
                f"{name}{of_runs(len(own), len(runs))}: {_DOES[kind]} at {when}{there} "
                f"{_said(worst, seen.names(name, 'layers'))}."
            )


def _healthy(seen: Seen) -> Iterator[str]:
    known = [name for name, _ in seen.with_series(_NORM)]
    fine = [name for name in known if not any(map(_of_run, seen.runs[name]))]
    if len(fine) == len(known):
        yield "No gradient vanishes, explodes or is stuck."
    elif fine:
        yield f"{joined(fine)}: no gradient vanishes, explodes or is stuck."


def _of_run(run: Inside) -> list[GradientTrouble]:
    if _NORM not in run.series:  # steps of the user's own
        return []
    return gradient_troubles(*(run.series[name] for name in (_NORM, _UPDATE, _LOSS)))


def _said(trouble: GradientTrouble, layers: tuple[str, ...]) -> str:
    """How bad it is where it is worst."""
    count, value = len(layers), scientific(trouble.value)
    where = numbered("layer", [layer + 1 for layer in trouble.layers], count)
    among = where if len(trouble.layers) == count else f"{where} of {count}"
    if trouble.over == "weights":
        if not trouble.value > 0:
            return f"a step leaves those of {among} as they are"
        return (
            f"a step changes those of {among} by {value} of their size at most, less than float32 "
            f"tells apart"
        )
    if not np.isfinite(trouble.value):
        return f"those of {among} are not finite"
    if trouble.over == "first epoch":
        return f"they are {value} times what they began with"
    if trouble.value == 0:
        return f"{layers[0]}, the first of {count} layers, has none; too little in {where}"
    is_small = trouble.kind == "vanishing"
    of, more = ("of", "less than a thousandth") if is_small else ("times", "over a hundred times")
    return (
        f"{layers[0]}, the first of {count} layers, has {value} {of} the gradient of the last one; "
        f"{more} in {where}"
    )


def _by_layer(seen: Seen) -> tuple[LineChart, ...]:
    """On one axis, at each of some epochs."""
    norms = dict(seen.with_series(_NORM))
    found = [
        drawn(
            f"gradients at {name}",
            "by layer, from input to output",
            (line_of(variant, norm[at], scale="log") for variant, norm in norms.items()),
            seen.colors,
            across="layer",
            unit="norm of the gradient",
            scale="log",
        )
        for at, name in seen.looks.moments.items()
    ]
    return on_one_axis([chart for own in found for chart in own])


def _over_epochs(seen: Seen) -> tuple[LineChart, ...]:
    return drawn(
        "gradient of the first layer over that of the last",
        f"over the {seen.unit}s",
        (
            seen.over_looks(name, first_over_last(norm), scale="log")
            for name, norm in seen.with_series(_NORM)
        ),
        seen.colors,
        across=seen.unit,
        unit="ratio",
        scale="log",
        rule=1.0,
        rule_name="both as large",
    )


def _updates(seen: Seen) -> tuple[LineChart, ...]:
    """Of each layer, typically; and of the layer that moves least, over the epochs."""
    updates, subtitle = dict(seen.with_series(_UPDATE)), "over the weights"
    by_layer = drawn(
        f"updates by layer, at a typical {seen.unit}",
        subtitle,
        (line_of(name, median_of(one), scale="log") for name, one in updates.items()),
        seen.colors,
        across="layer",
        unit="update over weights",
        scale="log",
        rule=RESOLUTION,
        rule_name="resolution of float32",
    )
    least = drawn(
        "update of the layer that moves least",
        subtitle,
        (seen.over_looks(name, one.min(1), scale="log") for name, one in updates.items()),
        seen.colors,
        across=seen.unit,
        unit="update over weights",
        scale="log",
        rule=RESOLUTION,
        rule_name="resolution of float32",
    )
    return (*by_layer, *least)


def _table(seen: Seen) -> Table:
    columns = (
        "variant",
        f"first over last, {seen.looks.first}",
        f"{seen.looks.last}",
        f"least update, {seen.looks.first}",
        f"{seen.looks.last}",
    )
    updates = dict(seen.with_series(_UPDATE))
    rows = tuple(
        (
            Cell(name, color=seen.colors[name]),
            *(Cell(scientific(one)) for one in _ends(first_over_last(norm))),
            *(Cell(scientific(one)) for one in _ends(updates[name].min(1))),
        )
        for name, norm in seen.with_series(_NORM)
    )
    return Table(tuple(Column(header, is_main=True) for header in columns), rows)


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[-1])
