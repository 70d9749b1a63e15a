"""How lines are told apart without colour: by their dashes and their width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from normwise.report.section import Spec

__all__ = ["PARTS", "Part", "stroke_by_part"]

Part = Literal["validation", "population statistics", "training"]

_DASHES: dict[Part, list[float]] = {
    "validation": [1, 0],
    "population statistics": [10, 4],
    "training": [2, 2.5],
}
PARTS = tuple(_DASHES)
"""What a metric is taken from, in the order of the legend."""
_WIDE, _NARROW = 2, 1.3


def stroke_by_part(parts: Sequence[Part], *, has_legend: bool = True) -> Spec:
    """The encodings of a line by the field ``part``, one of these: the first is the widest."""
    legend: Spec = {
        "orient": "top",
        "symbolType": "stroke",
        "symbolSize": 1000,  # as long as it takes to see a dash
        "symbolStrokeWidth": _NARROW,
    }
    if len(parts) < 2:
        return {"strokeWidth": {"value": _WIDE}}
    return {
        "strokeDash": {
            "field": "part",
            "type": "nominal",
            "title": None,
            "scale": {"domain": list(parts), "range": [_DASHES[part] for part in parts]},
            "legend": legend if has_legend else None,
        },
        "strokeWidth": {
            "condition": {"test": f"datum.part === '{parts[0]}'", "value": _WIDE},
            "value": _NARROW,
        },
    }
