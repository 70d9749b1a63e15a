"""Axes of charts: epochs, and values on a linear or a logarithmic scale."""

from __future__ import annotations

from typing import Literal

from normwise.report.section import Spec
from normwise.report.vega import short

__all__ = ["Scale", "epoch_axis", "share_axis", "value_axis"]

Scale = Literal["linear", "log"]


def epoch_axis(last: int) -> Spec:
    """The horizontal axis of a curve: whole epochs, from 0.

    Args:
        last: The epoch at which it ends.
    """
    return {
        "field": "epoch",
        "type": "quantitative",
        "title": "epoch",
        "scale": {"nice": False, "domain": [0, last]},
        "axis": {
            "tickMinStep": 1,
            "tickCount": 6,
            "format": "d",
            # Vega takes a smallest step for a wish: of three epochs it also marks the halves.
            "labelExpr": "datum.value === floor(datum.value) ? datum.label : ''",
            "grid": False,
        },
    }


def value_axis(
    field: str,
    title: str | None,
    *,
    scale: Scale = "linear",
    domain: tuple[float, float] | None = None,
    zero: bool = False,
) -> Spec:
    """An axis of measured values.

    Args:
        field: Where the data hold them.
        title: What stands beside the axis.
        scale: ``linear``; or ``log``, which only shows values above 0.
        domain: Lowest and highest value to show, with some room around them; where the data end
            unless given.
        zero: Whether a linear axis begins at 0.

    >>> value_axis("loss", "loss", domain=(0.0, 1.0))["scale"]["domain"]
    [-0.03, 1.03]
    >>> value_axis("loss", "loss", scale="log", domain=(0.01, 1.0))["scale"]
    {'type': 'log', 'padding': 12, 'domain': [0.01, 1.0], 'nice': False}
    """
    settings: Spec = {"zero": zero} if scale == "linear" else {"type": "log", "padding": 12}
    if domain is not None:
        settings |= {"domain": list(domain) if scale == "log" else _with_room(*domain)}
    if domain is not None or scale == "log":
        settings |= {"nice": False}
    return {"field": field, "type": "quantitative", "title": title, "scale": settings}


def _with_room(low: float, high: float) -> list[float]:
    margin = 0.03 * (high - low) or 0.5
    return [short(low - margin), short(high + margin)]


def share_axis(field: str, title: str) -> Spec:
    """A vertical axis of shares, from 0 to 100%, neither of which lies on the frame."""
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": _with_room(0, 1), "nice": False},
        "axis": {"format": ".0%"},
    }
