"""The gap between training and inference: the loss four ways, and what makes up the gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from normwise.report.axes import value_axis
from normwise.report.colors import PART_COLORS
from normwise.report.formatting import decimals, number
from normwise.report.section import Cell, Column, NextStep, Section, Spec, Style, Table
from normwise.report.vega import chart_title, listed

__all__ = [
    "Found",
    "LossChart",
    "Ways",
    "build",
    "headline",
    "largest_part",
    "next_step",
    "sentence",
]

# The content of gap.json; from a way of normalising to the part of the data to its metrics.
Found = Mapping[str, Any]
Ways = Mapping[str, Mapping[str, Mapping[str, float]]]

METRICS = 2
"""Metrics beside the loss in a terminal's table, so that it fits 80 columns."""
WORTH_IT = 0.02
"""Below this share of the validation loss, a part of the gap calls for nothing."""
PARTS = {
    "lagging": "lagging statistics",
    "generalisation": "generalisation",
    "batch_noise": "batch noise",
}
# By the largest part of the gap and whether it is above 0.
_NEXT_STEPS = {
    ("lagging", True): "Next, for a validation loss of {loss}:",
    ("lagging", False): "Next: keep the moving statistics; the population's do worse here.",
    ("generalisation", True): (
        "Next: more data or more regularisation; the statistics are not the problem."
    ),
    ("generalisation", False): (
        "Next: look at the data; the validation part is easier than the training part."
    ),
    ("batch_noise", True): (
        "Next: larger batches in training; weights that rely on the statistics of {size} "
        "examples do worse with those of all."
    ),
    ("batch_noise", False): (
        "Next: nothing in inference; training alone suffers from the noise of batches of {size}."
    ),
}
_WAYS = {
    "batch": "its batch's own",
    "moving": "moving (inference)",
    "population": "population",
    "folded": "moving, folded",
}


def build(found: Found) -> Section | None:
    """The losses; nothing where the model is not compiled."""
    ways: Ways = found["ways"]
    if not ways:
        return None
    metrics = ["loss", *(name for name in next(iter(ways.values()))["training"] if name != "loss")]
    main = metrics[: 1 + METRICS]
    heads = [
        Column(f"{metric} {part}", is_main=metric in main)
        for metric in metrics
        for part in ("training", "validation")
    ]
    rows = (
        (
            Cell(_WAYS[way]),
            *(Cell(number(parts[part][metric])) for metric in metrics for part in parts),
        )
        for way, parts in ways.items()
    )
    return Section(
        "Loss, four ways",
        table=Table((Column("statistics", is_main=True), *heads), tuple(rows)),
        charts=(LossChart(ways),),
        caption=(
            f"The same weights on the same data; every batch normalisation normalises by these "
            f"statistics: its batch's own, of {found['batch_size']} examples, as in training; its "
            f"moving ones, as in inference; those of the whole training part, as normwise "
            f"recalibrate sets them; its moving ones, folded into the weights. The gap is the "
            f"validation loss by moving statistics minus the training loss by the batch's own."
        ),
    )


def largest_part(found: Found) -> str | None:
    """The part of the gap that matters most; ``None`` where none does, or no loss is known."""
    if found["gap"] is None:
        return None
    name = max(PARTS, key=lambda part: abs(found["gap"][part]))
    worth = WORTH_IT * abs(found["ways"]["moving"]["validation"]["loss"])
    return name if abs(found["gap"][name]) > worth else None


def headline(found: Found) -> str:
    """What the gap is made of most, in a few words.

    >>> headline({"gap": None})
    'Not compiled: only its statistics could be looked at'
    """
    parts = found["gap"]
    if parts is None:
        return "Not compiled: only its statistics could be looked at"
    part = largest_part(found)
    if part is None:
        return "No part of the gap is worth a repair"
    return f"A gap of {number(parts['total'])}: {number(parts[part])} by {PARTS[part]}"


