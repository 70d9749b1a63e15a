"""The gap over the epochs: the loss of each variant by moving, population and batch statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normwise.domain import POPULATION, VALIDATION, RunRecord
from normwise.report.aggregate import Curve, aggregate, thinned
from normwise.report.axes import epoch_axis, value_axis
from normwise.report.formatting import decimals, number
from normwise.report.line_labels import line_labels
from normwise.report.results import StudyResults
from normwise.report.section import Section, Spec, Style
from normwise.report.strokes import PARTS, Part, stroke_by_part
from normwise.report.vega import HEIGHT, HIDDEN, short

__all__ = ["GapChart", "build"]

_MOST = 4  # panels
_NAMES: dict[Part, str] = {
    "validation": f"{VALIDATION}loss",
    "population statistics": f"{POPULATION}{VALIDATION}loss",
    "training": "loss",
}
_STATISTICS: dict[Part, str] = {
    "validation": "moving",
    "population statistics": "population",
    "training": "batch",
}
Lines = Mapping[Part, Curve]


def build(results: StudyResults) -> Section | None:
    """A panel a variant that has moving statistics: the recommended first, then who lags most."""
    found = {name: _lines(results.runs_shown, name) for name in results.variants}
    lags = {name: Lag.of(lines) for name, lines in found.items() if _epochs_of_all(lines)}
    best = results.summary.recommended
    order = sorted(lags, key=lambda name: (name != best, -lags[name].largest))[:_MOST]
    if not order:
        return None
    domain, is_cut = _domain([found[name] for name in order])
    charts = tuple(
        GapChart(found[name], lags[name], results.colors[name], results.last_epoch, domain, is_cut,
                 results.seeds_shown)
        for name in order
    )  # fmt: skip
    left = len(lags) - len(order)
    told = "; ".join(f"{name} {lags[name].in_words}" for name in order)
    return Section(
        "The gap, epoch by epoch",
        charts=charts,
        caption=(
            f"Solid minus dashed, validation loss by moving minus by population statistics, is "
            f"lag; dashed minus dotted, the training loss by each batch's own, is generalisation "
            f"and the noise of batches. Medians over the replicas: {told}"
            f"{f'; {left} more variants are left out here' if left else ''}."
        ),
    )


def _lines(records: Sequence[RunRecord], variant: str) -> dict[Part, Curve]:
    """Of the runs that have the loss by all three statistics."""
    own = [one.curves for one in records if one.key.variant == variant]
    whole = [curves for curves in own if set(_NAMES.values()) <= set(curves)]
    lines = {
        part: aggregate(variant, part, [curves[name] for curves in whole])
        for part, name in _NAMES.items()
    }
    return {part: line for part, line in lines.items() if line is not None}


def _epochs_of_all(lines: Lines) -> list[int]:
    """At which all three are finite in some replica."""
    if len(lines) < len(_NAMES):
        return []
    return sorted(set.intersection(*(set(line.epochs) for line in lines.values())))


@dataclass(frozen=True, slots=True)
class Lag:
    """The parts of the gap that a panel shows, in units of the loss.

    Attributes:
        largest: The largest lag.
        epoch: When it was so large.
        last: The lag at the end.
        rest: Generalisation and the noise of batches at the end.
    """

    largest: float
    epoch: int
    last: float
    rest: float

    @classmethod
    def of(cls, lines: Lines) -> Lag:
        """Of the medians, at epochs that have all three."""
        moving, population, training = (
            dict(zip(lines[part].epochs, lines[part].median, strict=True)) for part in _NAMES
        )
        lags = {epoch: moving[epoch] - population[epoch] for epoch in _epochs_of_all(lines)}
        largest, last = max(lags, key=lambda epoch: lags[epoch]), max(lags)
        return cls(lags[largest], largest, lags[last], population[last] - training[last])

    @property
    def in_words(self) -> str:
        """All of it."""
        largest, last, rest = self._numbers
        return (
            f"lags by {largest} at epoch {self.epoch}, where it lags most, and by {last} at the "
            f"end, where the rest is {rest}"
        )

    @property
    def in_short(self) -> str:
        """The lag alone."""
        largest, last, _ = self._numbers
        return f"lag {largest} at epoch {self.epoch}, {last} at the end"

    @property
    def _numbers(self) -> list[str]:
        """With decimals in common, as what is compared."""
        parts = (self.largest, self.last, self.rest)
        digits = decimals(max(map(abs, parts)), 2)
        # Adding zero turns a rounded -0.0 into 0.0.
        return [f"{round(value, digits) + 0.0:.{digits}f}" for value in parts]


def _domain(panels: Sequence[Lines]) -> tuple[tuple[float, float], bool]:
    """One axis for all, and whether it cuts anything off.

    What the network has learned is to be seen: moving statistics may begin anywhere above it.
    """
    low = min(min(line.median) for lines in panels for line in lines.values())
    top = max(max(line.median) for lines in panels for line in lines.values())
    learned = max(
        max(line.median) for lines in panels for part, line in lines.items() if part != "validation"
    )
    high = min(top, low + 3 * (learned - low)) if learned > low else top
    return (low, high), high < top


@dataclass(frozen=True, slots=True)
class GapChart:
    """The loss of a variant over the epochs by three kinds of statistics.

    Attributes:
        lines: From the part of the data to the median over the replicas.
        lag: What the lines differ by.
        color: The variant's colour.
        last_epoch: Where the axis of epochs ends.
        domain: Lowest and highest loss to show.
        is_cut: Whether some line rises above that.
        seeds: Which seeds are counted; empty for all.
    """

    lines: Lines
    lag: Lag
    color: str
    last_epoch: int
    domain: tuple[float, float]
    is_cut: bool
    seeds: str = ""

    @property
    def variant(self) -> str:
        """Its name."""
        return self.lines["training"].variant

    @property
    def description(self) -> str:
        """What is drawn, in plain words."""
        ends = ", ".join(f"{name} statistics {number(end)}" for name, end in self._ends().items())
        return (
            f"Lines of the loss of {self.variant} over {self.last_epoch} epochs, by three kinds "
            f"of statistics: it {self.lag.in_words}. The lines end at {ends}."
        )

    def spec(self, style: Style) -> Spec:  # noqa: ARG002 - it looks the same everywhere
        """Three lines, named at their ends."""
        y = value_axis("value", "loss", domain=self.domain)
        labels = line_labels(self._ends(), y["scale"]["domain"])
        color: Spec = {"value": self.color}
        tooltip = [
            {"field": "statistics", "type": "nominal"},
            {"field": "epoch", "type": "quantitative"},
            {"field": "value", "type": "quantitative", "title": "loss", "format": ".3~g"},
        ]
        drawn = {
            "mark": {"type": "line", "clip": True},
            "encoding": {
                "x": epoch_axis(self.last_epoch),
                "y": y,
                "color": color,
                "tooltip": tooltip,
                **stroke_by_part(PARTS, has_legend=False),
            },
        }
        return {
            "name": "gap",
            "description": self.description,
            "title": {"text": self.variant, "subtitle": self._subtitle()},
            "height": HEIGHT,
            "data": {"values": self._rows()},
            "params": [HIDDEN],
            "layer": [drawn, *([labels.layer(color)] if labels else [])],
        }

    def _ends(self) -> dict[str, float]:
        return {_STATISTICS[part]: line.median[-1] for part, line in self.lines.items()}

    def _rows(self) -> list[Spec]:
        _, places = thinned([*self.lines.values()])
        return [
            {
                "part": part,
                "statistics": _STATISTICS[part],
                "epoch": line.epochs[i],
                "value": short(line.median[i]),
            }
            for (part, line), kept in zip(self.lines.items(), places, strict=True)
            for i in kept
        ]

    def _subtitle(self) -> str:
        step, _ = thinned([*self.lines.values()])
        return "; ".join(
            [
                self.lag.in_short,
                *([self.seeds] if self.seeds else []),
                *([f"one epoch in {step}"] if step > 1 else []),
                *(["cut at the top"] if self.is_cut else []),
            ]
        )
