"""How values are distributed, in one picture before and behind a normalisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from normwise.domain import Inside
from normwise.domain.inside import BINS, REACH
from normwise.report.formatting import scientific
from normwise.report.section import Spec, Style
from normwise.report.vega import HEIGHT, HIDDEN, short

__all__ = ["Histogram", "HistogramChart", "histogram_of"]

_DASHES = ([1, 0], [4, 3])
_WIDTH = 2 * REACH / BINS  # of a bin, in deviations


@dataclass(frozen=True, slots=True)
class Histogram:
    """How values are distributed.

    Attributes:
        mean: Of all values.
        deviation: Of all values, > 0.
        shares: In each of the bins, which lie about the mean.
    """

    mean: float
    deviation: float
    shares: tuple[float, ...]

    def points(self) -> Iterator[tuple[float, float]]:
        """The middle of each bin, and how densely the values lie there."""
        for number, share in enumerate(self.shares):
            middle = (number + 0.5) * _WIDTH - REACH
            yield self.mean + self.deviation * middle, share / (self.deviation * _WIDTH)


def histogram_of(run: Inside, place: int) -> Histogram | None:
    """Of a signal of a run at its last epoch; ``None`` where its values are not finite, or one.

    Args:
        run: What was seen of it.
        place: Which of its signals.
    """
    mean, deviation = (
        float(run.series[f"activations/{name}"][-1, place]) for name in ("mean", "deviation")
    )
    shares = run.series["activations/histogram"][-1, place]
    if not (np.isfinite(mean) and 0 < deviation < np.inf):
        return None
    return Histogram(mean, deviation, tuple(shares.tolist()))


@dataclass(frozen=True, slots=True)
class HistogramChart:
    """Histograms of a variant, on one axis.

    Attributes:
        variant: Its name.
        layer: Which layer it is of.
        parts: What is distributed to how it is, at most two; the last one is solid.
        color: The variant's colour.
    """

    variant: str
    layer: str
    parts: Mapping[str, Histogram]
    color: str

    @property
    def only(self) -> str:
        """The variant that it is of."""
        return self.variant

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        said = "; ".join(
            f"{part} mean {scientific(one.mean)} and deviation {scientific(one.deviation)}"
            for part, one in self.parts.items()
        )
        return f"Histograms of {self.variant} at {self.layer}: {said}."

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """Steps, solid behind a normalisation and dashed before it."""
        parts = list(self.parts)
        rows = [
            {"part": part, "x": short(x), "density": short(density)}
            for part, one in self.parts.items()
            for x, density in one.points()
        ]
        dashes = {
            "field": "part",
            "type": "nominal",
            "title": None,
            "sort": parts,
            "scale": {"domain": parts, "range": list(_DASHES[: len(parts)][::-1])},
            "legend": {"orient": "top", "symbolType": "stroke", "symbolSize": 1000},
        }
        return {
            "name": "histogram",
            "description": self.description,
            "title": {"text": f"Distribution: {self.variant}", "subtitle": self.layer},
            "height": HEIGHT,
            "data": {"values": rows},
            "params": [HIDDEN],
            "mark": {"type": "line", "interpolate": "step", "strokeWidth": 2},
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "quantitative",
                    "title": "value",
                    "scale": {"zero": False, "nice": False},
                    "axis": {"grid": False, "tickCount": 6},
                },
                "y": {"field": "density", "type": "quantitative", "title": "density"},
                "color": {"value": self.color},
                "strokeDash": dashes,
            },
        }