def sentence(found: Found) -> str:
    """What the gap comes to.

    >>> sentence({"gap": {"total": 0.58, "lagging": 0.57, "generalisation": 0.012,
    ...                   "batch_noise": -0.002}})[59:]
    'training loss in training: 0.570 lagging statistics, 0.012 generalisation, -0.002 batch noise.'
    >>> sentence({"gap": {"total": -2.2e10, "lagging": 638976, "generalisation": -2.2e10,
    ...                   "batch_noise": -16384}})[:20]
    'Of a gap of -2.2e+10'
    """
    parts = found["gap"]
    if parts is None:
        return "The model is not compiled, so only its statistics could be looked at."
    largest = max(map(abs, parts.values()))
    digits = decimals(largest, 3)
    texts = {
        # Adding zero turns a rounded -0.0 into 0.0.
        name: number(value) if largest >= 1e6 else f"{round(value, digits) + 0.0:.{digits}f}"
        for name, value in parts.items()
    }
    shares = ", ".join(f"{texts[name]} {words}" for name, words in PARTS.items())
    return (
        f"Of a gap of {texts['total']} between validation loss in inference and training loss in "
        f"training: {shares}."
    )


def next_step(found: Found, command: str) -> NextStep:
    """What to do about the gap.

    Args:
        found: The content of ``gap.json``.
        command: What recalibrates the model.
    """
    part = largest_part(found)
    if found["gap"] is None:
        return NextStep("Next: compile the model and diagnose it again, or:", command)
    if part is None:
        return NextStep("Next: nothing; no part of the gap is worth a repair.")
    is_positive = found["gap"][part] > 0
    is_repaired = part == "lagging" and is_positive
    if is_repaired and any(layer["is_fixed"] for layer in found["layers"]):
        return NextStep("Next, if frozen layers may have new statistics, too:", command)
    loss = number(found["ways"]["population"]["validation"]["loss"])
    text = _NEXT_STEPS[part, is_positive].format(loss=loss, size=found["batch_size"])
    return NextStep(text, command if is_repaired else "")


@dataclass(frozen=True, slots=True)
class LossChart:
    """The loss of both parts of the data, by each way of normalising.

    Attributes:
        ways: From a way to the part (``training``, ``validation``) to its metrics.
    """

    ways: Ways

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """A pair of bars a way."""
        rows = [
            {"way": way, "part": part, "loss": scores["loss"], "text": number(scores["loss"])}
            for way, parts in self.ways.items()
            for part, scores in parts.items()
        ]
        losses = listed(f"{one['way']} {one['part']} {one['text']}" for one in rows)
        highest = max(scores["loss"] for parts in self.ways.values() for scores in parts.values())
        y = value_axis("loss", None, zero=True)
        # Room for the number on the highest bar, below the title.
        y["scale"] |= {"domainMax": max(0.0, 1.1 * highest)}
        axis = {"labelAngle": 0, "domain": False, "ticks": False, "labelPadding": 8}
        return {
            "name": "losses",
            "description": f"Pairs of bars, the loss by each kind of statistics: {losses}.",
            "title": chart_title("loss", "the same weights, four ways of normalising"),
            "height": 220,
            "data": {"values": rows},
            "encoding": {
                "x": {
                    "field": "way",
                    "type": "nominal",
                    "title": None,
                    "sort": list(self.ways),
                    "axis": axis,
                },
                "xOffset": {"field": "part", "type": "nominal", "sort": list(PART_COLORS)},
                "y": {**y, "axis": {"tickCount": 5}},
            },
            "layer": [_bar_layer(), _number_layer()],
        }


def _bar_layer() -> Spec:
    fill = {
        "field": "part",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(PART_COLORS), "range": list(PART_COLORS.values())},
        "legend": {"orient": "bottom"},
    }
    return {"mark": {"type": "bar"}, "encoding": {"fill": fill}}


def _number_layer() -> Spec:
    return {
        "mark": {"type": "text", "dy": -6, "fontSize": 10},
        "encoding": {"text": {"field": "text", "type": "nominal"}},
    }
