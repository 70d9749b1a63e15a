"""The data: what was decided about them, and a picture where they are two-dimensional."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from normwise.report.axes import value_axis
from normwise.report.colors import class_colors
from normwise.report.results import DataPreview, StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.vega import HEIGHT, chart_title, listed, short

__all__ = ["MOST_DOTS", "DataChart", "build"]

MOST_DOTS = 1000
"""Points drawn of a data set; of a larger one a sample."""


def build(results: StudyResults) -> Section | None:
    """The notes of the data, and their points in the plane."""
    if not results.notes and results.preview is None:
        return None
    charts = () if results.preview is None else (DataChart(results.preview),)
    return Section("Data", text=results.notes, charts=charts)


@dataclass(frozen=True, slots=True)
class DataChart:
    """Points in the plane, coloured and shaped by class.

    Attributes:
        preview: The points.
    """

    preview: DataPreview

    def spec(self, style: Style) -> Spec:
        """A point an example."""
        preview, total = self.preview, len(self.preview.points)
        kept = _sample(total)
        thinned = f"; {len(kept)} of {total} points" if len(kept) < total else ""
        rows = [
            {
                "x": short(preview.points[i][0]),
                "y": short(preview.points[i][1]),
                "class": preview.labels[i],
            }
            for i in kept
        ]
        classes = sorted(set(preview.labels))
        shared = {"field": "class", "type": "nominal", "title": "class"}
        # A page may be narrow; in a picture there is room beside a square.
        legend = {"orient": "right"} if style.legend else {"orient": "bottom", "columns": 5}
        colors = {"domain": classes, "range": class_colors(len(classes))}
        first, second = preview.feature_names
        return {
            "name": "data",
            "description": (
                f"Points of {len(classes)} classes ({listed(classes)}) by {first} and {second}."
            ),
            "title": chart_title("examples by class", f"{preview.caption}{thinned}"),
            "width": HEIGHT,
            "height": HEIGHT,
            "data": {"values": rows},
            "mark": {"type": "point", "filled": True, "size": 22, "opacity": 1},
            "encoding": {
                "x": value_axis("x", first),
                "y": value_axis("y", second),
                "fill": {**shared, "scale": colors, "legend": legend},
                "shape": {**shared, "scale": {"domain": classes}, "legend": legend},
            },
        }


def _sample(total: int) -> Sequence[int]:
    """Numbers of the points to draw: a sample, since data often come sorted by class."""
    if total <= MOST_DOTS:
        return range(total)
    return random.Random(0).sample(range(total), MOST_DOTS)  # noqa: S311 - a picture
